"""Tells how a training goes while it does: a bar on a terminal, lines in a log, and points for a curve in a file."""

import logging
import resource
import sys
import time
from pathlib import Path

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.utils.logging import tqdm

from ecom_llm.train.flops import matrix_rate
from ecom_llm.train.told import Told, tell

logger = logging.getLogger(__name__)
LOGGED = {"loss": "loss", "eval_loss": "eval_loss", "learning_rate": "learning_rate", "num_input_tokens_seen": "tokens"}
"""What Trainer logs -> the curve's names for it."""


def memory_gb(device: torch.device) -> float:
    """Most memory held at once so far, in 10^9 bytes: by tensors on CUDA, else by the process."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 1e9
    # kilobytes on Linux, bytes on macOS
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9


def logged(entry: dict[str, float]) -> dict[str, float]:
    """The curve's numbers in what Trainer logged, to the six digits that the curve itself keeps."""
    return {
        name: float(f"{entry[key]:.6g}") if name != "tokens" else entry[key]
        for key, name in LOGGED.items()
        if key in entry
    }


class Telling(TrainerCallback):
    """Tells each logged step, in the first of several processes alone; Trainer adds up the tokens of all.

    It looks at the clock and at numbers Trainer has logged, so no GPU waits for it.
    """

    def __init__(self, file: Path, flops_per_token: float, before: TrainerState | None = None) -> None:
        """Tell into `file`, beside log or terminal.

        Args:
            flops_per_token: see `train.flops.flops_per_token`; shown over the device's rate on CUDA.
            before: a training that this one goes on from, whose steps and tokens count; it has told its own.
        """
        self.steps_before = before.global_step if before else 0
        self.tokens_before = before.num_input_tokens_seen if before else 0
        self.file: Path | None = file
        self.flops_per_token = flops_per_token
        self.rate: float | None = None

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        """Begin the bar, and tell again what a resumed training had logged: its curve is to be whole."""
        if not state.is_world_process_zero:
            return
        if args.device.type == "cuda":
            self.rate = matrix_rate(args.device) * args.world_size
        self.tell_again(state)
        # with transformers' bars disabled, as where there is no terminal, this one draws nothing
        self.bar = tqdm(total=state.max_steps, initial=state.global_step, desc="train", unit="step", dynamic_ncols=True)
        self.began, self.first = time.monotonic(), state.global_step
        self.restart_clock(state)

    def tell_again(self, state: TrainerState) -> None:
        """Tell what a training has logged."""
        for entry in state.log_history:
            self.write(Told(**self.point(entry["step"], state, entry)))

    def point(self, step: int, state: TrainerState, logs: dict[str, float]) -> dict[str, float]:
        """A logged step, counted on from the training before."""
        numbers = logged(logs)
        if "tokens" in numbers:
            numbers["tokens"] += self.tokens_before
        reached = {"step": step + self.steps_before, "max_steps": state.max_steps + self.steps_before}
        return {**reached, "time": time.time(), **numbers}

    def restart_clock(self, state: TrainerState) -> None:
        """Measure the rate from here on."""
        self.since, self.tokens = time.monotonic(), state.num_input_tokens_seen

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        if state.is_world_process_zero:
            self.bar.update()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, float] | None = None,
        **kwargs: object,
    ) -> None:
        """Tell a loss; what Trainer says at the end, its own summary, has none."""
        if not state.is_world_process_zero or not logs or not ("loss" in logs or "eval_loss" in logs):
            return
        point = self.point(state.global_step, state, logs)
        if "loss" in logs:
            point |= self.pace(args, state)
        told = Told(**point)
        self.write(told)
        if sys.stderr.isatty():
            self.bar.set_postfix_str(told.words())
        else:
            logger.info("%s", told.line())

    def pace(self, args: TrainingArguments, state: TrainerState) -> dict[str, float]:
        """Rate, time left, memory and utilisation."""
        now = time.monotonic()
        rate = (state.num_input_tokens_seen - self.tokens) / max(now - self.since, 1e-9)
        per_step = (now - self.began) / max(state.global_step - self.first, 1)
        self.restart_clock(state)
        pace = {
            "tokens_per_second": round(rate, 1),
            "eta_seconds": round((state.max_steps - state.global_step) * per_step, 1),
            "memory_gb": round(memory_gb(args.device), 3),
        }
        return pace | ({"mfu": self.flops_per_token * rate / self.rate} if self.rate else {})

    def on_evaluate(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        self.restart_clock(state)

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object) -> None:
        self.restart_clock(state)

    def on_train_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: object
    ) -> None:
        if state.is_world_process_zero:
            self.bar.close()

    def write(self, told: Told) -> None:
        """Add a point to the file; a full disk costs the curve on the way, not the training."""
        if self.file is None or not told.metrics():
            return
        try:
            tell(self.file, told)
        except OSError as error:
            logger.warning("%s: the live curve ends here (%s)", self.file, error.strerror)
            self.file = None
