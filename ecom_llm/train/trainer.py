"""transformers' Trainer, with a token-weighted validation loss and a curve."""

import csv
import math
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.modules.module import _IncompatibleKeys as IncompatibleKeys
from transformers import (
    EarlyStoppingCallback,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from ecom_llm.params import Params, Train
from ecom_llm.train.batching import (
    IGNORE_INDEX,
    CompletionLoss,
    Completions,
    EpochReachesSampler,
    GroupedByLength,
    LeftPadded,
    summed_loss,
)
from ecom_llm.train.dropout import with_dropout
from ecom_llm.train.kernels import use_bf16, with_kernels
from ecom_llm.train.masked import MaskedTexts, Placed, RightPadded
from ecom_llm.train.packing import Packed, PackedRows, Rows, check_apart
from ecom_llm.train.ranks import sharding_arguments, shared, summed, wait_for_all, with_sharding
from ecom_llm.train.watchdog import Watchdog

CURVE = ("step", "loss", "eval_loss", "learning_rate", "tokens")


@torch.no_grad()
def validation_loss(
    model: PreTrainedModel, data: Completions | MaskedTexts, collate: LeftPadded | RightPadded, batch_size: int
) -> float:
    """Mean nats per learned token (of completions, or masked) over all of `data`, shared by the processes.

    Batches by length, so padding costs little.
    """
    order = sorted(range(len(data)), key=lambda index: len(data.encoded[index]))
    total = tokens = 0.0
    model.eval()
    for start, counts in shared(range(0, len(order), batch_size)):
        batch = collate([data[index] for index in order[start : start + batch_size]])
        batch = {name: value.to(model.device) if torch.is_tensor(value) else value for name, value in batch.items()}
        labels = batch.pop("labels")
        total += counts * summed_loss(model(**batch, use_cache=False).logits, labels).item()
        tokens += counts * (labels != IGNORE_INDEX).sum().item()
    total, tokens = summed(total, tokens)
    return total / tokens


class Fed(NamedTuple):
    """What a Trainer is fed with: data, in which order, made into batches how."""

    data: Completions | Rows | MaskedTexts
    order: GroupedByLength | PackedRows | Placed
    collate: LeftPadded | Packed | RightPadded


def fed(train: Train, texts: Completions | MaskedTexts, pad_token_id: int, devices: int) -> Fed:
    """Batches of texts of like length or, with `train.packing`, of rows that hold several."""
    lengths = array("i", map(len, texts.encoded))  # four bytes a text
    per_step = train.per_device_train_batch_size * train.gradient_accumulation_steps * devices
    if isinstance(texts, MaskedTexts):
        order = Placed(GroupedByLength(lengths, per_step, train.seed))
        return Fed(texts, order, RightPadded(pad_token_id, train.max_length))
    if not train.packing:
        return Fed(texts, GroupedByLength(lengths, per_step, train.seed), LeftPadded(pad_token_id))
    order = PackedRows(lengths, train.max_length, per_step, train.seed)
    return Fed(Rows(texts), order, Packed(pad_token_id, train.max_length))


class CompletionTrainer(Trainer):
    """Trainer with a resumable order, whose evaluate() weighs tokens, not batches."""

    order: GroupedByLength | PackedRows | Placed
    padded: LeftPadded | RightPadded
    compute_loss_func: CompletionLoss

    def _get_train_sampler(self, train_dataset: object = None) -> GroupedByLength | PackedRows | Placed:
        return self.order

    def create_accelerator_and_postprocess(self) -> None:
        super().create_accelerator_and_postprocess()
        self.is_fsdp_enabled = with_sharding(self.accelerator, self.args.fsdp_plugin_args)

    def _save_rng_state(self, output_dir: str) -> None:
        """Every process's generators are written before the file that says that the checkpoint is whole."""
        super()._save_rng_state(output_dir)
        wait_for_all()

    def _issue_warnings_after_load(self, load_result: IncompatibleKeys) -> None:
        """Warn of weights that a checkpoint lacks, but not of tied ones, which are stored under one of their names."""
        tied = getattr(self.model, "all_tied_weights_keys", {})
        missing = [name for name in load_result.missing_keys if name not in tied]
        super()._issue_warnings_after_load(load_result._replace(missing_keys=missing))

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Log, the loss as nats per token learned since the last one; what is learned from is divided by a mean count.

        A log of steps that happen to hold long texts would show a higher loss, of short ones a lower one, and a watchdog
        would take that for a training that is lost.
        """
        if "loss" in logs:
            steps = self.state.global_step - self.counted_from
            (tokens,) = summed(float(self.compute_loss_func.tokens))
            logs["loss"] *= steps * self.compute_loss_func.tokens_per_step / max(tokens, 1.0)
            self.count_from(self.state.global_step)
        super().log(logs, start_time)

    def count_from(self, step: int) -> None:
        """Count the tokens that are learned after a step."""
        self.counted_from, self.compute_loss_func.tokens = step, 0

    def evaluate(self, *args: object, **kwargs: object) -> dict[str, float]:
        loss = validation_loss(self.model, self.eval_dataset, self.padded, self.args.per_device_eval_batch_size)
        metrics = {"eval_loss": loss}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics


class TokensCounted(TrainerCallback):
    """Begins the count behind the logged loss with the training: passes that were measured before are none of it."""

    def __init__(self, trainer: CompletionTrainer) -> None:
        self.trainer = trainer

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        self.trainer.count_from(state.global_step)


class LastStepEvaluated(TrainerCallback):
    """Validates at the last step too, wherever it falls: the end of a schedule is where a model is best."""

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        if state.global_step >= state.max_steps:
            control.should_evaluate = True


def training_arguments(params: Params, folder: Path) -> TrainingArguments:
    """params.train under the names it already has, and what is decided here for every device."""
    train, on_cpu = params.train, not use_cuda(params)
    return TrainingArguments(
        output_dir=str(folder),
        max_steps=train.max_steps,
        per_device_train_batch_size=train.per_device_train_batch_size,
        per_device_eval_batch_size=train.per_device_train_batch_size,
        gradient_accumulation_steps=train.gradient_accumulation_steps,
        learning_rate=train.learning_rate,
        lr_scheduler_type=train.lr_scheduler_type,
        warmup_steps=train.warmup_steps,
        weight_decay=train.weight_decay,
        adam_beta2=train.adam_beta2,
        max_grad_norm=train.max_grad_norm,
        logging_steps=train.logging_steps,
        eval_strategy="steps",
        eval_steps=train.eval_steps,
        save_strategy="steps",
        save_steps=train.save_steps,
        save_total_limit=2,
        seed=train.seed,
        data_seed=train.seed,
        include_num_input_tokens_seen="non_padding",
        remove_unused_columns=False,
        dataloader_pin_memory=not on_cpu,
        use_cpu=on_cpu,
        load_best_model_at_end=train.load_best_model_at_end,
        metric_for_best_model="eval_loss",
        greater_is_better=False,
        # the default replaces a loss that is no number by the mean of those before
        logging_nan_inf_filter=False,
        restore_callback_states_from_checkpoint=True,
        ddp_backend="gloo" if on_cpu and train.num_processes > 1 else None,
        ddp_find_unused_parameters=False,
        **sharding_arguments(train),
        bf16=use_bf16(train, on_cpu),
        report_to="none",
        disable_tqdm=True,  # `telling` has a bar that says more
    )


def use_cuda(params: Params) -> bool:
    """Whether training runs on CUDA: asked for, or `auto` and there."""
    return params.runtime.device == "cuda" or (params.runtime.device == "auto" and torch.cuda.is_available())


def new_trainer(
    params: Params,
    folder: Path,
    model: PreTrainedModel,
    data: dict[str, Completions | MaskedTexts],
    tokenizer: PreTrainedTokenizerBase,
    section: str = "train",
) -> CompletionTrainer:
    """The Trainer over `data["train"]` and `data["validation"]`, its checkpoints in `folder`.

    `section` is where its learning rate stands, for whoever is told to lower it.

    Raises:
        UserError: the device cannot compute as params say, or the model does not keep packed texts apart.
    """
    arguments, texts = training_arguments(params, folder), data["train"]
    model = with_dropout(with_kernels(model, params.train, arguments.use_cpu), params.train.dropout)
    if params.train.packing:
        check_apart(model)
    feed = fed(params.train, texts, tokenizer.pad_token_id, arguments.world_size)
    trainer = CompletionTrainer(
        model=model,
        args=arguments,
        train_dataset=feed.data,
        eval_dataset=data["validation"],
        data_collator=feed.collate,
        compute_loss_func=CompletionLoss(feed.order.texts_per_step * texts.learned),
        # packed batches have no mask to count tokens by
        processing_class=tokenizer if params.train.packing else None,
    )
    trainer.order = feed.order
    trainer.padded = LeftPadded(tokenizer.pad_token_id) if params.train.packing else feed.collate
    trainer.remove_callback(PrinterCallback)
    for callback in (
        EpochReachesSampler(),
        TokensCounted(trainer),
        LastStepEvaluated(),
        *guards(params.train, model, section),
    ):
        trainer.add_callback(callback)
    return trainer


def guards(train: Train, model: PreTrainedModel, section: str) -> Iterator[TrainerCallback]:
    """What ends a training before its last step."""
    chance = math.log(model.config.get_text_config().vocab_size)
    yield Watchdog(train.divergence_margin, train.divergence_patience, chance, section)
    if train.early_stopping_patience:
        yield EarlyStoppingCallback(train.early_stopping_patience)


def write_curve(path: Path, state: TrainerState) -> None:
    """Write the training curve: a row per logged step, empty where a column was not measured then."""
    rows: dict[int, dict[str, float]] = {}
    for entry in state.log_history:
        row = rows.setdefault(entry["step"], {"step": entry["step"]})
        row |= {name: float(f"{entry[name]:.6g}") for name in ("loss", "eval_loss", "learning_rate") if name in entry}
        row["tokens"] = entry.get("num_input_tokens_seen", row.get("tokens", 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, CURVE, lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: row.get(name, "") for name in CURVE} for row in rows.values() if len(row) > 2)
