"""Which runs are alive: each holds a lock on a file that the kernel lets go when its process dies, however it dies."""

import fcntl
import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import psutil

OWN_RUN = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")
"""What flow runs are called, their worktrees and experiments: others are the user's own and stay."""
GRACE = 10.0
"""Seconds a process group has to end by itself before it is killed."""


@dataclass(frozen=True)
class Hold:
    """A run's lock file; its text names the process group of the stage at work, for whoever finds the run dead."""

    file: Path

    def record(self, group: int | None) -> None:
        """Note the process group at work, or that there is none."""
        self.file.write_text("" if group is None else str(group), encoding="utf-8")

    def group(self) -> int | None:
        """The process group noted last."""
        text = self.file.read_text(encoding="utf-8").strip()
        return int(text) if text.isdigit() else None


@contextmanager
def hold(file: Path) -> Iterator[Hold]:
    """Hold a lock on a new file for the length of the block, and remove the file afterwards."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with locked(file):
        try:
            yield Hold(file)
        finally:
            file.unlink(missing_ok=True)


def locked(file: Path) -> TextIO:
    """The file, open, with the lock on it. Who waited for the lock may hold one on a file that is gone, and makes another."""
    while True:
        handle = file.open("a", encoding="utf-8")
        fcntl.flock(handle, fcntl.LOCK_EX)
        if names(file, handle):
            return handle
        handle.close()


def names(file: Path, handle: TextIO) -> bool:
    """Whether a path still names the file that was opened."""
    try:
        found = file.stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(handle.fileno()))


def drop(file: Path) -> bool:
    """Remove the file that a dead process held; returns whether it is gone. What a living one holds, or is about to, stays."""
    try:
        # for writing, since NFS gives an exclusive lock to writers alone; and what is gone is not made again
        with file.open("r+", encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if names(file, handle):
                file.unlink()
    except BlockingIOError:
        return False
    except FileNotFoundError:
        pass
    return True


def run_file(worktree: Path) -> Path:
    """The file a living run holds, beside its worktree."""
    return worktree.with_name(f"{worktree.name}.run")


def is_held(file: Path) -> bool:
    """Whether a living process holds the file. The question itself holds nobody up who asks the same."""
    try:
        with file.open(encoding="utf-8") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


@contextmanager
def one_at_a_time(file: Path) -> Iterator[None]:
    """Wait for other runs to leave this block: git refs and DVC's locks of the checkout are shared between them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def members(group: int) -> list[psutil.Process]:
    """The living processes of a process group."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.Error, ProcessLookupError, PermissionError):
            continue
    return found


def send(group: int, number: signal.Signals) -> None:
    """Signal a process group, if there still is one."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def await_end(group: int, patience: float) -> None:
    """Wait until a process group is gone, or `patience` seconds are."""
    until = time.monotonic() + patience
    while members(group) and time.monotonic() < until:
        time.sleep(0.05)


def end_group(group: int, grace: float = GRACE) -> None:
    """Ask every process of a group to end, and kill what is left after `grace` seconds."""
    try:
        send(group, signal.SIGTERM)
        await_end(group, grace)
    finally:  # a second Ctrl-C cuts the patience short, but nobody survives it
        send(group, signal.SIGKILL)
    await_end(group, 5.0)


def works_in(group: int, folder: Path) -> bool:
    """Whether a process group still works below the folder: its number may have gone to somebody else since."""
    for process in members(group):
        try:
            if Path(process.cwd()).is_relative_to(folder):
                return True
        except psutil.Error:
            continue
    return False
