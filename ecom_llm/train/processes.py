"""Training in several processes of this machine: started by torchrun's own agent, ended together, their failure told as one."""

import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path

import torch
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs, ProcessFailure, SignalException
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import UserError
from ecom_llm.train.worker import Failure, Job, failure_file

ROOT = Path(__file__).parents[2]
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Those that torchrun's agent answers by ending its workers."""
LOOPBACK = "127.0.0.1"
WORKER = "ecom_llm.train.worker"


def check_processes(params: Params, on_cuda: bool) -> None:
    """Whether this machine can run the processes that params ask for.

    Raises:
        UserError: fewer CUDA devices than processes, no Linux, or a torchrun around the stage.
    """
    count, around = params.train.num_processes, int(os.environ.get("WORLD_SIZE", "1"))
    if around > 1:
        raise UserError(
            f"train: WORLD_SIZE is {around}, so a torchrun or a scheduler starts this stage {around} times. It starts its "
            "processes itself: set train.num_processes to their number and start `python -m ecom_llm train` once, "
            "without WORLD_SIZE. Several machines are not supported."
        )
    if count > 1 and sys.platform != "linux":
        raise UserError(f"train.num_processes {count} needs Linux, found {sys.platform}. Set train.num_processes=1.")
    if on_cuda and count > torch.cuda.device_count():
        raise UserError(
            f"train.num_processes is {count}, but torch finds {torch.cuda.device_count()} CUDA device(s) here and each "
            "process needs one of its own. Set train.num_processes to at most that, or runtime.device=cpu."
        )


def train_in_processes(params: Params, layout: Layout, folder: Path, part: str = "whole") -> None:
    """Run `stage.train` in `train.num_processes` processes and wait for them; the first one's failure ends all.

    They live in process groups of their own and end with this process, however it ends: torchrun's agent passes on
    signals, and the kernel kills them where it was killed itself (see `worker.end_with_parent`).

    Raises:
        UserError: one of them raised it, or was killed.
        OSError: one of them could not write, or read.
        torch.OutOfMemoryError: the memory of one did not suffice.
        RuntimeError: any other failure, with its traceback.
    """
    count = params.train.num_processes
    with ExitStack() as after:
        # last in, first out: the signal is raised again once handlers and environment are what they were
        after.enter_context(signals_pass())
        after.enter_context(environment(worker_environment(params)))
        scratch = Path(after.enter_context(tempfile.TemporaryDirectory(prefix="ecom-llm-train-")))
        after.enter_context(silent_agent())
        job = Job(params.model_dump_json(), str(layout.workspace), str(layout.state), str(folder), part, os.getpid())
        (scratch / "job.json").write_text(json.dumps(asdict(job)), encoding="utf-8")
        try:
            elastic_launch(configuration(count, scratch), sys.executable)("-m", WORKER, str(scratch))
        except ChildFailedError as error:
            raise cause(error.failures, scratch, count) from None


def configuration(count: int, scratch: Path) -> LaunchConfig:
    """torchrun's settings of `torchrun --standalone --nproc-per-node COUNT`, on the loopback address alone."""
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=scratch.name,
        # port 0: one that is free, kept by the agent until its workers have met
        rdzv_backend="c10d",
        rdzv_endpoint=f"{LOOPBACK}:0",
        rdzv_configs={"is_host": True},
        local_addr=LOOPBACK,
        # killed at any moment a training goes on to the same bytes: that is for the next run, not for a restart in silence
        max_restarts=0,
        # a signal that is ignored, as nohup has it, stays ignored
        signals_to_handle=",".join(one.name for one in SIGNALS if signal.getsignal(one) != signal.SIG_IGN),
        logs_specs=DefaultLogsSpecs(log_dir=str(scratch)),
    )


def worker_environment(params: Params) -> dict[str, str]:
    """What the workers' environment has beside this process's."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    # without a number of its own, accelerate takes all physical cores; gloo would else look for this host's name
    return {
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": str(params.train.num_threads),
        "GLOO_SOCKET_IFNAME": "lo",
        "TORCH_CPP_LOG_LEVEL": "ERROR",
    }


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """This process's environment with `values`, and afterwards as it was: torchrun's agent leaves words of its own there."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@contextmanager
def signals_pass() -> Iterator[None]:
    """A signal that ended the workers acts on this process too, as it would have without them.

    torchrun's agent sets handlers and leaves them; they raise an exception of its own, not KeyboardInterrupt.
    """
    main = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in SIGNALS} if main else {}
    received: signal.Signals | None = None
    try:
        yield
    except SignalException as error:
        received = error.sigval
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received is not None:
        signal.raise_signal(received)
        # a handler that returns must not make a training of what was broken off
        raise SystemExit(128 + received)


@contextmanager
def silent_agent() -> Iterator[None]:
    """Without the agent's own lines: what there is to say of a failure is said once, by `cause`."""
    log, silence = logging.getLogger("torch.distributed.elastic"), logging.NullHandler()
    before, log.propagate = log.propagate, False
    log.addHandler(silence)
    try:
        yield
    finally:
        log.removeHandler(silence)
        log.propagate = before


def cause(failures: Mapping[int, ProcessFailure], scratch: Path, count: int) -> Exception:
    """What made the workers fail: one that was killed, else what was raised first; the others lost their peer."""
    # SIGTERM is how the agent ends those that are left
    killed = [rank for rank, one in sorted(failures.items()) if one.exitcode < 0 and one.exitcode != -signal.SIGTERM]
    if killed:
        name = failures[killed[0]].signal_name()
        return UserError(
            f"train: process {killed[0]} of {count} was ended by {name}, from outside or for want of memory, and the others "
            "with it. Run again: training goes on from its last checkpoint."
        )
    files = [path for path in (failure_file(scratch, rank) for rank in range(count)) if path.is_file()]
    if not files:
        codes = ", ".join(f"process {rank}: {one.exitcode}" for rank, one in sorted(failures.items()))
        return RuntimeError(f"train: the processes ended without a word (exit codes: {codes})")
    told = (Failure(**json.loads(path.read_text(encoding="utf-8"))) for path in files)
    return raised(min(told, key=lambda one: one.at))


def raised(failure: Failure) -> Exception:
    """A worker's exception again, of a kind that the stage and its callers know."""
    if failure.kind == "user":
        return UserError(failure.words)
    if failure.kind == "file":
        return OSError(failure.errno, failure.words, failure.filename)
    return torch.OutOfMemoryError(failure.words) if failure.kind == "memory" else RuntimeError(failure.words)
