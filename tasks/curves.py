"""Live curves: what a training tells goes to MLflow as it comes, from beside it, so that no server can slow it or end it."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Candidate
from ecom_llm.registry.live import Ending, LiveRun, Note, end_dead, open_live_run
from ecom_llm.train.told import read_told
from tasks.holds import OWN_RUN, is_held, run_file
from tasks.logs import run_logger

if TYPE_CHECKING:
    from prefect.logging.loggers import LoggingAdapter

    from tasks.workspace import Workspace

LOOK = 1.0
"""Seconds between two looks at what was told."""
AGAIN = 60.0
"""Seconds until a server that did not answer is asked again."""
FINISH_SECONDS = 60.0
"""How long a training that ended well waits for its last points to arrive; what is missing then is replayed by registration."""
STOP_SECONDS = 10.0
"""The same for one that was stopped: Prefect kills after 30, of which the process group has had its share."""


def note_file(layout: Layout, workspace: str) -> Path:
    """Where it is noted that a workspace may have a run that passes for running."""
    return layout.curves / f"{workspace}.json"


@contextmanager
def noted(workspace: "Workspace") -> Iterator[None]:
    """Keep a note from before a run is opened until the block ends well; what it names is ended when the process is dead."""
    take_note(workspace)
    yield
    forget(workspace.layout, workspace.layout.workspace.name)


def take_note(workspace: "Workspace") -> None:
    """Write the note: before the run is opened, so that there is no moment in which a kill would go unseen."""
    layout = workspace.layout
    note = Note.of(load_params(layout.params).registry.model_name, layout)
    layout.curves.mkdir(parents=True, exist_ok=True)
    half = layout.curves / f"{layout.workspace.name}.half"
    half.write_text(note.model_dump_json(), encoding="utf-8")
    half.replace(note_file(layout, layout.workspace.name))  # a note cut off by a kill would say nothing to anybody


@dataclass
class Follower:
    """Follows the file a training tells into. The run is opened when there is something to log, so a cached one opens none."""

    workspace: "Workspace"
    logger: "LoggingAdapter | logging.Logger"
    live: LiveRun | None = None
    offset: int = 0
    """Bytes of the file that MLflow has."""
    ask_at: float = 0.0
    """Before this moment MLflow is left alone, having failed to answer."""
    said: bool = False
    ending: Ending = "FINISHED"
    done: threading.Event = field(default_factory=threading.Event)

    def follow(self) -> None:
        """Post what is told until `done` is set, then what is left, and end the run."""
        while not self.done.wait(LOOK):
            if time.monotonic() >= self.ask_at:
                self.attempt(self.post)
        if self.attempt(self.post) and self.attempt(self.end):
            forget(self.workspace.layout, self.workspace.layout.workspace.name)

    def attempt(self, step: Callable[[], None]) -> bool:
        """Do something with MLflow; where it fails say so once and let it be for a while. Returns whether it was done."""
        try:
            step()
        except (UserError, OSError) as error:
            # some points may have arrived all the same: opened again, the run is asked for what it holds
            self.live, self.ask_at = None, time.monotonic() + AGAIN
            if not self.said:
                self.logger.warning(
                    "No live curve in MLflow for now; the training goes on, registration logs it. %s", error
                )
            self.said = True
            return False
        return True

    def post(self) -> None:
        """Log the points told since the last time."""
        layout = self.workspace.layout
        if not layout.live_curve.exists():
            return
        told, offset = read_told(layout.live_curve, self.offset)
        if not told:
            return
        self.run().post(told)
        self.offset = offset

    def run(self) -> LiveRun:
        """The run, opened on first use or found again."""
        if self.live is None:
            take_note(self.workspace)
            layout = self.workspace.layout
            self.live = open_live_run(Candidate(layout, load_params(layout.params), self.workspace.commit))
            if not self.offset and self.live.url:
                self.logger.info("Live curve: %s", self.live.url)
        return self.live

    def end(self) -> None:
        """End the run, if one was opened."""
        if self.live is not None or self.offset:
            self.run().end(self.ending)


def forget(layout: Layout, workspace: str) -> None:
    """Remove what was told and noted of a training whose run has ended."""
    for file in (layout.curves / f"{workspace}.jsonl", note_file(layout, workspace)):
        file.unlink(missing_ok=True)


@contextmanager
def live_curve(workspace: "Workspace") -> Iterator[None]:
    """Follow the training in this block with a run in MLflow, which ends as the block does: FINISHED, FAILED or KILLED."""
    follower = Follower(workspace, run_logger())
    thread = threading.Thread(target=follower.follow, name="live curve", daemon=True)
    thread.start()
    try:
        yield
    except BaseException as error:
        # Ctrl-C and Prefect's cancellation are no Exception
        follower.ending = "FAILED" if isinstance(error, Exception) else "KILLED"
        raise
    finally:
        follower.done.set()
        thread.join(FINISH_SECONDS if follower.ending == "FINISHED" else STOP_SECONDS)


def end_dead_curves(layout: Layout) -> tuple[list[str], list[str]]:
    """End what dead workspaces have left running or half registered in MLflow; a store that does not answer is asked next time.

    Returns:
        What was mended and what could not be, in words.
    """
    mended: list[str] = []
    left: list[str] = []
    for half in layout.curves.glob("*.half"):
        if not is_held(run_file(layout.worktrees / half.stem)):
            half.unlink(missing_ok=True)  # killed amid its note: no run was opened yet
    for file in sorted(layout.curves.glob("*.json")):
        workspace = file.stem
        if is_held(run_file(layout.worktrees / workspace)):
            continue
        try:
            mended += end_dead(Note.model_validate_json(file.read_text(encoding="utf-8")), workspace, layout)
        except FileNotFoundError:
            continue  # another process was faster
        except ValidationError:
            left.append(
                f"{file} cannot be read, so the interrupted run {workspace} may still pass for running in MLflow. "
                "End it there, and remove the file."
            )
            continue
        except (UserError, ValueError) as error:
            left.append(f"the interrupted run {workspace} may still pass for running in MLflow: {error}")
            continue
        forget(layout, workspace)
    for told in layout.curves.glob("*.jsonl"):
        # killed between its first point and the note that comes before its run; what `dvc repro` tells bears no run's name
        dead = OWN_RUN.fullmatch(told.stem) and not is_held(run_file(layout.worktrees / told.stem))
        if dead and not note_file(layout, told.stem).exists():
            told.unlink(missing_ok=True)
    return mended, left
