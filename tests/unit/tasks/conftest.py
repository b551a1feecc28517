"""A project in miniature: the real params.yaml over stages that only copy, so that a run takes a second."""

import os
import subprocess
from pathlib import Path

import pytest

REPO = Path(__file__).parents[3]
STAGES = """\
stages:
  collect:
    cmd: mkdir -p data/collected && cp code.txt data/collected/rows && echo collecting
    params: [collect]
    deps: ["${collect.location}", code.txt]
    outs: [data/collected]
  train:
    cmd: cat data/collected/rows > model.txt
    params: [train]
    deps: [data/collected]
    outs: [model.txt]
"""


def run(*command: str, cwd: Path) -> str:
    """Run a command as a user would, with the interpreter's programs on PATH and no git identity of the machine."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout.strip()


@pytest.fixture(autouse=True)
def lonely_git(monkeypatch, tmp_path):
    """No git identity, no settings of this machine, and no state folder but the project's own."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "no-gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.delenv("ECOM_LLM_STATE", raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_AUTHOR")]:
        monkeypatch.delenv(name)


@pytest.fixture
def project(tmp_path) -> Path:
    """A clean checkout with one commit and no results."""
    root = tmp_path / "shop"
    (root / ".dvc").mkdir(parents=True)
    (root / "data" / "sources").mkdir(parents=True)
    for name in ("base", "encoder"):
        (root / "models" / name).mkdir(parents=True)
        (root / "models" / name / "README.md").write_text("yours\n")
    for name in ("params.yaml", ".dvc/config", ".dvc/.gitignore", ".dvcignore"):
        (root / name).write_bytes((REPO / name).read_bytes())
    (root / ".gitignore").write_text("/.state/\n/model.txt\n/private/\n")
    (root / "data" / ".gitignore").write_text("/collected\n")
    (root / "data" / "sources" / "README.md").write_text("yours\n")
    (root / "dvc.yaml").write_text(STAGES)
    (root / "code.txt").write_text("one\n")
    run("git", "init", "-q", "-b", "main", cwd=root)
    commit(root)
    return root


def commit(root: Path) -> None:
    """Commit everything."""
    run("git", "add", "-A", cwd=root)
    run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "state", cwd=root)
