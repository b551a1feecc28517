"""Training in several processes: the same as in one, ended together by whatever ends one of them, and told of in one line."""

import errno
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params, validate
from ecom_llm.records import UserError
from ecom_llm.train import processes, stage
from ecom_llm.train.processes import check_processes, train_in_processes
from ecom_llm.train.ranks import shared

REPO = Path(__file__).parents[3]
STAND_IN = """
import errno, json, os, signal, sys, time
from pathlib import Path
from ecom_llm.records import UserError
from ecom_llm.train import worker

rank, here = int(os.environ["RANK"]), Path(__file__).parent

def work(job):
    batch = json.loads(job.params)["train"]["per_device_train_batch_size"]
{body}

worker.work = work
sys.exit(worker.main(Path(sys.argv[1])))
"""
WAIT = """
    part = here / f"part-{rank}"
    part.write_text(str(os.getpid()))
    part.rename(here / f"pid-{rank}")  # never there and empty
    time.sleep(600)  # longer than the others take to start on a busy machine
"""
PARENT = """
from pathlib import Path
from ecom_llm.layout import Layout
from ecom_llm.params import load_params, validate
from ecom_llm.train import processes
tree = load_params(Path("params.yaml")).model_dump()
tree["train"]["num_processes"] = 2
processes.WORKER = "stand_in"
processes.train_in_processes(validate(tree, "test"), Layout.here(), Path("nowhere"))
"""


def changed(params: Params, **values: object) -> Params:
    tree = params.model_dump()
    tree["train"] |= values
    return validate(tree, "test")


@pytest.fixture
def two(tmp_path) -> Params:
    return changed(load_params(REPO / "params.yaml"), num_processes=2, num_threads=1)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Workers that do as they are told instead of training; they load no torch."""

    def write(body: str) -> Path:
        (tmp_path / "stand_in.py").write_text(STAND_IN.format(body=body))
        return tmp_path

    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(processes, "WORKER", "stand_in")
    return write


def workers() -> list[psutil.Process]:
    """Those that live; what ended and was not reaped is nobody's worker any more."""
    found = []
    for one in psutil.Process().children(recursive=True):
        try:
            if "stand_in" in " ".join(one.cmdline()):
                found.append(one)
        except psutil.NoSuchProcess:  # a zombie too
            continue
    return found


def launch(params: Params, folder: Path) -> None:
    train_in_processes(params, Layout(folder, folder), folder)


def test_each_has_a_rank_its_threads_and_the_first_alone_speaks(two, stand_in, capfd):
    before, handlers = dict(os.environ), [signal.getsignal(number) for number in processes.SIGNALS]
    folder = stand_in(
        "    import logging, warnings\n"
        "    logging.getLogger('any').warning('rank %d speaks', rank)\n"
        "    logging.getLogger('any').error('rank %d fails', rank)\n"
        "    warnings.warn(f'rank {rank} warns')\n"
        "    names = ('RANK', 'LOCAL_RANK', 'WORLD_SIZE', 'OMP_NUM_THREADS', 'MASTER_ADDR')\n"
        "    (here / f'{rank}.json').write_text(json.dumps([os.environ[name] for name in names]))"
    )
    launch(two, folder)
    assert (folder / "1.json").read_text() == '["1", "1", "2", "1", "127.0.0.1"]'
    said = capfd.readouterr().err
    assert "rank 0 speaks" in said and "rank 0 warns" in said and "rank 1" not in said
    assert "elastic" not in said and len(said.splitlines()) < 8
    # torchrun's agent leaves handlers and words of its own
    assert dict(os.environ) == before
    assert [signal.getsignal(number) for number in processes.SIGNALS] == handlers


@pytest.mark.parametrize(
    ("raising", "kind", "said"),
    [
        (
            "UserError('train: loss is nan at step 3. Lower it.')",
            UserError,
            r"^train: loss is nan at step 3\. Lower it\.$",
        ),
        ("MemoryError('you tried to allocate 2 GiB')", torch.OutOfMemoryError, "2 GiB"),
        ("OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), '/disk/x')", OSError, r"No space left.*/disk/x"),
        ("KeyError('what')", RuntimeError, r"(?s)process 1 failed:.*Traceback.*KeyError: 'what'"),
    ],
)
def test_what_one_raises_ends_all_and_is_raised_here(two, stand_in, raising, kind, said):
    """The others fail too, a moment later, for want of their peer; that is not the cause."""
    folder = stand_in(
        f"    if rank == 1:\n        raise {raising}\n"
        "    while not worker.failure_file(Path(sys.argv[1]), 1).is_file():\n        time.sleep(0.01)\n"
        "    raise UserError('peer lost')"
    )
    with pytest.raises(kind, match=said) as found:
        launch(two, folder)
    assert not workers()
    if kind is OSError:
        assert (found.value.errno, found.value.filename) == (errno.ENOSPC, "/disk/x")


def test_one_that_is_killed_ends_all(two, stand_in):
    folder = stand_in("    if rank == 1:\n        os.kill(os.getpid(), signal.SIGKILL)\n    time.sleep(60)")
    with pytest.raises(
        UserError, match=r"^train: process 1 of 2 was ended by SIGKILL.*goes on from its last checkpoint\.$"
    ):
        launch(two, folder)
    assert not workers()


