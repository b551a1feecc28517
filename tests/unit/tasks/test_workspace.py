"""A run works on a snapshot: everything comes along, nothing of the checkout is touched, results return if they may."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ecom_llm.layout import Layout
from ecom_llm.params import load_params, validate
from ecom_llm.records import UserError
from tasks import dvc, git
from tasks.holds import is_held, members
from tasks.reproduce import run_stage
from tasks.snapshot import overlay, written_into
from tasks.workspace import open_workspace, remove_dead_runs, run_file

REPO = Path(__file__).parents[3]


def sh(*command: str, cwd: Path) -> str:
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=True).stdout


def state_of(root: Path) -> tuple[str, str, str, bytes]:
    """What a run must not change: status, branch, HEAD and index."""
    index = sh("git", "ls-files", "--stage", "--debug", cwd=root)
    head = (root / ".git" / "HEAD").read_bytes()
    return sh("git", "status", "--porcelain", cwd=root), sh("git", "rev-parse", "HEAD", cwd=root), index, head


def params_of(root: Path, **changes: dict[str, object]):
    values = yaml.safe_load((root / "params.yaml").read_text())
    for section, fields in changes.items():
        values[section] |= fields
    return validate(values, "test")


def test_a_dirty_checkout_comes_along_and_stays_untouched(project):
    (project / "code.txt").write_text("edited\n")
    (project / "untracked.txt").write_text("new\n")
    (project / "data" / "sources" / "README.md").unlink()
    (project / "staged.txt").write_text("staged\n")
    sh("git", "add", "staged.txt", cwd=project)
    before = state_of(project)
    with pytest.raises(RuntimeError, match="stop here"), open_workspace(params_of(project), project) as workspace:
        assert (workspace.path / "code.txt").read_text() == "edited\n"
        assert (workspace.path / "untracked.txt").read_text() == "new\n"
        assert (workspace.path / "staged.txt").exists()
        assert not (workspace.path / "data" / "sources" / "README.md").exists()
        assert (workspace.path / "params.yaml").read_bytes() == (project / "params.yaml").read_bytes()
        assert workspace.layout.state == project / ".state"
        (project / "code.txt").write_text("edited while it runs\n")
        assert (workspace.path / "code.txt").read_text() == "edited\n"
        (project / "code.txt").write_text("edited\n")
        raise RuntimeError("stop here")
    assert state_of(project) == before
    assert not workspace.path.exists()
    assert not run_file(workspace.path).exists()
    assert sh("git", "show", f"{workspace.commit}:untracked.txt", cwd=project) == "new\n"
    assert workspace.commit in sh("git", "for-each-ref", "refs/snapshots", cwd=project)


def test_results_return_and_the_run_is_an_experiment(project):
    with open_workspace(params_of(project), project) as workspace:
        run_stage("train", workspace, lambda text: None)
        assert not (project / "dvc.lock").exists()
    assert workspace.commit == sh("git", "rev-parse", "HEAD", cwd=project).strip()
    assert (project / "model.txt").read_text() == "one\n"
    assert dvc.is_up_to_date(project)
    assert sh("git", "status", "--porcelain", cwd=project) == "?? dvc.lock\n"
    assert workspace.path.name in dvc.dvc("exp", "list", "--name-only", cwd=project)
    name = sh("git", "for-each-ref", "--format=%(refname)", f"refs/exps/**/{workspace.path.name}", cwd=project).strip()
    assert "model.txt" in sh("git", "show", f"{name}:dvc.lock", cwd=project)


def test_overrides_reach_the_snapshot_alone_and_their_results_do_not_return(project):
    text = (project / "params.yaml").read_text()
    with open_workspace(params_of(project, train={"max_steps": 5}), project) as workspace:
        written = (workspace.path / "params.yaml").read_text()
        run_stage("train", workspace, lambda text: None)
    assert load_params(project / "params.yaml").train.max_steps != 5
    changed = [(old, new) for old, new in zip(text.splitlines(), written.splitlines(), strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1].split("#")[0].split() == ["max_steps:", "5"]
    assert "# optimizer steps" in changed[0][1]
    assert not (project / "dvc.lock").exists()
    assert workspace.path.name in dvc.dvc("exp", "list", "--name-only", cwd=project)


def test_results_do_not_return_over_inputs_that_moved_on(project):
    with open_workspace(params_of(project), project) as workspace:
        run_stage("train", workspace, lambda text: None)
        (project / "code.txt").write_text("moved on\n")
    assert not (project / "dvc.lock").exists()
    assert not (project / "model.txt").exists()


def test_an_edited_out_is_never_overwritten(project):
    (project / "model.txt").write_text("the user's own\n")
    with open_workspace(params_of(project), project) as workspace:
        run_stage("train", workspace, lambda text: None)
    assert (project / "model.txt").read_text() == "the user's own\n"
    assert not (project / "dvc.lock").exists()


def test_folders_that_git_ignores_are_named_absolutely(project):
    (project / "private").mkdir()
    (project / "private" / "rows.csv").write_text("x\n")
    with open_workspace(params_of(project, collect={"location": "private"}), project) as workspace:
        assert load_params(workspace.layout.params).collect.location == str(project / "private")
        assert load_params(workspace.layout.params).train.base_model == "models/base"


def test_managed_data_comes_from_the_cache_and_an_edited_file_is_refused(project):
    (project / "data" / "sources" / "rows.csv").write_text("a,b\n")
    dvc.dvc("add", "data/sources/rows.csv", cwd=project)
    with open_workspace(params_of(project), project) as workspace:
        assert (workspace.path / "data" / "sources" / "rows.csv").read_text() == "a,b\n"
        assert load_params(workspace.layout.params).collect.location == "data/sources"
    source = project / "data" / "sources" / "rows.csv"
    source.unlink()
    source.write_text("a,b\n1,2\n")
    with (
        pytest.raises(UserError, match=r"rows\.csv: was edited since it was added"),
        open_workspace(params_of(project), project),
    ):
        pass


def test_two_runs_at_once_do_not_meet(project):
    seen, failures, barrier = [], [], threading.Barrier(2, timeout=60)

    def one(steps: int) -> None:
        try:
            with open_workspace(params_of(project, train={"max_steps": steps}), project) as workspace:
                barrier.wait()
                run_stage("train", workspace, lambda text: None)
                seen.append(load_params(workspace.layout.params).train.max_steps)
                barrier.wait()
        except BaseException as error:
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=one, args=(steps,)) for steps in (3, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(seen) == [3, 4]
    assert len(dvc.dvc("exp", "list", "--name-only", cwd=project).split()) == 2
    assert list((project / ".state" / "worktrees").iterdir()) == []


CRASH = """
import os, sys, time
from pathlib import Path
sys.path.insert(0, {repo!r})
from ecom_llm.params import load_params
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace
project = Path({project!r})
with open_workspace(load_params(project / "params.yaml"), project) as workspace:
    print(workspace.path, flush=True)
    run_stage("collect", workspace, lambda text: None)
