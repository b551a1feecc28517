"""Training killed at any moment: `python -m proofs.resume [N] [SEED] [PROCESSES]`.

The train stage runs as a process, or as one with several workers, is killed with SIGKILL again and again, at steps, within
checkpoints, while it starts and while it ends (of several workers, one by itself too), and is run again until it ends. Fails
when the model or the curve is not, byte by byte, that of a training which nobody killed, when more than one checkpoint
interval was repeated, or when checkpoints pile up.
"""

import hashlib
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import yaml

from ecom_llm.layout import Layout
from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.records import Example
from ecom_llm.shards import write_records
from ecom_llm.train.checkpoints import FINISHED

REPO = Path(__file__).parents[1]
MAX_STEPS, SAVE_STEPS = 120, 10
AIMS = ("step", "step", "step", "checkpoint", "checkpoint", "checkpoint", "end", "start")
"""Where a kill is aimed at; in this proportion."""
WORKERS = ("worker", "worker checkpoint")
"""Further aims where there are several processes: one of them, at a step or within a checkpoint."""
SECONDS = {"step": 0.02, "checkpoint": 0.04, "start": 8.0, "end": 0.4, "worker": 0.02, "worker checkpoint": 0.04}
"""The kill comes at most so long after its step, or after the start: about as long as such a moment lasts."""
HELD = 3
"""Checkpoints that may lie there at once: the two that are kept, and the one being written."""


@dataclass
class Kill:
    """One SIGKILL and what it left."""

    aim: str
    step: int
    """The last step its process had logged."""
    held: int
    """Checkpoint folders that lay there."""
    cut_short: bool
    """Whether one of them was not ended."""
    resumed_at: int | None = None
    """The step that training went on from afterwards."""
    faults: list[str] = field(default_factory=list)


@dataclass
class Attempt:
    """One process of the train stage, read while it works."""

    process: subprocess.Popen[str]
    began_at: int | None = None
    """The step it goes on from; None until it says so."""
    step: int = 0
    lines: list[str] = field(default_factory=list)

    def read(self) -> Iterator[str]:
        """Its lines as they come; steps are noted on the way."""
        for line in self.process.stderr:
            self.lines.append(line.rstrip())
            resumed, logged = re.search(r"from checkpoint-(\d+)", line), re.search(r"step (\d+)/", line)
            if "training " in line and self.began_at is None:
                self.began_at = self.step = int(resumed[1]) if resumed else 0
            if logged:
                self.step = int(logged[1])
            yield line

    def ended(self) -> int:
        """Read it to its end; the exit code, negative when it was killed."""
        for _ in self.read():
            pass
        self.process.stderr.close()
        return self.process.wait()

    def kill(self) -> int:
        """Kill it, if it has not ended by itself; the exit code. Its workers hold its pipe, so this waits for their end too."""
        self.process.kill()
        return self.ended()

    def kill_worker(self, rng: random.Random) -> int:
        """Kill one of its workers, any of them; -SIGKILL where it ended for that."""
        try:
            rng.choice(psutil.Process(self.process.pid).children()).kill()
        except (psutil.NoSuchProcess, IndexError):
            return self.ended()  # it has ended by itself
        code = self.ended()
        return -signal.SIGKILL if code == 2 and "was ended by SIGKILL" in self.lines[-1] else code


def colours(count: int) -> Iterator[Example]:
    """Descriptions that follow from their attributes."""
    for number in range(count):
        colour, kind = ("red", "navy blue", "green", "black")[number % 4], ("dress", "lamp", "laptop")[number % 3]
        yield Example(
            id=f"describe:en:{number}",
            skill="describe",
            locale="en",
            attributes={"category": kind, "colour": colour},
            target=f"A {colour} {kind}, number {number}.",
            product=str(number),
            group=str(number),
            source="proof:1",
        )


