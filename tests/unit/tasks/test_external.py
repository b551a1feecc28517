"""Runs on data at an address: nothing is fetched again that has not changed, and what is lost there is lost."""

import logging

import pytest

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from tasks import dvc
from tasks.external import ask_external
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace
from tests.serving import served
from tests.unit.tasks.test_workspace import params_of


@pytest.fixture
def export(tmp_path):
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "rows.csv").write_text("a\n")
    return tmp_path / "export"


def visited(project, address) -> list[str]:
    """What DVC says of a run."""
    said: list[str] = []
    with open_workspace(params_of(project, collect={"location": address}), project) as workspace:
        run_stage("train", workspace, said.append)
    return said


def test_an_address_is_a_dependency_that_no_run_visits_twice_and_a_change_is_seen(project, export, caplog):
    text = (project / "params.yaml").read_text()
    with served(export) as host, caplog.at_level(logging.INFO):
        address = f"{host}/rows.csv"
        (project / "params.yaml").write_text(text.replace("location: data/sources", f"location: {address}"))
        assert "collecting" in visited(project, address)
        assert f"{address} is external" in caplog.text and "cannot be restored" in caplog.text
        lock = (project / "dvc.lock").read_bytes()
        assert address.encode() in lock, "the lock came back to the checkout"
        assert "collecting" not in visited(project, address)
        assert (project / "dvc.lock").read_bytes() == lock
        assert dvc.is_up_to_date(project)
        (export / "rows.csv").write_text("a\nb\n")
        assert not dvc.is_up_to_date(project)


def test_an_address_that_has_nothing_or_does_not_answer_stops_the_run_before_it_begins(project, export):
    with served(export) as host, pytest.raises(UserError, match=r"none\.csv: there is nothing"):
        visited(project, f"{host}/none.csv")
    with pytest.raises(UserError, match=r"does not answer"):
        visited(project, f"{host}/rows.csv")
    assert list((project / ".state" / "worktrees").glob("*")) == []
    assert not (project / "dvc.lock").exists()


def test_a_folder_of_yours_is_external_too_and_managed_data_is_not(project, export):
    layout = Layout.here(project)
    assert ask_external(layout) == ""
    text = layout.params.read_text()
    layout.params.write_text(text.replace("location: data/sources", f"location: {export}"))
    assert ask_external(layout).startswith(f"collect.location: {export} is external")
