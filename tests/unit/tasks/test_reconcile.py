"""Mending as one story: what cannot be mended is said, with the server that knows it, and no record tells its password."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry.live import Note
from flows import keeping, working
from flows.working import foreign_server
from tasks import reconcile as module
from tasks.engines import engine
from tasks.reconcile import reconcile

# MLflow's and its dependencies' own deprecations are no business of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return Layout(tmp_path, tmp_path / "state")


def dead_engine(layout: Layout, server: str) -> str:
    """The record that a killed process has left; returns its text."""
    with engine(layout, server) as name:
        file = layout.engines / f"{name}.json"
        text = file.read_text()
    file.write_text(text)
    return text


def test_runs_are_known_by_their_server_without_its_password(layout, monkeypatch):
    ended: list[str] = []
    monkeypatch.setattr(module, "end_flow_runs", lambda gone: [ended.append(one.name) or one.name for one in gone])
    monkeypatch.setenv("PREFECT_API_URL", "http://u:hunter2@shop/api/")
    text = dead_engine(layout, os.environ["PREFECT_API_URL"].rstrip("/"))
    assert json.loads(text)["server"] == "http://***@shop/api"
    [line] = reconcile(layout, "http://elsewhere/api").left
    assert "To mend them: PREFECT_API_URL=http://***@shop/api ecom-llm reconcile (with the password" in line
    assert ended == []
    assert foreign_server(layout) == "http://***@shop/api"
    assert reconcile(layout, foreign_server(layout)).left == () and len(ended) == 1
    assert list(layout.engines.iterdir()) == []


def test_a_run_that_may_pass_for_running_is_not_mended_and_the_command_fails(layout, monkeypatch, capsys):
    """It was logged alone, and the command said that there was nothing to mend."""
    monkeypatch.setattr(keeping, "enter", lambda: (layout, None))
    monkeypatch.setattr(working, "Layout", SimpleNamespace(here=lambda: layout))
    layout.mlflow.mkdir(parents=True)
    layout.curves.mkdir(parents=True)
    note = layout.curves / "20261130-072036-e242.json"
    note.write_text(Note(uri="http://127.0.0.1:9", model_name="shop").model_dump_json())
    with pytest.raises(SystemExit) as ended:
        keeping.reconcile()
    told = capsys.readouterr().out.splitlines()
    assert ended.value.code == 1
    [line] = [line for line in told if "20261130-072036-e242" in line]
    assert line.startswith("Not mended: the interrupted run") and "does not answer at http://127.0.0.1:9" in line
    assert note.exists()
    note.unlink()
    keeping.reconcile()
    assert capsys.readouterr().out == "Nothing to mend.\n"


def test_a_record_from_before_passwords_were_masked_tells_none(layout):
    text = dead_engine(layout, "http://shop/api")
    [file] = layout.engines.iterdir()
    file.write_text(text.replace("http://shop/api", "http://u:hunter2@shop/api"))
    [line] = reconcile(layout, "").left
    assert "hunter2" not in line


def test_what_cannot_be_mended_of_one_model_keeps_nothing_of_another(layout, monkeypatch):
    for name in ("books", "shop"):
        layout.journal.mkdir(parents=True, exist_ok=True)
        (layout.journal / f"{name}.1.jsonl").touch()
    layout.mlflow.mkdir(parents=True)
    (layout.mlflow / "mlflow.db").touch()

    def untried(name: str, _: Layout) -> list[str]:
        if name == "books":
            raise UserError("books: the champion was not tried yet, and the GPU is taken.")
        return [f"{name}: it writes"]

    monkeypatch.setattr(module, "open_registry", lambda name, _: name)
    monkeypatch.setattr(module, "agree", lambda name: [f"{name}: settled"])
    monkeypatch.setattr(module, "untried", untried)
    mended = reconcile(layout, "")
    assert mended.done == ("books: settled", "shop: settled", "shop: it writes")
    [left] = mended.left
    assert left.startswith("books: the champion was not tried yet")
