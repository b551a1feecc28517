"""Whole checkouts to run the project in: the working tree as it is, committed, with the params of a tiny run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proofs.checkouts import GIT, new_checkout, tiny_params

REPO = Path(__file__).parents[2]
COMMAND = [sys.executable, "-c", "from flows.cli import main; main()"]


def git(folder: Path, *words: str) -> str:
    return subprocess.run([*GIT, *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def clone(target: Path, **train: object) -> Path:
    """The working tree as a repository of its own, with tiny params, some of the section `train` replaced."""
    values = tiny_params()
    values["train"] |= train
    new_checkout(target, values)
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
