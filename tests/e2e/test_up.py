"""`ecom-llm up` for real: both servers, the deployments, a cancelled run, an interrupted run, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.asking import ask
from tests.started import started

REPO = Path(__file__).parents[2]
pytestmark = pytest.mark.slow

STAGES = """\
stages:
  collect: {cmd: cp code.txt collected, params: [collect], deps: [code.txt], outs: [collected]}
  prepare: {cmd: cp collected prepared, deps: [collected], outs: [prepared]}
  train: {cmd: sh train.sh, params: [train], deps: [prepared], outs: [model]}
  evaluate: {cmd: cp model metrics, deps: [model], outs: [metrics]}
"""
TRAIN = """\
mkdir -p "$ECOM_LLM_STATE/curves"
echo '{"step": 1, "max_steps": 9, "time": 1.0, "loss": 2.5}' > "$ECOM_LLM_STATE/curves/$(basename "$PWD").jsonl"
sleep 300
cp prepared model
"""


def make_project(root: Path) -> Path:
    """A checkout with the real params.yaml and a train stage that takes minutes of nothing."""
    (root / ".dvc").mkdir(parents=True)
    for name in ("params.yaml", "sweep.yaml", "prefect.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore"):
        (root / name).write_bytes((REPO / name).read_bytes())
    for name in ("data/sources", "models/base"):
        (root / name).mkdir(parents=True)
        (root / name / "README.md").write_text("yours\n")
    (root / ".gitignore").write_text("/.state/\n/collected\n/prepared\n/model\n/metrics\n")
    (root / "dvc.yaml").write_text(STAGES)
    (root / "train.sh").write_text(TRAIN)
    (root / "code.txt").write_text("one\n")
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "start"]):
        subprocess.run([*git, *command], cwd=root, check=True)
    (root / "code.txt").write_text("dirty\n")
    return root


def environment() -> dict[str, str]:
    ours = {"DVC_NO_ANALYTICS": "1", "PYTHONPATH": str(REPO)}
    theirs = ("PREFECT_", "MLFLOW_", "ECOM_LLM_", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(theirs)} | ours


def eventually(what: Callable[[], object], seconds: float = 60) -> object:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.2)
    return found


def at_work(root: Path) -> list[str]:
    """Command lines of the processes that work below a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()).is_relative_to(root) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.Error, OSError):
            continue
    return found


