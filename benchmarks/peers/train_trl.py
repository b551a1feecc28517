"""The peer TRL: SFTTrainer. Arguments: input, out, steps, points, and its settings as one JSON object, {} for its defaults.

Texts come as prompt and completion, so that it learns completions only, as all the others do.
"""

import json
import sys
from pathlib import Path

from clock import Clock, given, rows
from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar
from trl import SFTConfig, SFTTrainer


def main() -> None:
    """Train and print the clock."""
    place, out, steps, points = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(place / "model")
    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype="float32")
    arguments = SFTConfig(**(given(place, out, steps) | json.loads(sys.argv[5])))
    clock = Clock(out, steps, points)
    trainer = SFTTrainer(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(rows(place)),
        processing_class=tokenizer,
        callbacks=[clock],
    )
    trainer.data_collator = clock.counting(trainer.data_collator, tokenizer.pad_token_id)
    trainer.train()
    print(clock.told())


if __name__ == "__main__":
    main()
