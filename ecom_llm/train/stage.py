"""The train stage: prepared examples -> a model folder with its tokenizer, and the training curve."""

import logging
import random
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records
from ecom_llm.train.batching import Completions
from ecom_llm.train.checkpoints import checkpoint_folder, checkpoint_key, last_checkpoint
from ecom_llm.train.encode import Encoded, encode
from ecom_llm.train.model import model_and_tokenizer
from ecom_llm.train.trainer import new_trainer, use_cuda, write_curve

logger = logging.getLogger(__name__)


def run(params: Params, layout: Layout) -> None:
    """Train on the training split, watch the validation split, write `layout.model` and `layout.curve`.

    Raises:
        UserError: no examples, all of them too long, no CUDA where it was asked for, or no checkpoint to start from.
    """
    if use_cuda(params) and not torch.cuda.is_available():
        raise UserError("runtime.device is cuda, but torch finds no CUDA device here. Set runtime.device=auto.")
    torch.set_num_threads(params.train.num_threads)
    if not sys.stderr.isatty():
        disable_progress_bar()
    package = Path(__file__).parents[1]
    inputs = [layout.prepared, package / "train", package / "skills", package / "records.py", package / "shards.py"]
    if params.train.init == "checkpoint":
        inputs.append(layout.workspace / params.train.base_model)
    with checkpoint_folder(layout.checkpoints, checkpoint_key(params.train, inputs)) as folder:
        train(params, layout, folder)


def train(params: Params, layout: Layout, folder: Path) -> None:
    """Everything between the lock and the written model."""
    examples = {split: list(read_records(layout.split(split), Example)) for split in ("train", "validation")}
    examples["train"] = list(repeated(examples["train"], params.train.seed))
    model, tokenizer = model_and_tokenizer(params.train, examples["train"], layout.workspace)
    max_length = params.train.max_length
    data = {
        "train": fitting(examples["train"], tokenizer, max_length, "train"),
        "validation": fitting(watched(examples["validation"], params), tokenizer, max_length, "validation"),
    }
    trainer = new_trainer(params, folder, model, data, tokenizer.pad_token_id)
    checkpoint = last_checkpoint(folder)
    logger.info(
        "training %.1f M parameters on %d examples for %d steps%s",
        model.num_parameters() / 1e6,
        len(data["train"]),
        params.train.max_steps,
        f", from {checkpoint.name}" if checkpoint else "",
    )
    began = time.monotonic()
    trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    logger.info("trained in %.0f s", time.monotonic() - began)
    save(trainer.model, tokenizer, layout.model)
    write_curve(layout.curve, trainer.state)


def repeated(examples: list[Example], seed: int) -> Iterator[Example]:
    """Each example as often as its weight says; what is left of a weight below the next whole number is drawn by its id.

    A weight of 2.5 shows every example twice and one half of them a third time, the same half in every run.
    """
    for example in examples:
        drawn = random.Random(f"{seed}\n{example.id}").random()
        for _ in range(int(example.weight) + (drawn < example.weight % 1)):
            yield example


def watched(examples: list[Example], params: Params) -> list[Example]:
    """The validation examples that each validation loss is taken over: a fixed sample."""
    count = min(params.train.eval_examples, len(examples))
    return random.Random(params.train.seed).sample(examples, count)


def fitting(examples: list[Example], tokenizer: PreTrainedTokenizerBase, max_length: int, split: str) -> Completions:
    """The encoded examples that fit; cutting a text would teach the model to stop in the middle.

    Raises:
        UserError: nothing is left to learn from.
    """
    encoded: list[Encoded] = encode(examples, tokenizer)
    kept = [one for one in encoded if len(one) <= max_length]
    if not kept:
        raise UserError(
            f"train: none of the {len(encoded)} {split} examples fits into train.max_length {max_length}. "
            f"The shortest has {min(map(len, encoded), default=0)} tokens: raise train.max_length or add data."
        )
    if len(kept) < len(encoded):
        logger.warning(
            "%d of %d %s examples are longer than train.max_length %d and left out",
            len(encoded) - len(kept),
            len(encoded),
            split,
            max_length,
        )
    return Completions(kept)


def save(model: torch.nn.Module, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write safetensors and tokenizer beside the target, then rename: the folder is whole or absent."""
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    model.to(torch.float32).save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