def small_params(processes: int) -> Params:
    """A training of seconds that logs every step and writes a dozen checkpoints."""
    values = read_yaml(REPO / "params.yaml")
    values["train"] |= {"vocab_size": 400, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    values["train"] |= {"num_attention_heads": 2, "warmup_steps": 5, "num_threads": 1}
    values["train"] |= {"per_device_train_batch_size": 8 // processes, "num_processes": processes}
    values["train"] |= {"max_steps": MAX_STEPS, "save_steps": SAVE_STEPS, "logging_steps": 1, "eval_steps": 10}
    # the rate stays up to the end, so that a step too many would show in the weights
    values["train"] |= {"eval_examples": 12, "lr_scheduler_type": "constant_with_warmup"}
    values["runtime"]["device"] = "cpu"
    return validate(values, "proof")


def workspace(folder: Path, processes: int = 1) -> Layout:
    """A workspace in which `prepare` has run, with a state folder of its own."""
    layout = Layout(workspace=folder / "workspace", state=folder / "state")
    examples = list(colours(120))
    write_records(layout.split("train"), Example, examples[:100])
    write_records(layout.split("validation"), Example, examples[100:])
    (layout.workspace / "models").mkdir()
    layout.params.write_text(yaml.safe_dump(small_params(processes).model_dump(mode="json"), allow_unicode=True))
    return layout


def start(layout: Layout) -> Attempt:
    """Start the stage as DVC does."""
    environment = os.environ | {"PYTHONPATH": str(REPO), "ECOM_LLM_STATE": str(layout.state), "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", "ecom_llm", "train"]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    return Attempt(subprocess.Popen(command, cwd=layout.workspace, env=environment, **pipes))


def result(layout: Layout) -> dict[str, str]:
    """SHA-256 of every file that a training leaves."""
    files = [*sorted(layout.model.rglob("*")), layout.curve]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()}


def clear(layout: Layout) -> None:
    """Forget the training, so that the next begins at its first step."""
    for folder in (layout.model, layout.checkpoints):
        shutil.rmtree(folder, ignore_errors=True)
    layout.curve.unlink(missing_ok=True)


def struck(attempt: Attempt, aim: str | None, rng: random.Random) -> int:
    """Kill a process where `aim` says, or let it end where there is none; the exit code."""
    if aim is None:
        return attempt.ended()
    delay, share, target = rng.uniform(0, SECONDS[aim]), rng.random(), MAX_STEPS
    if aim == "start":
        alarm = threading.Timer(delay, attempt.process.kill)
        alarm.start()
        try:
            return attempt.ended()
        finally:
            alarm.cancel()
    for _ in attempt.read():
        if attempt.began_at is None:
            continue
        if aim != "end":
            target = min(attempt.began_at + 1 + int(share * (MAX_STEPS - attempt.began_at)), MAX_STEPS)
        if aim.endswith("checkpoint"):
            target = math.ceil(target / SAVE_STEPS) * SAVE_STEPS
        if attempt.step >= target:
            time.sleep(delay)
            return attempt.kill_worker(rng) if aim in WORKERS else attempt.kill()
    return attempt.ended()


def left(layout: Layout, attempt: Attempt, aim: str) -> Kill:
    """What a kill left behind."""
    found = list(layout.checkpoints.glob("*/checkpoint-*"))
    return Kill(aim, attempt.step, len(found), any(not (path / FINISHED).is_file() for path in found))


def judged(kills: list[Kill], ending: str | None) -> list[Kill]:
    """Note what was wrong with the kills of one training; `ending` is what was wrong with how it ended."""
    for kill in kills:
        if kill.resumed_at is not None and kill.resumed_at < kill.step - SAVE_STEPS:
            kill.faults.append(f"went on from step {kill.resumed_at}: more than {SAVE_STEPS} steps repeated")
        if kill.held > HELD:
            kill.faults.append(f"{kill.held} checkpoints lay there, not {HELD} at most")
        if ending:
            kill.faults.append(ending)
    return kills


def killed_training(
    layout: Layout, wanted: dict[str, str], count: int, rng: random.Random, aims: Sequence[str] = AIMS
) -> list[Kill]:
    """A training killed up to `count` times (fewer when it ends before), then run to its end and compared."""
    clear(layout)
    kills: list[Kill] = []
    while True:
        attempt, aim = start(layout), rng.choice(aims) if len(kills) < count else None
        code = struck(attempt, aim, rng)
        for kill in kills:
            if kill.resumed_at is None:
                kill.resumed_at = attempt.began_at
        if code < 0:
            kills.append(left(layout, attempt, aim))
        # Killed once its result is written and its checkpoints are gone, a training has ended all the same.
        if code >= 0 or (kills[-1].held == 0 and layout.model.exists()):
            break
    if code > 0:
        return judged(kills, f"the next run failed: {attempt.lines[-1]}")
    differs = sorted(name for name, found in result(layout).items() if wanted.get(name) != found)
    leftover = list(layout.checkpoints.glob("*/checkpoint-*"))
    if differs:
        return judged(kills, f"its training ended with other bytes in {', '.join(differs)}")
    return judged(kills, f"{len(leftover)} checkpoints were left at the end" if leftover else None)


def unkilled(layout: Layout) -> dict[str, str]:
    """What a training leaves that nobody kills.

    Raises:
        RuntimeError: it fails by itself.
    """
    attempt = start(layout)
    if attempt.ended():
        raise RuntimeError("\n".join(attempt.lines[-12:]))
    return result(layout)


def kills_of(
    layout: Layout, wanted: dict[str, str], count: int, rng: random.Random, aims: Sequence[str]
) -> Iterator[Kill]:
    """`count` kills, of as many trainings as that takes."""
    done = 0
    while done < count:
        kills = killed_training(layout, wanted, min(rng.randint(3, 6), count - done), rng, aims)
        done += len(kills)
        yield from kills


def histogram(kills: list[Kill]) -> Iterator[str]:
    """Lines of kills by the last step that was logged, a checkpoint interval to a line."""
    for first in range(0, MAX_STEPS + 1, SAVE_STEPS):
        hits = [kill.aim[0] for kill in kills if first <= kill.step < first + SAVE_STEPS]
        yield f"  steps {first:3} to {min(first + SAVE_STEPS - 1, MAX_STEPS):3}  {len(hits):3}  {''.join(hits)}"


def main(count: int, seed: int, processes: int) -> int:
    """Run the proof; return the exit code."""
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        layout = workspace(Path(folder), processes)
        began = time.monotonic()
        wanted = unkilled(layout)
        print(
            f"seed {seed}: {MAX_STEPS} steps, a checkpoint every {SAVE_STEPS}; {processes} process(es); "
            f"unkilled {time.monotonic() - began:.1f} s"
        )
        kills = []
        for kill in kills_of(layout, wanted, count, rng, AIMS + WORKERS if processes > 1 else AIMS):
            kills.append(kill)
            went_on = "-" if kill.resumed_at is None else kill.resumed_at
            cut = ", a checkpoint cut short" if kill.cut_short else ""
            told = f"  kill {len(kills):3} ({kill.aim}) after step {kill.step}, went on from {went_on}{cut}"
            print("; ".join([told, *kill.faults]), flush=True)
    print(
        "kills by the last step logged (s: at a step or at the start, c: at a checkpoint, e: at the end, w: one worker)"
    )
    print("\n".join(histogram(kills)))
    failed = sum(bool(kill.faults) for kill in kills)
    print(f"{sum(kill.cut_short for kill in kills)} of {len(kills)} kills cut a checkpoint short")
    print(f"PROOF resume tried={len(kills)} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*(given + [20, 1, 1][len(given) :])))
