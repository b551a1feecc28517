"""DVC's settings without a process, and results that lie in the cache already."""

import subprocess

import pytest

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError
from tasks import dvc
from tasks.reproduce import run_stage
from tasks.workspace import open_workspace


@pytest.mark.parametrize(
    ("config", "local", "expected"),
    [
        ("[cache]\n    dir = ../.state/dvc\n", None, "shop/.state/dvc"),
        ("[cache]\n    dir = one\n", "[cache]\n    dir = '../two, and more'  # mine\n", "shop/two, and more"),
        ("[core]\n    analytics = false\n", "['remote \"s3\"']\n    url = s3://shop/x\n", "shop/.dvc/cache"),
        ("[cache]\n    dir = /larger/disk\n", None, "/larger/disk"),
    ],
)
def test_the_cache_is_where_dvc_says(project, tmp_path, config, local, expected):
    (project / ".dvc" / "config").write_text(config)
    if local:
        (project / ".dvc" / "config.local").write_text(local)
    assert dvc.cache_dir(project) == tmp_path / expected
    assert str(dvc.cache_dir(project)) == str((project / dvc.dvc("cache", "dir", cwd=project)).resolve())


def test_a_worktree_s_cache_is_set_beside_what_else_it_is_told(project):
    local = project / ".dvc" / "config.local"
    local.write_text("['remote \"s3\"']\n    url = s3://shop/x\n    secret = a b\n")
    dvc.set_cache_dir(project, project / "größer")
    assert dvc.dvc("cache", "dir", cwd=project) == str(project / "größer")
    assert dvc.dvc("remote", "list", cwd=project).split() == ["s3", "s3://shop/x"]


def test_settings_that_cannot_be_read_are_told_by_dvc(project):
    (project / ".dvc" / "config").write_text("[cache\n")
    with pytest.raises(UserError, match="cache dir failed"):
        dvc.cache_dir(project)


def laid_out(project, tmp_path, change=lambda shop: None) -> tuple[bool, Layout]:
    """Whether a fresh worktree of a project that has run is restored, after a change there."""
    with open_workspace(load_params(project / "params.yaml"), project) as workspace:
        assert not workspace.fresh
        run_stage("train", workspace, lambda text: None)
    change(project)
    with open_workspace(load_params(project / "params.yaml"), project) as workspace:
        there = (workspace.path / "model.txt").exists()
    assert there == workspace.fresh
    return workspace.fresh, workspace.layout


def test_what_is_unchanged_is_restored_at_once_and_is_no_new_experiment(project, tmp_path):
    fresh, layout = laid_out(project, tmp_path)
    assert fresh
    assert layout.workspace.name not in dvc.dvc("exp", "list", "--name-only", cwd=project)


@pytest.mark.parametrize("name", ["code.txt", "dvc.lock", "model.txt", "gone"])
def test_what_is_changed_is_not(project, tmp_path, name):
    def change(shop):
        if name == "code.txt":
            (shop / name).write_text("another\n")
        elif name in ("dvc.lock", "gone"):
            (shop / ("code.txt" if name == "gone" else name)).unlink()
        else:  # the cache lacks a result
            subprocess.run(["rm", "-rf", str(shop / ".state" / "dvc" / "files")], check=True)

    assert not laid_out(project, tmp_path, change)[0]