def test_out_of_memory_all_begin_again_with_half_the_batch(two, stand_in, caplog):
    folder = stand_in(
        "    with (here / f'batches-{rank}').open('a') as log:\n        log.write(f'{batch} ')\n"
        "    if batch > 2 and rank == 1:\n        raise MemoryError('2 GiB')\n    time.sleep(60 if batch > 2 else 0)"
    )
    params = changed(two, per_device_train_batch_size=8)
    stage.fitting(params, Layout(folder, folder), folder)
    assert (folder / "batches-1").read_text() == "8 4 2 "
    assert (folder / "batches-0").read_text().endswith("2 ")  # of those before it may have been ended at its start
    halved = [message for message in caplog.messages if message.startswith("out of memory (2 GiB)")]
    assert "train.per_device_train_batch_size 2 and train.gradient_accumulation_steps 4" in halved[-1]


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def until(condition) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("waited in vain for a minute")


def test_no_worker_outlives_its_parent(tmp_path):
    """Killed, ended by a signal, interrupted: the workers have process groups of their own and are told by none."""
    parents = {}
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
        folder = tmp_path / number.name
        folder.mkdir()
        (folder / "stand_in.py").write_text(STAND_IN.format(body=WAIT))
        paths = os.pathsep.join([str(folder), str(REPO)])
        parents[number] = (
            folder,
            subprocess.Popen(
                [sys.executable, "-c", PARENT],
                cwd=REPO,
                env=os.environ | {"PYTHONPATH": paths},
                stderr=subprocess.DEVNULL,
            ),
        )
    for number, (folder, parent) in parents.items():
        until(lambda folder=folder: len(list(folder.glob("pid-*"))) == 2)
        pids = [int(path.read_text()) for path in folder.glob("pid-*")]
        assert not any(map(gone, pids))
        parent.send_signal(number)
        assert parent.wait(timeout=30) == -number
        until(lambda pids=pids: all(map(gone, pids)))


def test_more_processes_than_devices_are_refused(two, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(
        UserError, match=r"num_processes is 2, but torch finds 1 CUDA device.*at most that, or runtime\.device=cpu"
    ):
        check_processes(two, on_cuda=True)
    check_processes(two, on_cuda=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check_processes(two, on_cuda=True)


@pytest.mark.parametrize("count", [1, 2])
def test_a_torchrun_around_the_stage_is_refused(two, monkeypatch, count):
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(
        UserError, match=r"WORLD_SIZE is 4.*starts its processes itself.*Several machines are not supported"
    ):
        check_processes(changed(two, num_processes=count), on_cuda=False)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"num_processes": 0}, r"num_processes: Input should be greater than or equal to 1; found 0"),
        ({"sharding": "fsdp2"}, "sharding fsdp2 needs num_processes above 1"),
        ({"sharding": "fsdp2", "num_processes": 2, "lora_r": 4, "init": "checkpoint"}, "needs lora_r 0"),
    ],
)
def test_what_does_not_go_together_is_refused(values, said):
    with pytest.raises(UserError, match=said):
        changed(load_params(REPO / "params.yaml"), **values)


@pytest.mark.parametrize("count", range(1, 8))
def test_every_place_counts_once_and_all_have_as_many(monkeypatch, count):
    shares = []
    for rank in range(3):
        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 3)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        shares.append(list(shared(range(count))))
    assert len({len(share) for share in shares}) == 1
    assert sorted(place for share in shares for place, counts in share if counts) == list(range(count))


def test_one_process_alone_removes_what_was_cut_short(prepared, tiny_params, monkeypatch):
    """Seen with two: each found files that the other had just removed."""
    inside, looked = [], []

    @contextmanager
    def main_process_first(accelerator):
        inside.append(True)
        yield
        inside.pop()

    monkeypatch.setattr(Accelerator, "main_process_first", main_process_first)
    monkeypatch.setattr(stage, "last_checkpoint", lambda folder: looked.append(list(inside)))
    stage.run(changed(tiny_params, max_steps=1), prepared)
    assert looked == [[True]]


def losses(layout: Layout) -> list[float]:
    rows = [line.split(",") for line in layout.curve.read_text().splitlines()[1:]]
    return [float(cell) for row in rows for cell in (row[1], row[2], row[4]) if cell]


def another(prepared: Layout, name: str) -> Layout:
    """The same data, another place for what comes of them."""
    workspace = prepared.workspace.with_name(name)
    (workspace / "models").mkdir(parents=True)
    (workspace / "data").symlink_to(prepared.workspace / "data")
    return Layout(workspace, prepared.state)


def weights(layout: Layout) -> dict[str, torch.Tensor]:
    return load_file(layout.model / "model.safetensors")


@pytest.mark.processes
def test_two_processes_train_as_one_whole_or_shared_out(prepared, tiny_params):
    """The same losses, tokens and weights, up to the rounding of sums in another order, and the same files beside them."""
    tiny_params = changed(tiny_params, save_steps=10, load_best_model_at_end=True, num_threads=1)
    stage.run(tiny_params, prepared)
    for sharding in ("none", "fsdp2"):
        layout = another(prepared, sharding)
        stage.run(changed(tiny_params, num_processes=2, per_device_train_batch_size=4, sharding=sharding), layout)
        assert losses(layout) == pytest.approx(losses(prepared), abs=2e-5)
        assert weights(layout).keys() == weights(prepared).keys()
        for name, one in weights(prepared).items():
            assert torch.allclose(weights(layout)[name], one, atol=1e-3), name
        assert {path.name for path in layout.model.iterdir()} == {path.name for path in prepared.model.iterdir()}
        for name in ("config.json", "generation_config.json", "tokenizer.json", "chat_template.jinja"):
            assert (layout.model / name).read_bytes() == (prepared.model / name).read_bytes()
        assert not list(layout.checkpoints.glob("*/checkpoint-*"))
