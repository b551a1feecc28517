"""Freeing disk with the real DVC: what stays is named by a version, and where that is not certain nothing goes."""

import fcntl
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import Version
from ecom_llm.registry.journal import Journal
from tasks import cleaning, dvc
from tasks.cleaning import clean, clean_cache, clean_checkpoints, experiments
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace
from tests.unit.tasks.test_workspace import params_of


def ran(project: Path, text: str) -> str:
    """A run on other code; returns the hash of its dvc.lock."""
    (project / "code.txt").write_text(f"{text}\n")
    with open_workspace(params_of(project), project) as workspace:
        run_stage("train", workspace, lambda text: None)
        return sha256(workspace.layout.lock.read_bytes()).hexdigest()


def version(lock: str) -> Version:
    return Version(model_name="shop", number="1", run_id="1", tags={"lock": lock})


def cached(layout: Layout) -> set[str]:
    """What DVC's cache holds."""
    files = layout.state.joinpath("dvc", "files").rglob("*")
    return {path.read_text() for path in files if path.is_file() and not path.name.endswith(".dir")}


def test_results_of_a_version_that_stays_are_kept_and_the_others_go(project):
    layout = Layout.here(project)
    first, second, _ = ran(project, "first"), ran(project, "second"), ran(project, "third")
    dvc.dvc("exp", "save", "--name", "the-user-s-own", "--force", cwd=project)
    assert len(experiments(project)) == 4
    assert list(clean_cache(layout, [version("of a clone")], False)) == [
        "DVC's cache stays as it is: the results of version shop 1 are in no commit and no experiment of this checkout, "
        "so `dvc gc` would drop them."
    ]
    with open_workspace(params_of(project), project):
        [line] = clean_cache(layout, [version(second)], False)
    assert "is at work, and what it has made so far no commit names yet" in line
    before = cached(layout)
    assert {"first\n", "second\n", "third\n"} <= before
    [line] = clean_cache(layout, [version(second)], True)
    assert line.startswith("Would remove ") and cached(layout) == before
    [line] = clean_cache(layout, [version(second)], False)
    assert line.startswith("Freed 0.0 MB: DVC's cache, and ")
    assert cached(layout) == {"second\n", "third\n"}, "the checkout itself has the third one's results"
    assert first not in experiments(project).values() and second in experiments(project).values()
    assert "the-user-s-own" in experiments(project)


def test_checkpoints_go_unless_their_training_runs(tmp_path):
    layout = Layout(tmp_path, tmp_path / "state")
    for key in ("dead", "alive"):
        (layout.checkpoints / key / "checkpoint-5").mkdir(parents=True)
        (layout.checkpoints / key / "checkpoint-5" / "weights").write_bytes(bytes(3_000_000))
    with (layout.checkpoints / "alive.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = "MB: checkpoints of an interrupted training (dead)"
        assert list(clean_checkpoints(layout, True)) == [f"Would free 3.0 {told}"]
        assert list(clean_checkpoints(layout, False)) == [f"Freed 3.0 {told}"]
        assert [path.name for path in layout.checkpoints.iterdir() if path.is_dir()] == ["alive"]


def test_the_newest_version_cannot_be_asked_away(tmp_path):
    with pytest.raises(UserError, match="--keep 0: at least the newest version stays"):
        list(clean(Layout(tmp_path, tmp_path / "state"), "shop", 0, "", True))


def test_results_of_the_other_models_versions_stay(tmp_path, monkeypatch):
    """One cache serves all models of a checkout: cleaning for one of them must not take what another's champion was made of."""
    layout = Layout(tmp_path, tmp_path / "state")
    layout.journal.mkdir(parents=True)
    known = {name: version(f"lock of {name}").model_copy(update={"model_name": name}) for name in ("shop", "tables")}
    for name in known:
        (layout.journal / f"{name}.1.jsonl").touch()
    journals = {name: SimpleNamespace(file=layout.journal / f"{name}.1.jsonl") for name in known}

    def opened(name, layout):
        return SimpleNamespace(versions=lambda: [known[name]], journal=journals[name], layout=layout)

    with Journal(layout.journal / "shop.2.jsonl").held():
        for number in ("1", "2"):
            Journal(layout.journal / "shop.2.jsonl").append(
                "registered", number, lock=f"lock {number} of another store"
            )
        Journal(layout.journal / "shop.2.jsonl").append("removed", "2")
    monkeypatch.setattr(cleaning, "open_registry", opened)
    monkeypatch.setattr(cleaning, "old_versions", lambda registry, keep, busy: [])
    monkeypatch.setattr(
        cleaning, "clean_cache", lambda layout, stay, dry_run: [str(sorted(one.tags["lock"] for one in stay))]
    )
    assert list(clean(layout, "shop", 1, "", True)) == ["['lock 1 of another store', 'lock of shop', 'lock of tables']"]
