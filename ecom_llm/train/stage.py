"""The train stage: prepared examples -> a model folder with its tokenizer, and the training curve."""

import logging
import math
import random
import shutil
import sys
import time
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from peft import PeftModel
from peft.helpers import disable_input_dtype_casting
from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from ecom_llm.layout import Layout
from ecom_llm.params import Params, Train
from ecom_llm.records import Example, UserError
from ecom_llm.shards import read_records
from ecom_llm.train.answering import files as answering_files
from ecom_llm.train.answering.learn import learned_from as answering_from
from ecom_llm.train.batching import Completions
from ecom_llm.train.checkpoints import checkpoint_folder, checkpoint_key, last_checkpoint
from ecom_llm.train.encoded_texts import EncodedTexts, encoded_batches, encoding_key, kept
from ecom_llm.train.flops import flops_per_token
from ecom_llm.train.lora import save_adapter
from ecom_llm.train.masked import MaskedTexts, watchable
from ecom_llm.train.masked_model import masked_reading
from ecom_llm.train.model import load_checkpoint, model_and_tokenizer, whole_model
from ecom_llm.train.parts import (
    Part,
    Parts,
    check_asked,
    continued,
    copies_in,
    first_state,
    keep_first,
    params_of,
    with_own,
    write_own,
)
from ecom_llm.train.preflight import Batch, Cost, Passes, Reading, Survey, check_survey, cost, measure, reading, survey
from ecom_llm.train.processes import check_processes, train_in_processes
from ecom_llm.train.ranks import whole_weights
from ecom_llm.train.recommender import files as recommender_files
from ecom_llm.train.recommender.learn import learned_from as recommender_from
from ecom_llm.train.shown import Shown, times
from ecom_llm.train.telling import Telling
from ecom_llm.train.trainer import CompletionTrainer, new_trainer, use_cuda, write_curve
from ecom_llm.train.watchdog import ended, halve_batch, restore_ended
from ecom_llm.write import copies

logger = logging.getLogger(__name__)
PACKAGE = Path(__file__).parents[1]
CODE = tuple(
    PACKAGE / name for name in ("skills", "records.py", "shards.py", "write/encode.py", "train/encoded_texts.py")
)
"""What decides, beside data and tokenizer, which tokens an example becomes."""
BATCHES_LOOKED_AT = 50
"""Batches whose sizes stand for all."""


def run(params: Params, layout: Layout) -> None:
    """Train on the training split, watch the validation split, write `layout.model` and `layout.curve`.

    Raises:
        UserError: no examples, all of them too long, no CUDA where it was asked for, no checkpoint to start from, or nothing to
            write for where the model is to learn from its own texts.
    """
    if use_cuda(params) and not torch.cuda.is_available():
        raise UserError("runtime.device is cuda, but torch finds no CUDA device here. Set runtime.device=auto.")
    check_processes(params, use_cuda(params))
    if params.train.self_training.steps:
        check_asked(params, layout)
    inputs = [layout.prepared, PACKAGE / "train", PACKAGE / "write", *CODE]
    if params.train.init == "checkpoint":
        inputs.append(layout.workspace / params.train.base_model)
    layout.live_curve.unlink(missing_ok=True)
    with checkpoint_folder(layout.checkpoints, checkpoint_key(params.train, inputs)) as folder:
        (self_training if params.train.self_training.steps else fitting)(params, layout, folder)


def self_training(params: Params, layout: Layout, folder: Path) -> None:
    """Train, write texts, and train on from there by these and people's; what a killed process has ended is not done again."""
    parts = Parts(folder)
    if parts.model.is_dir():
        Telling(layout.live_curve, 0.0).tell_again(first_state(parts))
    else:
        fitting(params, layout, folder, "first")
    write_own(params, layout, parts, use_cuda(params))
    fitting(params_of(params, "second"), layout, folder, "second")


def fitting(params: Params, layout: Layout, folder: Path, part: Part = "whole") -> None:
    """Train, in as many processes as params say; all of them again with smaller batches, should the memory not suffice."""

    def attempt(batch_size: int, accumulation: int) -> None:
        sizes = {"per_device_train_batch_size": batch_size, "gradient_accumulation_steps": accumulation}
        smaller = params.model_copy(update={"train": params.train.model_copy(update=sizes)})
        (train if params.train.num_processes == 1 else train_in_processes)(smaller, layout, folder, part)

    halve_batch(attempt, params.train.per_device_train_batch_size, params.train.gradient_accumulation_steps)


