"""Whole checkouts to run the project in: the working tree as it is, committed, with the params of a tiny run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

REPO = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from flows.cli import main; main()"]


def merged(base: dict, overlay: dict) -> dict:
    nested = {
        key: merged(base[key], value) for key, value in overlay.items() if isinstance(value, dict) and key in base
    }
    return {**base, **overlay, **nested}


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    told = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return told.stdout


def clone(target: Path, **train: object) -> Path:
    """A fresh repository with every file git would see here but the results of runs, and tiny params as its params.yaml."""
    for name in git(REPO, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0"):
        if name not in ("", "dvc.lock") and (REPO / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, target / name)
    tiny = yaml.safe_load((REPO / "recipes" / "tiny.yaml").read_text())
    values = merged(yaml.safe_load((REPO / "params.yaml").read_text()), tiny)
    values["train"] |= train
    (target / "params.yaml").write_text(yaml.safe_dump(values, sort_keys=False, allow_unicode=True))
    git(target, "init", "--quiet")
    git(target, "add", "-A")
    git(target, "commit", "--quiet", "-m", "a shop begins")
    return target


def environment() -> dict[str, str]:
    """This process's, without what would lead outside the clone."""
    away = ("PREFECT_", "MLFLOW_", "ECOM_LLM_", "DVC_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(away)}
    return kept | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "DVC_NO_ANALYTICS": "1"}


def ecom_llm(folder: Path, *words: str, check: bool = True, timeout: int = 280) -> subprocess.CompletedProcess[str]:
    """Run the command line in a clone, as its code."""
    told = subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment(), capture_output=True, text=True, timeout=timeout, check=False
    )
    assert not check or told.returncode == 0, told.stdout + told.stderr
    return told


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which `ecom-llm run` has made a first champion."""
    folder = clone(tmp_path_factory.mktemp("shop"))
    told = ecom_llm(folder, "run")
    (folder / ".state" / "first-run.log").write_text(told.stdout + told.stderr)
    return folder
