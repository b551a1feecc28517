"""One of several processes of a training: `python -m ecom_llm.train.worker FOLDER`, started by `ecom_llm.train.processes`."""

import ctypes
import json
import logging
import os
import random
import signal
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import UserError

PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that the kernel sends to this process when its parent ends."""


@dataclass(frozen=True)
class Job:
    """What every worker is told, in the file `job.json`."""

    params: str
    """Params as JSON: those of the parent, whose batch may be a smaller one than that of params.yaml."""
    workspace: str
    state: str
    folder: str
    """Where the checkpoints lie; the parent holds its lock."""
    part: str
    """Which part of the training: `whole`, `first` or `second`."""
    parent: int
    """Process id of the parent."""


@dataclass(frozen=True)
class Failure:
    """What a worker raised, as its parent raises it again."""

    kind: str
    """`user`, `memory`, `file`, or `bug`."""
    words: str
    at: float
    """Seconds since the epoch: what was raised later, elsewhere, is for want of this process."""
    errno: int | None = None
    filename: str | None = None


def failure_file(scratch: Path, rank: int) -> Path:
    """Where a worker says what it failed of."""
    return scratch / f"failure-{rank}.json"


def memory_lacked(error: Exception) -> bool:
    """Whether it was for want of memory; torch is not loaded to ask."""
    if isinstance(error, MemoryError) or "torch" not in sys.modules:
        return isinstance(error, MemoryError)
    from ecom_llm.train.watchdog import out_of_memory

    return out_of_memory(error)


def told(error: Exception) -> Failure:
    """What there is to say of an exception."""
    at = time.time()
    if isinstance(error, UserError):
        return Failure("user", str(error), at)
    if isinstance(error, OSError) and error.errno is not None:
        name = str(error.filename) if error.filename else None
        return Failure("file", str(error.strerror), at, error.errno, name)
    if memory_lacked(error):
        return Failure("memory", " ".join(str(error).split()), at)
    return Failure("bug", f"train: process {os.environ['RANK']} failed:\n{traceback.format_exc()}", at)


def end_with_parent(parent: int) -> None:
    """Have the kernel kill this process when its parent ends, even by SIGKILL; end at once where it has already."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def quiet(rank: int) -> None:
    """The first process speaks for all; Ctrl-C is the parent's to answer."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("accelerate").setLevel(
        logging.WARNING
    )  # it tells of every file of a checkpoint that is shared out
    if rank:
        logging.disable(logging.CRITICAL)
        warnings.simplefilter("ignore")


def work(job: Job) -> None:
    """Train, as one of several."""
    # only here, so that a parent that ends while these load is noticed
    import torch

    from ecom_llm.train.stage import train

    params = Params.model_validate_json(job.params)
    random.seed(params.train.seed)
    train(params, Layout(Path(job.workspace), Path(job.state)), Path(job.folder), job.part)
    torch.distributed.destroy_process_group()


def main(scratch: Path) -> int:
    """Entry point; returns the exit code."""
    job, rank = Job(**json.loads((scratch / "job.json").read_text(encoding="utf-8"))), int(os.environ["RANK"])
    end_with_parent(job.parent)
    quiet(rank)
    try:
        work(job)
    except Exception as error:
        failure_file(scratch, rank).write_text(json.dumps(asdict(told(error))), encoding="utf-8")
        sys.stderr.flush()
        # the others may wait for this process: it must not wait for them while its interpreter is taken down
        os._exit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
