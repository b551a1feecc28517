"""The peer `Trainer`: transformers' own, at its defaults but for what all are given. Arguments: input, out, steps, points.

Prompts are masked and batches padded to their longest text by transformers' own collator.
"""

import sys
from pathlib import Path

from clock import Clock, given, rows
from transformers import AutoModelForCausalLM, AutoTokenizer, DataCollatorForSeq2Seq, Trainer, TrainingArguments
from transformers.utils.logging import disable_progress_bar


def main() -> None:
    """Train and print the clock."""
    place, out, steps, points = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(place / "model")
    model = AutoModelForCausalLM.from_pretrained(place / "model", dtype="float32")
    data = []
    for row in rows(place):
        prompt, completion = (tokenizer(row[name], add_special_tokens=False)["input_ids"] for name in row)
        data.append({"input_ids": prompt + completion, "labels": [-100] * len(prompt) + completion})
    arguments = TrainingArguments(**given(place, out, steps))
    clock = Clock(out, steps, points)
    collate = DataCollatorForSeq2Seq(tokenizer, label_pad_token_id=-100)
    trainer = Trainer(
        model=model,
        args=arguments,
        train_dataset=data,
        data_collator=clock.counting(collate, tokenizer.pad_token_id),
        callbacks=[clock],
    )
    trainer.train()
    print(clock.told())


if __name__ == "__main__":
    main()
