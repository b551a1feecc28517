"""Programs that a test starts: a test that fails leaves none behind to be reaped, and blamed, in a later one."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def started(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> Iterator[subprocess.Popen[str]]:
    """A running program with both outputs in one pipe; ended and reaped with the block, should it live still."""
    with subprocess.Popen(
        command, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()  # it has programs of its own to end
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
