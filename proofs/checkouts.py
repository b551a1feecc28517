"""A checkout to run the project in: the working tree as it is, in a repository of its own."""

import shutil
import subprocess
from pathlib import Path

import yaml

from flows.overrides import laid_over

REPO = Path(__file__).parents[1]
GIT = ("git", "-c", "user.name=shop", "-c", "user.email=shop@localhost")
"""Nobody's settings decide who commits."""


def tiny_params() -> dict:
    """params.yaml with recipes/tiny.yaml over it: trainings of seconds."""
    base, tiny = (yaml.safe_load((REPO / name).read_text("utf-8")) for name in ("params.yaml", "recipes/tiny.yaml"))
    return laid_over(base, tiny)


def new_checkout(folder: Path, values: dict | None = None) -> None:
    """Commit every file that git would see here, but the results of runs, in a new repository.

    Args:
        folder: the repository; what lies there already stays.
        values: become its params.yaml; None takes the one that is here.
    """
    listed = [*GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, cwd=REPO, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name not in ("", "dvc.lock") and (REPO / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPO / name, folder / name)
    if values is not None:
        written = yaml.safe_dump(values, sort_keys=False, allow_unicode=True)
        (folder / "params.yaml").write_text(written, encoding="utf-8")
    for words in (["init", "--quiet"], ["add", "-A"], ["commit", "--quiet", "-m", "a shop begins"]):
        subprocess.run([*GIT, *words], cwd=folder, check=True)
