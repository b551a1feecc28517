"""What becomes of a run when files are edited while it works, or when it is told to stop: with the real stages."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import yaml

from ecom_llm.params import validate
from tasks.dvc import COMMAND
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace
from tests.started import started

REPO = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

SLOW = """

_run = run


def run(params, layout):
    import time
    from pathlib import Path

    Path(os.environ["MARK"]).write_text("at work")
    time.sleep(float(os.environ["PAUSE"]))
    _run(params, layout)


import os
"""


def git(*arguments: str, cwd: Path) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A copy of this repository as it is, with a small catalogue and a first stage that takes its time."""
    root = tmp_path.resolve() / "clone"
    for name in git("ls-files", "--cached", "--others", "--exclude-standard", cwd=REPO).splitlines():
        if name == "dvc.lock":  # what `make run` left here is no part of a fresh clone
            continue
        if (REPO / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(REPO / name, root / name)
    stage = root / "ecom_llm" / "collect" / "stage.py"
    stage.write_text(stage.read_text() + SLOW)
    git("init", "-q", cwd=root)
    git("add", "-A", cwd=root)
    git("commit", "-qm", "start", cwd=root)
    ours = {"MARK": str(tmp_path / "mark"), "PAUSE": "2", "PYTHONPATH": str(root), "DVC_NO_ANALYTICS": "1"}
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_", "ECOM_LLM_"))]:
        monkeypatch.delenv(name)
    for name, value in {**ours, "DVC_SITE_CACHE_DIR": str(tmp_path / "site")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    return root


def small(root: Path):
    values = yaml.safe_load((root / "params.yaml").read_text())
    values["collect"] |= {"products": 20, "shoppers": 20}
    return validate(values, "test")


def edit_when_at_work(root: Path) -> threading.Thread:
    """Edit the code of the stage at work, once it is."""

    def edit() -> None:
        until = time.monotonic() + 60
        while not Path(os.environ["MARK"]).exists() and time.monotonic() < until:
            time.sleep(0.05)
        with (root / "ecom_llm" / "collect" / "stage.py").open("a") as stage:
            stage.write("\nEDITED = True\n")

    thread = threading.Thread(target=edit)
    thread.start()
    return thread


def test_an_edit_while_a_flow_runs_reaches_nothing(clone):
    with open_workspace(small(clone), clone) as workspace:
        editor = edit_when_at_work(clone)
        run_stage("collect", workspace, lambda text: None)
        editor.join()
        assert "EDITED" not in (workspace.path / "ecom_llm" / "collect" / "stage.py").read_text()
        locked = yaml.safe_load((workspace.path / "dvc.lock").read_text())["stages"]["collect"]
        status = subprocess.run(
            [*COMMAND, "status", "collect"], cwd=workspace.path, capture_output=True, text=True, check=True
        )
    assert "up to date" in status.stdout
    assert locked["params"]["params.yaml"]["collect"]["products"] == 20
    assert not (clone / "dvc.lock").exists()


def test_an_edit_while_dvc_repro_runs_fails_the_stage(clone):
    editor = edit_when_at_work(clone)
    done = subprocess.run([*COMMAND, "repro", "collect"], cwd=clone, capture_output=True, text=True, check=False)
    editor.join()
    assert done.returncode != 0
    assert "error: collect: changed while the stage ran: ecom_llm/collect/stage.py" in done.stderr + done.stdout
    assert not (clone / "dvc.lock").exists()


def below(root: Path) -> list[list[str]]:
    """Command lines of the processes that work below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.cmdline())
        except (psutil.Error, OSError):
            continue
    return found


@pytest.mark.parametrize("number", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM])
def test_a_stopped_run_leaves_nothing(clone, monkeypatch, number):
    monkeypatch.setenv("PAUSE", "300")
    command = [sys.executable, "-c", "from flows.cli import main; main()", "run", "--set", "collect.products=20"]
    with started(command, clone) as run:
        until = time.monotonic() + 90
        while not Path(os.environ["MARK"]).exists():
            assert run.poll() is None, run.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.1)
        run.send_signal(number)
        said, _ = run.communicate(timeout=60)
    assert run.returncode == 130, said
    assert "\nStopped.\n" in said, said
    assert below(clone) == []
    assert list((clone / ".state" / "worktrees").iterdir()) == []
