"""Processes that run flows: the dead are known by the lock they lost, and what they started by the name it bears."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ecom_llm.layout import Layout
from tasks import engines
from tasks.engines import (
    BOOT,
    Engine,
    dead,
    end_left_by,
    engine,
    forget,
    is_elsewhere,
    left_by,
    living_runs,
    signs_of_a_crash,
)
from tasks.holds import drop, hold, is_held

REPO = Path(__file__).parents[3]
FLOW = """
import subprocess, sys
from pathlib import Path
from ecom_llm.layout import Layout
from tasks.engines import engine
with engine(Layout(Path({root!r}), Path({root!r}) / "state"), ""):
    child = subprocess.Popen(["sh", "-c", "sleep 300"], start_new_session=True)
    print(child.pid, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, tmp_path / "state")


def started(layout: Layout) -> tuple[subprocess.Popen, int]:
    """A process at work, and the one it has started."""
    command = [sys.executable, "-c", FLOW.format(root=str(layout.workspace))]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    flow = subprocess.Popen(command, cwd=REPO, env=os.environ | {"PYTHONPATH": str(REPO)}, **pipes)
    return flow, int(flow.stdout.readline())


def ended(flow: subprocess.Popen) -> None:
    flow.stdin.close()
    flow.stdout.close()
    flow.wait()


def test_what_a_killed_process_left_at_work_is_found_and_ended(layout):
    flow, child = started(layout)
    assert dead(layout) == [] and not signs_of_a_crash(layout)
    os.kill(flow.pid, signal.SIGKILL)
    ended(flow)
    [gone] = dead(layout)
    assert (gone.engine.pid, gone.engine.server) == (flow.pid, "")
    assert child in [process.pid for process in left_by([gone])], "in a session of its own it outlives the engine"
    assert any(line.endswith(f"(process {child})") for line in end_left_by([gone], grace=2.0))
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE
    assert end_left_by([gone]) == []
    forget(layout, gone)
    assert dead(layout) == [] and not signs_of_a_crash(layout)


def test_runs_whose_process_lives_are_known(layout, monkeypatch):
    monkeypatch.setenv(engines.PREFECT_RUN, "run-1")
    flow, child = started(layout)
    assert living_runs(layout) == {"run-1"}
    os.kill(flow.pid, signal.SIGKILL)
    ended(flow)
    assert living_runs(layout) == set()
    os.kill(child, signal.SIGKILL)


def test_a_process_that_ends_well_leaves_no_record(layout):
    flow, child = started(layout)
    ended(flow)
    os.kill(child, signal.SIGKILL)
    assert list(layout.engines.iterdir()) == []


def test_a_flow_within_one_at_work_has_its_record_and_the_environment_is_put_back(layout, monkeypatch):
    monkeypatch.setenv(engines.VARIABLE, "an outer one")
    with engine(layout, "http://shop/api") as name, engine(layout, "") as inner:
        assert inner == name == os.environ[engines.VARIABLE]
        [file] = layout.engines.iterdir()
        assert Engine.model_validate_json(file.read_text()).server == "http://shop/api"
    assert os.environ[engines.VARIABLE] == "an outer one"
    assert list(layout.engines.iterdir()) == [] and engines.held == []


def test_another_machine_s_record_is_left_alone(layout, monkeypatch):
    with engine(layout, "") as name:
        text = (layout.engines / f"{name}.json").read_text()
    own = Engine.model_validate_json(text)
    assert not is_elsewhere(own) and not is_elsewhere(None)
    assert not is_elsewhere(own.model_copy(update={"host": "a container of this machine"}))
    assert not is_elsewhere(own.model_copy(update={"boot": "before it was started anew"}))
    other = own.model_copy(update={"host": "another", "boot": "another"})
    assert is_elsewhere(other)
    (layout.engines / "one.json").write_text(other.model_dump_json())
    (layout.engines / "two.json").write_text("")
    assert dead(layout) == [], "it may be about to begin"
    os.utime(layout.engines / "two.json", (1, 1))  # no: killed before it wrote any
    assert [gone.name for gone in dead(layout)] == ["two"]
    monkeypatch.setattr(engines, "BOOT", BOOT.with_name("none"))
    assert engines.boot() == str(psutil.boot_time())


def test_holds_are_taken_as_nfs_asks_for_it(tmp_path, monkeypatch):
    """NFS makes `flock` a lock of the bytes: an exclusive one wants a file that is open for writing, a shared one for reading."""

    locked: list[str] = []

    def flock(handle, how, lock=fcntl.flock):
        allowed = handle.readable() if how & fcntl.LOCK_SH else handle.writable()
        if not allowed:
            raise OSError(errno.EBADF, "Bad file descriptor")
        locked.append(handle.name)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", flock)
    file = tmp_path / "one.run"
    with hold(file):
        assert is_held(file) and not drop(file)
    locked.clear()
    assert drop(file) and locked == [], "what is gone is not made again"
    file.touch()
    assert not is_held(file) and drop(file) and not file.exists()


def test_who_waited_for_a_hold_does_not_hold_a_file_that_is_gone(tmp_path):
    file = tmp_path / "one.run"
    program = (
        "import sys; from pathlib import Path; from tasks.holds import hold\n"
        "with hold(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", program, str(file)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with hold(file):
        waiting = subprocess.Popen(command, cwd=REPO, env=os.environ | {"PYTHONPATH": str(REPO)}, **pipes)
        time.sleep(0.5)
        assert not drop(file), "a living process holds it"
    assert waiting.stdout.readline() == "held\n"
    assert file.exists() and is_held(file)
    ended(waiting)
    assert not file.exists() and drop(file)
