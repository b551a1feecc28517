"""Live curves in a real MLflow store: how their runs end, what they hold, and that no server holds a training up."""

import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Candidate, live, open_registry
from ecom_llm.train.told import Told, tell
from tasks import curves
from tasks.curves import end_dead_curves, live_curve, noted
from tasks.holds import Hold, hold, run_file
from tasks.workspace import Workspace

REPO = Path(__file__).parents[3]
# MLflow's and its dependencies' own deprecations are no business of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def fresh_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database with its tables, which take seconds to make."""
    layout = Layout(tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("state"))
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        open_registry("shop", layout).mlflow.search_experiments()
    return layout.mlflow / "mlflow.db"


@pytest.fixture
def workspace(tmp_path: Path, fresh_store: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A workspace whose run is alive, over a store of its own."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(curves, "LOOK", 0.05)
    made = workspace_at(tmp_path)
    made.layout.mlflow.mkdir(parents=True)
    shutil.copyfile(fresh_store, made.layout.mlflow / "mlflow.db")
    with hold(run_file(made.path)):
        yield made


def workspace_at(root: Path) -> Workspace:
    """The workspace `run-1`, laid out as a flow run's."""
    layout = Layout(root / "state" / "worktrees" / "run-1", root / "state")
    layout.workspace.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REPO / "params.yaml", layout.params)
    return Workspace(layout.workspace, "abc123", layout, Hold(run_file(layout.workspace)))


def client_of(layout: Layout) -> MlflowClient:
    return open_registry("ecom-llm", layout).mlflow


def runs_of(layout: Layout) -> list[Run]:
    found = client_of(layout).get_experiment_by_name("ecom-llm")
    return client_of(layout).search_runs([found.experiment_id]) if found else []


def points(layout: Layout, run: Run, name: str) -> list[tuple[int, float]]:
    return [(point.step, point.value) for point in client_of(layout).get_metric_history(run.info.run_id, name)]


def told(layout: Layout, *steps: int, **values: float) -> None:
    for step in steps:
        tell(layout.live_curve, Told(step=step, max_steps=9, time=time.time(), **({"loss": 1 / step} | values)))


def eventually(what: Callable[[], object], seconds: float = 30) -> object:
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)
    return found


def test_points_arrive_while_the_training_runs_and_the_run_ends_with_it(workspace):
    layout = workspace.layout
    with live_curve(workspace):
        told(layout, 1, 2, tokens_per_second=100.0)
        [run] = eventually(lambda: [run for run in runs_of(layout) if "loss" in run.data.metrics])
        assert run.info.status == "RUNNING"
        assert run.data.tags["workspace"] == "run-1"
        assert run.data.params["train.seed"] == str(load_params(layout.params).train.seed)
        told(layout, 3)
    [run] = runs_of(layout)
    assert run.info.status == "FINISHED"
    assert points(layout, run, "loss") == [(1, 1.0), (2, 0.5), (3, 1 / 3)]
    assert points(layout, run, "tokens_per_second") == [(1, 100.0), (2, 100.0)]
    assert list(layout.curves.iterdir()) == []


def test_a_stage_from_the_cache_leaves_no_empty_run(workspace):
    with live_curve(workspace):
        time.sleep(0.2)
    assert runs_of(workspace.layout) == []


