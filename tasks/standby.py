"""The process of a smoke test. It may be started before anything is asked of it: most of its seconds go by while it loads torch."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMAND = [sys.executable, "-m", "ecom_llm.serve.smoke"]
_standing_by: list["subprocess.Popen[str]"] = []


def begun() -> "subprocess.Popen[str]":
    """A process that is asked by its input, and answers with its output; where its input ends, it ends too."""
    return subprocess.Popen(
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
    )


@contextmanager
def standing_by() -> Iterator[None]:
    """Within, the first smoke test is made by a process that begins now: the registry is asked, and files are checked, meanwhile."""
    process = begun()
    _standing_by.append(process)
    try:
        yield
    finally:
        if process in _standing_by:
            _standing_by.remove(process)
            process.kill()
            process.communicate()


def next_process() -> "subprocess.Popen[str]":
    """The process that stands by, or a new one."""
    return _standing_by.pop() if _standing_by else begun()
