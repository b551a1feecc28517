"""The task that visits one stage: `dvc repro STAGE` in a process group of its own, its words passed on as they come."""

import logging
import os
import re
import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from ecom_llm.records import UserError
from tasks import dvc
from tasks.curves import live_curve
from tasks.gpu import turn_on_gpu
from tasks.holds import end_group
from tasks.workspace import Workspace

PAUSE = 15.0
"""Seconds between progress lines in the log, where there is no terminal to draw a bar on."""
LISTEN = 0.5
"""Longest time, in seconds, in which an interruption goes unheard."""
KEPT = 15
"""Last lines of a failed stage that its error shows."""
NOISE = (
    "To track the changes with git",
    "git add ",
    "To enable auto staging",
    "dvc config core.autostage",
    "Use `dvc push`",
)
"""DVC's advice to somebody who runs it by hand: none of it is to be done in a worktree."""


@dataclass
class Transcript:
    """Passes a stage's output on: lines to the log, progress bars to the terminal or, now and then, to the log."""

    say: Callable[[str], None]
    terminal: bool
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=KEPT))
    shown: float = 0.0

    def line(self, text: str) -> None:
        """A whole line."""
        if not text.strip() or text.strip().startswith(NOISE):
            return
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
        self.tail.append(text)
        self.say(text)

    def progress(self, text: str) -> None:
        """A line that the next one overwrites: a bar."""
        if self.terminal:
            print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
        elif text.strip() and time.monotonic() - self.shown > PAUSE:
            self.shown = time.monotonic()
            self.say(text.strip())


def pieces(stream: BinaryIO) -> Iterator[tuple[str, bool]]:
    """Yield (text, whether a line feed ended it) as it comes; a carriage return ends what will be overwritten."""
    held = b""
    while True:
        # seen once: with Prefect and MLflow loaded, a blocked read never let Python hear of Ctrl-C (cause not proven)
        if not select.select([stream], [], [], LISTEN)[0]:
            continue
        chunk = os.read(stream.fileno(), 65536)
        if not chunk:
            break
        *parts, held = re.split(rb"(?<=[\r\n])", (held + chunk).replace(b"\r\n", b"\n"))
        for part in parts:
            yield part[:-1].decode("utf-8", errors="replace"), part.endswith(b"\n")
    if held:
        yield held.decode("utf-8", errors="replace"), True


def explain(stage: str, code: int, tail: list[str]) -> Exception:
    """What to raise for a failed stage: its own `error:` line where it wrote one, else its last lines."""
    own = [line.removeprefix("error: ") for line in tail if line.startswith("error: ")]
    if own:
        return UserError(own[-1])
    refused = [line.removeprefix("ERROR: ") for line in tail if line.startswith("ERROR: ")]
    said = "\n  ".join(tail) or "(it said nothing)"
    return dvc.StageError(f"{stage}: failed with exit code {code}. {' '.join(refused)}\n  {said}")


def run_stage(stage: str, workspace: Workspace, say: Callable[[str], None], alone: bool = False) -> None:
    """Bring a stage and, unless it is to run `alone`, those before it up to date, as `dvc repro` decides.

    Whatever interrupts the wait (Prefect's cancellation, Ctrl-C) ends the whole process group first: the trainer is a
    grandchild that signals to this process do not reach.

    Raises:
        UserError: the stage's own words about the user's input.
        StageError: any other failure, with the last lines.
    """
    transcript = Transcript(say, terminal=sys.stderr.isatty())
    child = subprocess.Popen(
        [*dvc.COMMAND, "repro", *(["--single-item"] if alone else []), stage],
        cwd=workspace.path,
        env=dvc.environment(workspace.layout),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        workspace.run.record(child.pid)
        for text, whole in pieces(child.stdout):
            transcript.line(text) if whole else transcript.progress(text)
        code = child.wait()
    except BaseException:
        end_group(child.pid)
        child.wait()
        raise
    finally:
        workspace.run.record(None)
        child.stdout.close()
    if code:
        raise explain(stage, code, list(transcript.tail))


@task(cache_policy=NO_CACHE, task_run_name="{stage}")
def reproduce(stage: str, workspace: Workspace) -> None:
    """Bring one stage up to date in the workspace; DVC decides whether it has work to do.

    Call it directly: behind `.submit()` a worker thread would wait, which no cancellation interrupts.

    Raises:
        UserError: the stage's own words about the user's input.
        StageError: any other failure, with the last lines.
    """
    logger = get_run_logger()
    if workspace.fresh:
        logger.info("Stage '%s' didn't change, skipping", stage)
        return
    with turn_on_gpu(stage, workspace.layout), live_curve(workspace):
        run_stage(stage, workspace, lambda text: logger.log(logging.INFO, text))