@pytest.mark.parametrize(("error", "status"), [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_ends_as_its_training_does(workspace, error, status):
    with pytest.raises(error), live_curve(workspace):
        told(workspace.layout, 1)
        raise error
    [run] = runs_of(workspace.layout)
    assert run.info.status == status
    assert points(workspace.layout, run, "loss") == [(1, 1.0)]
    assert list(workspace.layout.curves.iterdir()) == []


def test_steps_that_are_taken_again_from_a_checkpoint_are_logged_once(workspace):
    with live_curve(workspace):
        told(workspace.layout, 1, 2, 3)
        eventually(lambda: runs_of(workspace.layout))
        told(workspace.layout, 2, 3, 4)
    [run] = runs_of(workspace.layout)
    assert [step for step, _ in points(workspace.layout, run, "loss")] == [1, 2, 3, 4]


def test_a_failure_midway_is_said_once_and_nothing_is_logged_twice(workspace, monkeypatch, caplog):
    monkeypatch.setattr(curves, "AGAIN", 0.1)
    log, calls = live.log_points, []

    def arriving_without_an_answer(registry, run_id, found):
        log(registry, run_id, found)
        calls.append(found)
        if len(calls) < 3:
            raise OSError("connection reset")

    monkeypatch.setattr(live, "log_points", arriving_without_an_answer)
    with live_curve(workspace):
        told(workspace.layout, 1, 2)
        eventually(lambda: len(calls) >= 2)
        time.sleep(0.01)  # told again at another time, a point is another one to MLflow
        told(workspace.layout, 2, 3)
    [run] = runs_of(workspace.layout)
    assert run.info.status == "FINISHED"
    assert [step for step, _ in points(workspace.layout, run, "loss")] == [1, 2, 3]
    assert len([message for message in caplog.messages if "No live curve" in message]) == 1


def test_a_dead_server_is_said_once_and_costs_nothing(workspace, monkeypatch, caplog):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{free.getsockname()[1]}")
    monkeypatch.setattr(curves, "AGAIN", 0.1)
    with live_curve(workspace):
        told(workspace.layout, 1)
        time.sleep(0.5)
    [message] = [message for message in caplog.messages if "No live curve" in message]
    assert "does not answer at http://127.0.0.1" in message
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert runs_of(workspace.layout) == []


class Silent(http.server.BaseHTTPRequestHandler):
    """A server that says it is well, and then never answers."""

    def do_GET(self):
        if self.path != "/health":
            self.server.stuck.wait()
        self.send_response(200)
        self.end_headers()

    do_POST = do_GET


@pytest.fixture
def silent_server() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Silent) as server:
        server.stuck, server.daemon_threads = threading.Event(), True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.stuck.set()
        server.shutdown()


def test_a_server_that_hangs_holds_nothing_up(workspace, silent_server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", silent_server)
    monkeypatch.setattr(curves, "FINISH_SECONDS", 0.3)
    began = time.monotonic()
    with live_curve(workspace):
        told(workspace.layout, 1)
        time.sleep(0.5)
        inside = time.monotonic() - began
    assert inside < 1
    assert time.monotonic() - began < 2
    assert [file.name for file in workspace.layout.curves.iterdir()] == ["run-1.json", "run-1.jsonl"], "asked next time"


FLOW = """
import sys
from pathlib import Path
sys.path.insert(0, {repo!r})
from tasks import curves
from tasks.holds import hold, run_file
from tests.unit.tasks.test_curves import told, workspace_at
curves.LOOK = 0.05
workspace = workspace_at(Path({root!r}))
with hold(run_file(workspace.path)), curves.live_curve(workspace):
    told(workspace.layout, 1, 2)
    sys.stdin.read()
"""


def test_the_run_of_a_killed_flow_is_ended_by_the_next(tmp_path, fresh_store, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    layout = Layout(tmp_path / "state" / "worktrees" / "run-1", tmp_path / "state")
    layout.mlflow.mkdir(parents=True)
    shutil.copyfile(fresh_store, layout.mlflow / "mlflow.db")
    command = [sys.executable, "-c", FLOW.format(repo=str(REPO), root=str(tmp_path))]
    flow = subprocess.Popen(command, stdin=subprocess.PIPE)
    eventually(lambda: [run for run in runs_of(layout) if "loss" in run.data.metrics])
    end_dead_curves(layout)
    assert [run.info.status for run in runs_of(layout)] == ["RUNNING"], "it is alive"
    os.kill(flow.pid, signal.SIGKILL)
    flow.wait()
    flow.stdin.close()
    assert [run.info.status for run in runs_of(layout)] == ["RUNNING"], "nobody is left to say otherwise"
    end_dead_curves(layout)
    [run] = runs_of(layout)
    assert run.info.status == "KILLED"
    assert points(layout, run, "loss") == [(1, 1.0), (2, 0.5)]
    assert list(layout.curves.iterdir()) == []


def test_a_run_killed_amid_its_registration_is_ended_too(workspace):
    layout = workspace.layout
    with pytest.raises(SystemExit), noted(workspace):
        experiment = open_registry("ecom-llm", layout).experiment()
        client_of(layout).create_run(experiment, tags={"workspace": "run-1", "lock": "l"})
        raise SystemExit
    run_file(workspace.path).unlink()
    end_dead_curves(layout)
    assert [run.info.status for run in runs_of(layout)] == ["KILLED"]


def test_points_that_nobody_noted_go_with_their_process_and_others_stay(tmp_path):
    """A kill between a training's first point and the note that comes before its run left a file for ever."""
    layout = Layout(tmp_path, tmp_path / "state")
    layout.curves.mkdir(parents=True)
    layout.worktrees.mkdir(parents=True)
    dead, alive, repro = (
        layout.curves / f"{name}.jsonl" for name in ("20261130-072036-e242", "20261130-072036-ffff", "shop")
    )
    for file in (dead, alive, repro):
        file.write_text("{}")
    with hold(run_file(layout.worktrees / alive.stem)):
        end_dead_curves(layout)
        assert sorted(layout.curves.iterdir()) == sorted([alive, repro]), "`dvc repro` tells under the checkout's name"
    end_dead_curves(layout)
    assert list(layout.curves.iterdir()) == [repro]


def test_a_note_that_was_cut_off_goes_with_its_process(workspace):
    """Of a hundred kills one struck between the two halves of the note, and left a file for ever."""
    layout = workspace.layout
    layout.curves.mkdir(parents=True, exist_ok=True)
    half = layout.curves / f"{layout.workspace.name}.half"
    half.write_text("{")
    assert end_dead_curves(layout) == ([], []) and half.exists(), "it is alive, and about to write the rest"
    run_file(workspace.path).unlink()
    assert end_dead_curves(layout) == ([], []) and list(layout.curves.iterdir()) == []


def test_a_store_that_does_not_answer_is_asked_again_next_time(workspace, monkeypatch):
    layout = workspace.layout
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    curves.take_note(workspace)
    run_file(workspace.path).unlink()
    mended, [line] = end_dead_curves(layout)
    assert [file.name for file in layout.curves.iterdir()] == ["run-1.json"]
    assert mended == [] and "run-1 may still pass for running" in line
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    _, [line] = end_dead_curves(layout)
    assert "does not answer at http://127.0.0.1:9" in line, "the store in use knows nothing of it, the other may"
    curves.note_file(layout, "run-1").write_text("{")
    _, [line] = end_dead_curves(layout)
    assert "run-1.json cannot be read" in line and "\n" not in line


def test_a_note_keeps_no_password_and_a_store_is_asked_with_that_of_the_environment(workspace, monkeypatch):
    layout, asked = workspace.layout, []
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://shop:hunter2@127.0.0.1:9")
    curves.take_note(workspace)
    text = curves.note_file(layout, "run-1").read_text()
    assert "hunter2" not in text
    note = live.Note.model_validate_json(text)
    monkeypatch.setattr(live, "registry_at", lambda uri, name, layout: asked.append(uri))
    monkeypatch.setattr(live, "mend_workspace", lambda registry, workspace: None)
    assert live.end_dead(note, "run-1", layout) == []
    assert asked == ["http://shop:hunter2@127.0.0.1:9"], "the same store: asked once"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://shop:hunter2@127.0.0.1:10")
    with pytest.raises(UserError, match=r"http://\*\*\*@127.0.0.1:9 may hold it.*Set MLFLOW_TRACKING_URI"):
        live.end_dead(note, "run-1", layout)
    open_note = live.Note(uri="http://127.0.0.1:9", model_name="shop")
    assert live.end_dead(open_note, "run-1", layout) == []
    assert asked[-2:] == ["http://shop:hunter2@127.0.0.1:10", "http://127.0.0.1:9"]


def test_other_machines_runs_are_left_alone(workspace):
    """A shared server holds runs of workspaces that this state folder has no note of."""
    registry = open_registry("ecom-llm", workspace.layout)
    made = registry.mlflow.create_run(registry.experiment(), tags={"workspace": "elsewhere"})
    end_dead_curves(workspace.layout)
    assert registry.mlflow.get_run(made.info.run_id).info.status == "RUNNING"


def test_a_live_run_is_found_again_until_it_is_registered(workspace):
    candidate = Candidate(workspace.layout, load_params(workspace.layout.params), "abc123")
    first = live.open_live_run(candidate)
    assert live.open_live_run(candidate).run_id == first.run_id
    client_of(workspace.layout).set_tag(first.run_id, "lock", "l")
    assert live.open_live_run(candidate).run_id != first.run_id
