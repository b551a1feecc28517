"""What the training peers share: the input, the same optimizer settings, and a clock that stands still while weights are saved."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

from transformers import TrainerCallback


def seconds() -> float:
    """By the clock on the wall, or with CPU_TIME those that this process's threads computed."""
    return time.process_time() if "CPU_TIME" in os.environ else time.perf_counter()


def rows(place: Path) -> list[dict[str, str]]:
    """The rendered training texts: `prompt` and `completion`."""
    with (place / "train.jsonl").open(encoding="utf-8") as handle:
        return [json.loads(line) for line in handle]


def given(place: Path, out: Path, steps: int) -> dict[str, object]:
    """The TrainingArguments that every peer is given: those of the input, and nothing written while the clock runs."""
    shared = json.loads((place / "arguments.json").read_text(encoding="utf-8"))
    quiet = {"save_strategy": "no", "report_to": "none", "disable_tqdm": True, "use_cpu": True}
    return shared | quiet | {"output_dir": str(out), "max_steps": steps}


class Clock(TrainerCallback):
    """Saves the weights `points` times on the way, and counts seconds and useful tokens: prompt and completion, no padding."""

    def __init__(self, out: Path, steps: int, points: int) -> None:
        self.out, self.every = out, max(1, steps // points)
        self.tokens, self.away = 0, 0.0
        self.saved: list[dict[str, object]] = []

    def counting(self, collate: Callable, pad: int) -> Callable:
        """The collator, with its tokens counted as they go by."""

        def counted(features: list[dict[str, object]]) -> dict[str, object]:
            batch = collate(features)
            self.tokens += int((batch["input_ids"] != pad).sum())
            return batch

        return counted

    def on_train_begin(self, *args: object, **kwargs: object) -> None:
        self.began = seconds()

    def on_step_end(self, args: object, state: object, control: object, model: object = None, **kwargs: object) -> None:
        self.seconds = seconds() - self.began - self.away
        if state.global_step % self.every == 0:
            folder = self.out / str(state.global_step)
            model.save_pretrained(folder)
            self.saved.append({"step": state.global_step, "seconds": self.seconds, "folder": str(folder)})
            self.away = seconds() - self.began - self.seconds

    def told(self) -> str:
        """One line of JSON: useful tokens, seconds of training, and the weights on the way."""
        return json.dumps({"tokens": self.tokens, "seconds": self.seconds, "saved": self.saved})