"""


def test_what_a_killed_run_left_is_found_and_ended(project):
    (project / "dvc.yaml").write_text((project / "dvc.yaml").read_text().replace("echo collecting", "sleep 300"))
    script = CRASH.format(repo=str(REPO), project=str(project))
    child = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    worktree = Path(child.stdout.readline().strip())
    until = time.monotonic() + 30
    while not ((text := run_file(worktree).read_text()) and any("sleep" in p.name() for p in members(int(text)))):
        assert time.monotonic() < until
        time.sleep(0.1)
    assert is_held(run_file(worktree))
    assert remove_dead_runs(Layout.here(project)) == []
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert members(int(text)), "the stage outlives its run: that is what must be found"
    assert remove_dead_runs(Layout.here(project)) == [worktree.name]
    assert not members(int(text))
    assert not worktree.exists()
    assert worktree.name not in sh("git", "worktree", "list", cwd=project)


def test_a_run_does_not_take_the_name_of_a_dead_one_that_it_cleared_away(project):
    """By its name a run is known to MLflow: what is done about the dead one must not be done to the living."""
    dead = Layout.here(project).worktrees / "20260101-000000-dead"
    sh("git", "worktree", "add", "-q", "--detach", str(dead), cwd=project)
    with open_workspace(params_of(project), project) as workspace:
        assert not dead.exists()
        assert workspace.path.name != dead.name


def test_shallow_and_detached_clones_work(project, tmp_path):
    (project / "code.txt").write_text("two\n")
    sh("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "two", cwd=project)
    clone = tmp_path / "clone"
    sh("git", "clone", "-q", "--depth", "1", f"file://{project}", str(clone), cwd=tmp_path)
    sh("git", "checkout", "-q", "--detach", cwd=clone)
    (clone / "code.txt").write_text("three\n")
    with open_workspace(params_of(clone), clone) as workspace:
        run_stage("train", workspace, lambda text: None)
    assert (clone / "model.txt").read_text() == "three\n"
    assert workspace.path.name in dvc.dvc("exp", "list", "--name-only", cwd=clone)


def test_no_git_no_repository_no_commit_say_what_to_do(tmp_path, project, monkeypatch):
    lone = tmp_path / "lone"
    lone.mkdir()
    with pytest.raises(UserError, match=r"not a git repository.*git init"):
        git.require_repository(lone)
    sh("git", "init", "-q", cwd=lone)
    with pytest.raises(UserError, match=r"no commit yet.*git add -A && git commit"):
        git.require_repository(lone)
    with pytest.raises(UserError, match="not a repository of its own"):
        git.require_repository(project / "data")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="git was not found"):
        git.require_repository(project)


def test_a_git_hook_s_variables_do_not_lead_astray(project, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "elsewhere" / "index"))
    with open_workspace(params_of(project), project) as workspace:
        run_stage("train", workspace, lambda text: None)
    assert (project / "model.txt").read_text() == "one\n"


TREES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from("abcd"), TREES), st.dictionaries(st.sampled_from("abcd"), TREES))
def test_overlay_arrives_at_the_new_values(old, new):
    loaded = YAML().load(yaml.safe_dump(old))
    arrived = overlay(loaded, new)
    assert repr(plain(arrived)) == repr(plain({key: new[key] for key in arrived}))
    assert set(arrived) == set(new)


def plain(value):
    """Without ruamel's own classes, and with sorted keys: order is no difference."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in sorted(value)}
    return [plain(part) for part in value] if isinstance(value, list) else value


