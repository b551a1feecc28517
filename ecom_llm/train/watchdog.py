"""How a training ends before its last step: by a loss that is lost, for want of memory, or because it is as good as it gets."""

import gc
import json
import logging
import math
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from accelerate.utils.memory import should_reduce_batch_size
from transformers import Trainer, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from ecom_llm.records import UserError

logger = logging.getLogger(__name__)
WINDOW = 100
"""Steps whose mean loss is judged."""
FINISHED = "trainer_state.json"
Ended = TypeVar("Ended")


class Watchdog(TrainerCallback):
    """Ends a training whose loss is not a number, or has left the ground it had gained.

    It looks at what is logged and no oftener: each look at a loss makes a GPU wait. A checkpoint falls on a logged step
    and is written after it, so no checkpoint ever holds weights that are not numbers. Needs
    `logging_nan_inf_filter=False`, or transformers replaces such a loss by the mean of those before.

    A rising validation loss is not its business: beside a falling training loss that is overfitting, which early
    stopping ends and the best checkpoint mends.
    """

    def __init__(self, margin: float, patience: int, chance: float, section: str = "train") -> None:
        """Watch from the first step.

        Args:
            margin: nats per token that the mean loss of `WINDOW` steps may stand above its lowest.
            patience: logged steps in a row that it may do so; 0 looks for what is not a number alone.
            chance: loss of a guess among all tokens, ln(vocabulary); no better than that counts as lost ground too.
            section: of params, where the learning rate stands.
        """
        self.margin, self.patience, self.chance, self.section = margin, patience, chance, section

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Read what a resumed training has logged, so that it is judged as one that was never interrupted."""
        self.recent: deque[tuple[int, float]] = deque()
        self.last, self.lowest, self.lowest_step, self.strikes = 0, self.chance, 0, 0
        for entry in state.log_history:
            if "loss" in entry:
                self.follow(entry["step"], entry["loss"])

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        """Raises UserError where training must not go on."""
        logs, step = logs or {}, state.global_step
        for name in ("loss", "grad_norm", "eval_loss"):
            # a finite loss may still have a gradient that is not, and the weights are then lost with this very step
            if not math.isfinite(logs.get(name, 0.0)):
                raise UserError(f"train: {name} is {logs[name]} at step {step}. {self.advice(args, step - 1)}")
        if "loss" not in logs:
            return
        mean = self.follow(step, logs["loss"])
        if self.patience and self.strikes >= self.patience:
            ground = f"its lowest, at step {self.lowest_step}" if self.lowest_step else "that of guessing"
            raise UserError(
                f"train: the loss diverges: {mean:.2f} nats per token at step {step}. For {self.strikes} logged steps its "
                f"mean over {WINDOW} steps was more than train.divergence_margin {self.margin:g} above {self.lowest:.2f}, "
                f"{ground}. {self.advice(args, self.lowest_step)}"
            )

    def follow(self, step: int, loss: float) -> float:
        """Take in a logged loss, the mean since the one before; return the mean over the window."""
        self.recent.append((step - self.last, loss))
        self.last = step
        while sum(steps for steps, _ in self.recent) - self.recent[0][0] >= WINDOW:
            self.recent.popleft()
        covered = sum(steps for steps, _ in self.recent)
        mean = sum(steps * loss for steps, loss in self.recent) / covered
        # the first steps begin at a guess: no judgement before a whole window
        if covered >= WINDOW:
            self.strikes = self.strikes + 1 if mean > self.lowest + self.margin else 0
            if mean < self.lowest:
                self.lowest, self.lowest_step = mean, step
        return mean

    def advice(self, args: TrainingArguments, sound: int) -> str:
        """What to do, and which checkpoint was written at step `sound` or before."""
        steps = sorted(
            int(path.parent.name.split("-")[1]) for path in Path(args.output_dir).glob(f"checkpoint-*/{FINISHED}")
        )
        good = next((step for step in reversed(steps) if step <= sound), None)
        rerun = f"goes on from checkpoint-{steps[-1]}" if steps else "begins anew"
        return (
            f"Lower {self.section}.learning_rate (now {args.learning_rate:g}), or raise {self.section}.warmup_steps (now "
            f"{args.warmup_steps:g}). The last good checkpoint is {f'checkpoint-{good}' if good else 'none that is left'}; "
            f"a rerun with the same params {rerun} and ends the same way, one with others is a training of its own."
        )


def ended(checkpoint: Path) -> bool:
    """Whether a training had ended with this checkpoint, at its last step or by early stopping."""
    state = json.loads((checkpoint / FINISHED).read_text(encoding="utf-8"))
    return bool(state["stateful_callbacks"]["TrainerControl"]["args"]["should_training_stop"])


def restore_ended(trainer: Trainer, checkpoint: Path) -> None:
    """Put model and state where `trainer.train()` had left them, for a process killed between that and its result.

    Resumed there, transformers takes one more step before it looks whether training has ended, and one that was stopped
    early would go on to its next evaluation.
    """
    trainer.state = TrainerState.load_from_json(str(checkpoint / FINISHED))
    best = trainer.state.best_model_checkpoint
    found = trainer.args.load_best_model_at_end and best is not None and Path(best).is_dir()
    folder = best if found else str(checkpoint)
    if trainer.is_fsdp_enabled:
        # the weights are not shared out yet, and in the checkpoint they are whole
        trainer.model = type(trainer.model).from_pretrained(folder, dtype=torch.float32)
    else:
        trainer._load_from_checkpoint(folder)


def out_of_memory(error: BaseException) -> bool:
    """Whether memory was wanting, on a GPU, in torch's own allocator on the CPU, or in oneDNN's, which has no other words for it."""
    return (
        isinstance(error, torch.OutOfMemoryError)
        or should_reduce_batch_size(error)
        or "could not create a primitive" in str(error)
    )


def smallest_factor(number: int) -> int:
    """The smallest prime factor of a number above 1: 2 of an even one."""
    return next((factor for factor in range(2, math.isqrt(number) + 1) if number % factor == 0), number)


def halve_batch(attempt: Callable[[int, int], Ended], batch_size: int, accumulation: int) -> Ended:
    """Train with as many examples at once as fit: out of memory, the batch is halved and accumulation doubled.

    Their product stays, so every optimizer step sees the same examples and has the same loss, which is divided by a
    constant per step (`CompletionLoss`); results differ by the rounding of sums alone. An odd batch is divided by its
    smallest factor, since half of it would change the product.

    Args:
        attempt: trains with (per_device_train_batch_size, gradient_accumulation_steps), from the last checkpoint or from
            new weights: those of a failed attempt have moved.

    Raises:
        UserError: a single example does not fit.
    """
    while True:
        try:
            return attempt(batch_size, accumulation)
        except (RuntimeError, MemoryError) as error:
            if not out_of_memory(error):
                raise
            reason = " ".join(str(error).split())[:200]
        check_divisible(batch_size, reason)
        factor = smallest_factor(batch_size)
        batch_size, accumulation = batch_size // factor, accumulation * factor
        # out here the error is gone, and with it the frames that held the tensors
        gc.collect()
        torch.cuda.empty_cache()
        logger.warning(
            "out of memory (%s); going on with train.per_device_train_batch_size %d and "
            "train.gradient_accumulation_steps %d: the same training. Set them to spare the attempt.",
            *(reason, batch_size, accumulation),
        )


def check_divisible(batch_size: int, reason: str) -> None:
    """Raise UserError where a smaller batch is no way out."""
    if batch_size == 1:
        raise UserError(
            f"train: out of memory with a single example at once ({reason}). Lower train.max_length, "
            "take a smaller model, or train on a device with more memory."
        )