def train(params: Params, layout: Layout, folder: Path, part: Part) -> None:
    """Everything between the lock and the written model, here or as one of several processes."""
    torch.set_num_threads(params.train.num_threads)
    if not sys.stderr.isatty():
        disable_progress_bar()
    trained(params, layout, Parts(folder), part)


def trained(params: Params, layout: Layout, parts: Parts, part: Part) -> None:
    """One training, from new weights, from those of the first part, or from the last checkpoint of the same part."""
    folder, before = parts.checkpoints(part), first_state(parts) if part == "second" else None
    model, tokenizer = begun_with(params.train, layout, parts, part)
    read = (masked_reading if params.train.objective == "masked" else reading)(tokenizer, model)
    splits = encoded_splits(params.train, layout, tokenizer)
    if part == "second":
        splits["train"] = with_own(splits["train"], parts, params.train)
    surveys, data = {}, {}
    for split, texts in splits.items():
        surveys[split], data[split] = surveyed(texts, tokenizer, read, params.train, split)
    section = "train.self_training" if part == "second" else "train"
    trainer = new_trainer(params, folder, model, data, tokenizer, section)
    trainer.add_callback(Telling(layout.live_curve, flops_per_token(model), before))
    with trainer.accelerator.main_process_first():  # what was cut short is removed, by one process
        checkpoint = last_checkpoint(folder)
    logger.info(
        "training %.1f M parameters on %d examples for %d steps%s",
        model.num_parameters() / 1e6,
        len(data["train"]),
        params.train.max_steps,
        f", from {checkpoint.name}" if checkpoint else "",
    )
    logger.info("this will take %s", estimate(trainer, surveys["train"]))
    began = time.monotonic()
    if checkpoint and ended(checkpoint):
        restore_ended(trainer, checkpoint)
    else:
        # under autocast peft's cast of an adapter's inputs to float32 is undone at once: same numbers, less time and memory
        with disable_input_dtype_casting(model, active=trainer.args.bf16):
            trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    logger.info("trained in %.0f s", time.monotonic() - began)
    weights = whole_weights(trainer)
    if not trainer.is_world_process_zero():
        return
    if part == "first":
        keep_first(trainer, tokenizer, parts)
    else:
        save(trainer.model, tokenizer, params.train, layout, weights)
        write_curve(layout.curve, continued(before, trainer.state) if before else trainer.state)


def begun_with(
    train: Train, layout: Layout, parts: Parts, part: Part
) -> tuple[PreTrainedModel | PeftModel, PreTrainedTokenizerBase]:
    """What a part starts from: the second from what the first ended with."""
    if part == "second":
        return load_checkpoint(parts.model, "float32", False, train.max_length)
    return model_and_tokenizer(train, Shown(layout.split("train"), train.seed), layout.workspace)


def encoded_splits(train: Train, layout: Layout, tokenizer: PreTrainedTokenizerBase) -> dict[str, EncodedTexts]:
    """What is learned, from the file that keeps it encoded, each text as often as it is shown; and what is watched."""
    folder = layout.split("train")
    key = encoding_key([folder, *CODE], tokenizer, train.objective)
    once = kept(layout.tokens, key, encoded_batches(read_records(folder, Example), tokenizer, train.objective))
    counts = np.fromiter((times(name, weight, train.seed) for name, weight in once.weights()), np.int64, len(once))
    chosen = watched(layout.split("validation"), train)
    return {
        "train": once.taking(np.repeat(once.chosen, counts)),
        "validation": EncodedTexts(list(encoded_batches(chosen, tokenizer, train.objective))),
    }


def watched(folder: Path, train: Train) -> list[Example]:
    """The validation examples that each validation loss is taken over: a fixed sample, in random order."""
    total = sum(1 for _ in read_records(folder, Example))
    places = random.Random(train.seed).sample(range(total), min(train.eval_examples, total))
    wanted = set(places)
    found = {place: one for place, one in enumerate(read_records(folder, Example)) if place in wanted}
    return [found[place] for place in places]