def test_equal_values_leave_the_same_bytes():
    text = (REPO / "params.yaml").read_text()
    assert written_into(text, load_params(REPO / "params.yaml")) is text


def test_small_floats_and_list_members_survive_the_round_trip(tmp_path):
    text = (REPO / "params.yaml").read_text()
    params = params_of(REPO, train={"learning_rate": 1e-05})
    first = params.promote.thresholds[0].model_copy(update={"threshold": 0.5})
    promote = params.promote.model_copy(update={"thresholds": (first, *params.promote.thresholds[1:])})
    changed = params.model_copy(update={"promote": promote})
    (tmp_path / "params.yaml").write_text(written_into(text, changed))
    assert load_params(tmp_path / "params.yaml") == changed
    assert YAML(typ="safe").load(tmp_path / "params.yaml")["train"]["learning_rate"] == 1e-05


def test_a_worktree_that_was_half_laid_out_leaves_nothing(project):
    """Killed in `git worktree add`: git keeps a record that it calls locked, with the worktree's place or without."""
    layout = Layout.here(project)
    layout.worktrees.mkdir(parents=True)
    for name, place in (("20260101-000000-0001", "{}/.git\n"), ("20260101-000000-0002", None)):
        record = project / ".git" / "worktrees" / name
        record.mkdir(parents=True)
        (record / "locked").write_text("initializing")
        if place:
            (record / "gitdir").write_text(place.format(layout.worktrees / name))
        (layout.worktrees / f"{name}.run").write_text("")
    kept = project / ".git" / "worktrees" / "the user's own"
    kept.mkdir()
    (kept / "locked").write_text("on a stick")
    (kept / "gitdir").write_text("/media/stick/shop/.git\n")
    assert remove_dead_runs(layout) == ["20260101-000000-0001", "20260101-000000-0002"]
    assert [path.name for path in (project / ".git" / "worktrees").iterdir()] == ["the user's own"]
    assert list(layout.worktrees.iterdir()) == []
    assert remove_dead_runs(layout) == []
