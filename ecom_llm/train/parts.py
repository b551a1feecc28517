"""A training in two parts: the first by people's texts, the second by theirs and the model's own; each goes on where a kill left it."""

import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from transformers import PreTrainedTokenizerBase, Trainer, TrainerState

from ecom_llm.layout import Layout
from ecom_llm.params import Params, Train
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records
from ecom_llm.train.encoded_texts import EncodedTexts, encoded_batches, mapped, write_whole
from ecom_llm.train.model import load_checkpoint
from ecom_llm.train.own_texts import asked, people_of, to_learn, write_all, writer
from ecom_llm.train.shown import times
from ecom_llm.train.watchdog import out_of_memory
from ecom_llm.write.copies import Copies, learned_copies

logger = logging.getLogger(__name__)
Part = Literal["whole", "first", "second"]
"""Which part of a training; `whole` is one that has no second."""


@dataclass(frozen=True)
class Parts:
    """What lies in the folder of a training, beside the checkpoints of one that is whole."""

    folder: Path

    def checkpoints(self, part: Part) -> Path:
        return self.folder if part == "whole" else self.folder / part

    @property
    def model(self) -> Path:
        """The model that the first part ended with; where it is, that part is over."""
        return self.folder / "first" / "model"

    @property
    def state(self) -> Path:
        """Steps, tokens and curve of the first part."""
        return self.folder / "first" / "state.json"

    @property
    def texts(self) -> Path:
        """What that model wrote."""
        return self.folder / "texts.jsonl"

    @property
    def encoded(self) -> Path:
        """The same as token ids; where it is, all was written."""
        return self.folder / "texts.arrow"


def check_asked(params: Params, layout: Layout) -> None:
    """Whether there is anything to write for.

    Raises:
        UserError: all that training shows is ranked, or answered from evidence.
    """
    if next(asked(layout.split("train"), params.train.seed), None) is None:
        raise UserError(
            f"train.self_training.steps is {params.train.self_training.steps}, but the model writes for no training "
            "example: items are ranked, and questions about products without a listing answered from earlier answers. Set it to 0."
        )


def params_of(params: Params, part: Part) -> Params:
    """The params by which a part trains: the second has a length and a rate of its own, and keeps its last weights.

    A loss on people's texts judges it wrongly: it learns less of them, so as to write better. A validation loss that rises is
    no reason to end it, and a training loss that is easier than the first one's none to compare it.
    """
    if part != "second":
        return params
    own = params.train.self_training
    train = params.train.model_copy(
        update={
            "max_steps": own.steps,
            "learning_rate": own.learning_rate,
            "warmup_steps": own.warmup_steps,
            "load_best_model_at_end": False,
            "early_stopping_patience": 0,
            "divergence_patience": 0,
        }
    )
    return params.model_copy(update={"train": train})


def keep_first(trainer: Trainer, tokenizer: PreTrainedTokenizerBase, parts: Parts) -> None:
    """Write what the second part goes on from, the model last and by a rename; then the checkpoints have served."""
    partial = parts.model.with_name("model.partial")
    shutil.rmtree(partial, ignore_errors=True)
    trainer.model.save_pretrained(partial)
    tokenizer.save_pretrained(partial)
    told = [entry for entry in trainer.state.log_history if "loss" in entry or "eval_loss" in entry]
    state = TrainerState(global_step=trainer.state.global_step, max_steps=trainer.state.max_steps, log_history=told)
    state.num_input_tokens_seen = trainer.state.num_input_tokens_seen
    state.save_to_json(str(parts.state))
    partial.rename(parts.model)
    for checkpoint in parts.checkpoints("first").glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


def first_state(parts: Parts) -> TrainerState:
    """What the first part had come to."""
    return TrainerState.load_from_json(str(parts.state))


def continued(first: TrainerState, second: TrainerState) -> TrainerState:
    """One curve: the steps and tokens of the second part counted on from the first."""
    later = []
    for entry in second.log_history:
        seen = {name: entry[name] + first.num_input_tokens_seen for name in ("num_input_tokens_seen",) if name in entry}
        later.append({**entry, "step": entry["step"] + first.global_step, **seen})
    return TrainerState(log_history=[*first.log_history, *later])


def copies_in(train: Train, layout: Layout) -> Copies | None:
    """Which words stand together in the texts that training shows to a model that writes; None where copying is free."""
    if not train.copied_words:
        return None
    texts = (one.target for one in read_records(layout.split("train"), Example) if one.skill != "recommend")
    return learned_copies(texts, train.copied_words)


def write_texts(params: Params, layout: Layout, parts: Parts, on_cuda: bool) -> PreTrainedTokenizerBase:
    """Write what the first part's model has to say to each example; return its tokenizer.

    Raises:
        UserError: the memory does not suffice.
    """
    train, split = params.train, layout.split("train")
    own, total = train.self_training, sum(1 for _ in asked(split, train.seed))
    told = "writing %d texts for each of %d examples, to learn from the best %d"
    logger.info(told, own.num_return_sequences, total, own.texts)
    torch.set_num_threads(train.num_threads)
    model, tokenizer = load_checkpoint(parts.model, "bfloat16" if on_cuda else "float32", False, train.max_length)
    try:
        people = people_of(asked(split, train.seed), tokenizer, own.consensus_beta)
        model = model.to("cuda" if on_cuda else "cpu").eval()
        write = writer(model, tokenizer, train, copies_in(train, layout), people)
        write_all(parts.texts, asked(split, train.seed), total, write)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and not out_of_memory(error):
            raise
        raise UserError(
            f"train: the memory does not suffice to write {own.batch_size} texts at once. "
            f"Set train.self_training.batch_size={max(1, own.batch_size // 2)}."
        ) from error
    return tokenizer


def write_own(params: Params, layout: Layout, parts: Parts, on_cuda: bool) -> None:
    """Write the model's own texts, and encode them: by one process, before those start that train on them."""
    if mapped(parts.encoded) is not None:
        return
    tokenizer = write_texts(params, layout, parts, on_cuda)
    if on_cuda:
        torch.cuda.empty_cache()
    seed = params.train.seed
    learned = to_learn(parts.texts, asked(layout.split("train"), seed), seed)
    write_whole(parts.encoded, encoded_batches(learned, tokenizer, "causal"))


def with_own(people: EncodedTexts, parts: Parts, train: Train) -> EncodedTexts:
    """People's texts as they are shown, and behind them the model's own that can be learned whole."""
    own = EncodedTexts(mapped(parts.encoded) or [])
    counts = np.fromiter((times(name, weight, train.seed) for name, weight in own.weights()), np.int64, len(own))
    fits = own.lengths("prompt", "completion") <= train.max_length
    shown = np.repeat(own.chosen, counts * fits) + people.starts[-1]
    logger.info("learning from %d texts of people's and %d of the model's own", len(people), len(shown))
    return EncodedTexts([*people.batches, *own.batches], np.concatenate([people.chosen, shown]).astype(np.int64))