def surveyed(
    texts: EncodedTexts, tokenizer: PreTrainedTokenizerBase, read: Reading, train: Train, split: str
) -> tuple[Survey, Completions | MaskedTexts]:
    """What a split holds, and its examples that fit; cutting a text would teach the model to stop in the middle.

    Raises:
        UserError: nothing is left to learn from, or what there is would not be learned; see `check_survey`.
    """
    lengths = texts.lengths("prompt", "completion")
    fits = texts.taking(texts.chosen[lengths <= train.max_length])
    if not fits:
        raise UserError(
            f"train: none of the {len(texts)} {split} examples fits into train.max_length {train.max_length}. "
            f"The shortest has {lengths.min(initial=lengths.max(initial=0))} tokens: raise train.max_length or add data."
        )
    seen = survey(texts.named(), read, train.max_length)
    # of validation a sample is watched, which may hold more long texts than there are
    check_survey(seen, read, split, train.max_length, train.max_left_out if split == "train" else 1.0)
    if len(fits) < len(texts):
        logger.warning(
            "%d of %d %s examples are longer than train.max_length %d and left out",
            len(texts) - len(fits),
            len(texts),
            split,
            train.max_length,
        )
    if train.objective == "masked":
        masked = MaskedTexts(fits, tokenizer, train.mlm_probability, train.seed)
        return seen, masked if split == "train" else watchable(masked)
    return seen, Completions(fits)


def estimate(trainer: CompletionTrainer, seen: Survey) -> Cost:
    """What the training will take, from passes over some of its first batches; nothing of it stays behind."""
    arguments = trainer.args
    size = arguments.train_batch_size
    # not Trainer's own loader: abandoned half-way, its iterator would leave the state of an epoch behind
    drawn = [trainer.train_dataset[index] for index in islice(trainer.order, BATCHES_LOOKED_AT * size)]
    batches = [trainer.data_collator(drawn[start : start + size]) for start in range(0, len(drawn), size)]

    def loss_of(batch: Batch) -> torch.Tensor:
        with torch.autocast(arguments.device.type, torch.bfloat16, enabled=arguments.bf16):
            return trainer.compute_loss(trainer.model, trainer._prepare_inputs(batch))

    passes = arguments.max_steps * arguments.gradient_accumulation_steps
    texts = trainer.order.texts_per_step
    if trainer.is_fsdp_enabled:
        # shared out only when training begins; whole, the model may fit on none of the devices
        whole = cost(seen, Passes(math.nan, 0), trainer.model, texts, arguments.max_steps, passes)
        shares = {name: getattr(whole, name) // arguments.world_size for name in ("weights", "gradients", "moments")}
        return replace(whole, **shares)
    return cost(seen, measure(trainer.model, batches, loss_of), trainer.model, texts, arguments.max_steps, passes)


def save(
    model: PreTrainedModel | PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    train: Train,
    layout: Layout,
    weights: dict[str, torch.Tensor] | None = None,
) -> None:
    """Write safetensors and tokenizer beside the target, then rename: the folder is whole or absent.

    `weights` are those of a model that is shared out among processes, gathered; else it holds its own.

    What writes also recommends, where there are purchases, and answers, where there are questions: both are learned here,
    from the training split, and lie in it too. So is, where texts may not copy, which words stood together there.
    An adapter lies in a folder of its own in it: beside `config.json`, transformers would load it again on top.
    """
    folder = layout.model
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    if isinstance(model, PeftModel):
        save_adapter(model, partial / "adapter")
    whole_model(model, train, layout.workspace).save_pretrained(partial, state_dict=weights)
    tokenizer.save_pretrained(partial)
    if train.objective == "causal":
        if recommender := recommender_from(layout.split("train"), layout.items, train.seed):
            recommender_files.save(recommender, partial / recommender_files.FOLDER)
        if answerer := answering_from(layout.prepared, train.seed):
            answering_files.save(answerer, partial / answering_files.FOLDER)
    if known := copies_in(train, layout):
        copies.save(known, partial)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
