"""Our side of benchmarks/training.py, a process like the peers': `train`'s own trainer over the same texts, as it keeps them.

python -m benchmarks.training_ours INPUT OUT STEPS POINTS
"""

import os
import sys
from pathlib import Path

import torch
from transformers.utils.logging import disable_progress_bar

from benchmarks.peers.clock import Clock
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.train.batching import Completions
from ecom_llm.train.model import load_checkpoint
from ecom_llm.train.stage import encoded_splits
from ecom_llm.train.trainer import new_trainer


def main() -> None:
    """Train and print the clock."""
    place, out, steps, points = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    disable_progress_bar()
    params = load_params(place / "params.yaml")
    # neither validation nor checkpoints while the clock runs: the peers take none either
    never = {"max_steps": steps, "eval_steps": 10**9, "save_steps": 10**9, "logging_steps": 10**9}
    never |= {"load_best_model_at_end": False}
    params = params.model_copy(update={"train": params.train.model_copy(update=never)})
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    model, tokenizer = load_checkpoint(place / "model", "float32", four_bits=False, max_length=256)
    splits = encoded_splits(params.train, Layout(place / "workspace", place / "state"), tokenizer)
    data = {split: Completions(texts) for split, texts in splits.items()}
    trainer = new_trainer(params, out, model, data, tokenizer)
    clock = Clock(out, steps, points)
    trainer.add_callback(clock)
    trainer.data_collator = clock.counting(trainer.data_collator, tokenizer.pad_token_id)
    trainer.train()
    print(clock.told())


if __name__ == "__main__":
    main()
