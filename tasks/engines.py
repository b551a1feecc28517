"""Which processes run flows: each holds a record of itself, and what it starts bears the record's name.

When such a process dies, however it dies, the kernel lets its record go, and who finds that can end the flow run in Prefect and
whatever the process left at work. Prefect's engine, DVC, training and a temporary server inherit an environment variable
with the record's name, so that no group or parent need be remembered; Jenkins ends what a build has left by the same means.
"""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import psutil
from pydantic import AfterValidator, ValidationError

from ecom_llm.layout import Layout
from ecom_llm.params.location import masked_address
from ecom_llm.records import Record
from tasks.holds import GRACE, drop, hold, is_held, run_file

VARIABLE = "ECOM_LLM_ENGINE"
"""Environment variable with the name of the record, for all that a flow starts."""
PREFECT_RUN = "PREFECT__FLOW_RUN_ID"
"""Where Prefect tells a process it started which flow run it is for."""
BOOT = Path("/proc/sys/kernel/random/boot_id")
BEGINNING = 2.0
"""Seconds that a process has from making its record to holding it."""
held: list[str] = []
"""The record of this process, where it has one: a flow that begins within it needs no other."""


class Engine(Record):
    """A process that runs flows."""

    host: str
    boot: str
    """Another one on the same host: it was started anew since, and nothing of then lives."""
    pid: int
    started: float
    """Seconds since the epoch."""
    server: Annotated[str, AfterValidator(masked_address)]
    """Address of the Prefect server that knows its flow runs, without its password; empty for the one in the state folder."""
    flow_run: str
    """Id of its flow run, where Prefect started it for one; of those it begins itself, the tag `tag_of` tells."""


class Dead(Record):
    """A process that is gone, and what its record says; the rest is unknown where it was killed before it wrote any."""

    name: str
    engine: Engine | None


def tag_of(name: str) -> str:
    """The tag of the flow runs that a process begins."""
    return f"engine:{name}"


def boot() -> str:
    """What tells one start of this machine from another; the same in all its containers."""
    return BOOT.read_text(encoding="ascii").strip() if BOOT.exists() else str(psutil.boot_time())


def this_process(server: str) -> Engine:
    """The record of this process."""
    own = psutil.Process()
    return Engine(
        host=socket.gethostname(),
        boot=boot(),
        pid=own.pid,
        started=own.create_time(),
        server=server,
        flow_run=os.environ.get(PREFECT_RUN, ""),
    )


@contextmanager
def engine(layout: Layout, server: str) -> Iterator[str]:
    """Be known as a process that runs flows for the length of the block; yields the record's name.

    Args:
        server: address of the Prefect server in use; empty for the one in the state folder.
    """
    if held:
        yield held[-1]
        return
    name, before = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}", os.environ.get(VARIABLE)
    with hold(layout.engines / f"{name}.json") as record:
        record.file.write_text(this_process(server).model_dump_json(), encoding="utf-8")
        os.environ[VARIABLE] = name
        held.append(name)
        try:
            yield name
        finally:
            held.remove(name)
            if before is None:
                del os.environ[VARIABLE]
            else:
                os.environ[VARIABLE] = before


def read(file: Path) -> Engine | None:
    """What a record says; None where its process was killed before it was written."""
    try:
        return Engine.model_validate_json(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValidationError):
        return None


def is_elsewhere(found: Engine | None) -> bool:
    """Whether another machine that shares the state folder wrote it: whether that one lives is not for this one to say."""
    return found is not None and found.boot != boot() and found.host != socket.gethostname()


def dead(layout: Layout) -> list[Dead]:
    """The processes of this machine that ran flows and are gone."""
    files = [file for file in sorted(layout.engines.glob("*.json")) if not is_held(file)]
    known = [(file.stem, read(file)) for file in files if not is_beginning(file)]
    return [Dead(name=name, engine=found) for name, found in known if not is_elsewhere(found)]


def living_runs(layout: Layout) -> set[str]:
    """Ids of the flow runs that Prefect started a process for which lives, on this machine or another that shares the state folder."""
    found = [read(file) for file in layout.engines.glob("*.json") if is_held(file) or is_elsewhere(read(file))]
    return {one.flow_run for one in found if one and one.flow_run}


def is_beginning(file: Path) -> bool:
    """Whether a record may be of a process that has made it a moment ago and is about to hold it."""
    with suppress(FileNotFoundError):
        found = file.stat()
        return found.st_size == 0 and time.time() - found.st_mtime < BEGINNING
    return True


def signs_of_a_crash(layout: Layout) -> bool:
    """Whether anything here says that a process died at work; quick, and asks no server."""
    worktrees = [path for path in layout.worktrees.glob("*") if path.is_dir()]
    notes = [layout.worktrees / note.stem for note in layout.curves.glob("*.json")]
    return bool(dead(layout)) or not all(is_held(run_file(path)) for path in (*worktrees, *notes))


def forget(layout: Layout, gone: Dead) -> None:
    """Remove a record of which nothing is left to mend."""
    drop(layout.engines / f"{gone.name}.json")


def left_by(gone: list[Dead]) -> list[psutil.Process]:
    """The living processes that dead ones have started, and those that these started."""
    names, found = {one.name for one in gone}, []
    for process in psutil.process_iter() if names else ():
        try:
            if process.environ().get(VARIABLE) in names and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, OSError):  # it ended meanwhile, or is somebody else's
            continue
    return found


def end_left_by(gone: list[Dead], grace: float = GRACE) -> list[str]:
    """Ask what dead processes have left at work to end, kill what has not after `grace` seconds; return what it was."""
    found = left_by(gone)
    told = [describe(process) for process in found]
    for process in found:
        signal(process, "terminate")
    _, alive = psutil.wait_procs(found, timeout=grace)
    for process in [*alive, *left_by(gone)]:  # one of them may have started another at the last moment
        signal(process, "kill")
    psutil.wait_procs(alive, timeout=5.0)
    return told


def signal(process: psutil.Process, how: str) -> None:
    """Terminate or kill a process, if it is still there."""
    try:
        getattr(process, how)()
    except psutil.Error:
        return


def describe(process: psutil.Process) -> str:
    """A process as people know it."""
    try:
        words = process.cmdline()
    except psutil.Error:
        words = []
    modules = [after for word, after in pairwise(words) if word == "-m"]
    shown = modules[:1] or [Path(word).name for word in words[:1]]
    return f"{' '.join(shown) or 'a process'} (process {process.pid})"