@contextmanager
def standing(root: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`ecom-llm up` and what it says; the test ends it, and where the test fails it is killed."""
    command = [sys.executable, "-c", "from flows.cli import main; main()", "up"]
    with started(command, root, environment()) as process:
        said: dict[str, str] = {}
        for line in process.stdout:
            name, _, value = line.strip().partition("  ")
            said[name] = value.strip()
            if name == "Logs":
                break
        assert {"Prefect", "MLflow"} <= set(said), f"{said}{process.stdout.read()}"
        yield process, said


@pytest.fixture
def project(tmp_path) -> Iterator[Path]:
    root = make_project(tmp_path.resolve() / "shop")
    yield root
    for process in psutil.process_iter():  # only after a failure: the test itself asserts that there are none
        try:
            if Path(process.cwd()).is_relative_to(root):
                process.kill()
        except (psutil.Error, OSError):
            continue


def deployment(api: str, name: str) -> dict:
    return next((found for found in ask(f"{api}/deployments/filter", {}) if found["name"] == name), {})


def begin(api: str, steps: int, state: str = "SCHEDULED") -> str:
    """Start a training run with one value changed, as the form does."""
    found = deployment(api, "training-pipeline")
    params = found["parameters"]
    params["params"]["train"]["max_steps"] = steps
    body = {"parameters": params, "state": {"type": state}}
    return ask(f"{api}/deployments/{found['id']}/create_flow_run", body)["id"]


def sleeping(root: Path) -> list[Path]:
    """The worktrees in which the train stage sleeps."""
    found = (process for process in psutil.process_iter(["name"]) if process.info["name"] == "sleep")
    return [Path(process.cwd()) for process in found if Path(process.cwd()).is_relative_to(root)]


def live_runs(mlflow: str) -> list[tuple[str, list[float]]]:
    """Status and losses of the runs in MLflow, the newest first."""
    api = f"{mlflow}/api/2.0/mlflow"
    found = ask(f"{api}/experiments/search", {"max_results": 9})["experiments"]
    shops = [one["experiment_id"] for one in found if one["name"] != "Default"]
    runs = ask(f"{api}/runs/search", {"experiment_ids": shops}).get("runs", []) if shops else []
    return [(run["info"]["status"], [one["value"] for one in run["data"].get("metrics", [])]) for run in runs]


@pytest.mark.timeout(240)
def test_up_serves_runs_and_leaves_nothing(project):
    with standing(project) as (process, said):
        serve_runs(project, process, said)
    assert process.returncode == 130
    assert at_work(project) == []
    assert [path for path in (project / ".state" / "worktrees").iterdir() if path.is_dir()] == []
    listed = subprocess.run(["git", "worktree", "list"], cwd=project, capture_output=True, text=True, check=True)
    assert len(listed.stdout.splitlines()) == 1


def serve_runs(project: Path, process: subprocess.Popen[str], said: dict[str, str]) -> None:
    """Deployments follow params.yaml, a cancelled run ends as one, and so does one whose servers are told to end."""
    api = f"{said['Prefect']}/api"
    assert ask(f"{api}/health") is True
    assert urllib.request.urlopen(f"{said['MLflow']}/health", timeout=10).status == 200
    assert api in urllib.request.urlopen(f"{said['Prefect']}/ui-settings", timeout=10).read().decode()

    eventually(lambda: deployment(api, "training-pipeline"))
    registered = deployment(api, "training-pipeline")["parameters"]
    assert registered["params"]["train"]["max_steps"] > 100
    text = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(text.replace("eval_examples: 400", "eval_examples: 401"))
    eventually(lambda: deployment(api, "training-pipeline")["parameters"]["params"]["train"]["eval_examples"] == 401)

    cancelled = begin(api, 7)
    [worktree] = eventually(lambda: sleeping(project))
    assert "max_steps: 7 " in (worktree / "params.yaml").read_text()
    assert (worktree / "code.txt").read_text() == "dirty\n"
    eventually(lambda: live_runs(said["MLflow"]) == [("RUNNING", [2.5])])
    ask(f"{api}/flow_runs/{cancelled}/set_state", {"state": {"type": "CANCELLING"}})
    eventually(lambda: ask(f"{api}/flow_runs/{cancelled}")["state"]["type"] == "CANCELLED")
    assert not sleeping(project)
    assert not worktree.exists()
    eventually(lambda: live_runs(said["MLflow"]) == [("KILLED", [2.5])])

    begin(api, 8)
    [worktree] = eventually(lambda: sleeping(project))
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)


@pytest.mark.long
@pytest.mark.timeout(120)
def test_up_ends_when_a_server_dies_and_the_next_one_ends_lost_runs(project):
    with standing(project) as (process, said):
        eventually(lambda: deployment(f"{said['Prefect']}/api", "training-pipeline"))
        lost = begin(f"{said['Prefect']}/api", 9, state="RUNNING")
        noted = json.loads((project / ".state" / "up.json").read_text())
        os.killpg(noted["groups"][1], signal.SIGKILL)
        rest, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "mlflow ended by itself" in rest
    assert at_work(project) == []

    with standing(project) as (process, said):
        assert ask(f"{said['Prefect']}/api/flow_runs/{lost}")["state"]["type"] == "CRASHED"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert at_work(project) == []


def test_a_taken_port_is_said_before_anything_starts(project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-c", "from flows.cli import main; main()", "up", "--mlflow-port", port]
        done = subprocess.run(command, cwd=project, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert (
        done.stderr
        == f"error: --mlflow-port {port}: the port is taken. Stop what listens there, or leave --mlflow-port out.\n"
    )
    assert not (project / ".state" / "logs").exists()
