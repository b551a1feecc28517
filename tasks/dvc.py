"""DVC as a subprocess, which is the only way the project speaks to it, and the environment of everything below a run."""

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import yaml
from configobj import ConfigObj, ConfigObjError

from ecom_llm.layout import STATE_VARIABLE, Layout
from ecom_llm.params import LOADER
from ecom_llm.records import UserError
from tasks import git

COMMAND = (sys.executable, "-m", "dvc")
"""This interpreter's DVC, whatever PATH says."""

QUIET = {
    "DVC_NO_ANALYTICS": "1",
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_OFFLINE": "1",
    "PYTHONUNBUFFERED": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
"""What stages run under unless the user's own environment says otherwise: no network, no telemetry, lines as they come."""


class StageError(RuntimeError):
    """A stage failed for a reason it did not put in words of its own."""


def environment(layout: Layout) -> dict[str, str]:
    """The environment of what runs in a workspace.

    PYTHONPATH puts the workspace's code before an editable install, which points to the checkout. DVC's site cache
    moves into the workspace, so that it goes away with it.
    """
    inherited = git.environment()
    first = {
        "PATH": [str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)],
        "PYTHONPATH": [str(layout.workspace), inherited.get("PYTHONPATH", "")],
    }
    return {
        **QUIET,
        **inherited,
        **{name: os.pathsep.join(part for part in parts if part) for name, parts in first.items()},
        STATE_VARIABLE: str(layout.state),
        "DVC_SITE_CACHE_DIR": str(layout.workspace / ".dvc" / "tmp" / "site"),
    }


def plain_environment() -> dict[str, str]:
    """The environment for DVC in the checkout itself, which keeps its site cache where DVC has it."""
    return {**QUIET, **git.environment()}


def failure(what: str, said: str) -> UserError:
    """DVC's refusal in one message: its `ERROR:` lines where it wrote any."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return UserError(f"{what}: {' '.join(errors or lines[-3:])}")


def dvc(*arguments: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run a short DVC command and return what it printed.

    Raises:
        UserError: DVC refused; carries its words.
    """
    done = subprocess.run(
        [*COMMAND, *arguments], cwd=cwd, env=env or plain_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise failure(f"{cwd}: dvc {' '.join(arguments[:2])} failed", done.stderr + done.stdout)
    return done.stdout.strip()


def cache_dir(checkout: Path) -> Path:
    """Where a checkout's cache lies: as its own settings say, which spares a process, else as DVC does.

    Raises:
        UserError: the checkout is no DVC project.
    """
    own, told = checkout / ".dvc", None
    with suppress(ConfigObjError):  # DVC says it better
        files = (settings_in(own / name) for name in ("config.local", "config"))
        told = next((one["cache"]["dir"] for one in files if "dir" in one.get("cache", {})), None)
    if not isinstance(told, str) or "~" in told or "://" in told:
        told = str(checkout / dvc("cache", "dir", cwd=checkout))
    return (own / told).resolve()


def settings_in(file: Path) -> ConfigObj:
    """DVC's settings in a file, read as DVC does; none where it is missing."""
    return ConfigObj(str(file), encoding="utf-8", interpolation=False)


def set_cache_dir(worktree: Path, cache: Path) -> None:
    """Let a worktree use a cache; what `dvc cache dir --local` writes, without a process."""
    settings = settings_in(worktree / ".dvc" / "config.local")
    settings.setdefault("cache", {})["dir"] = str(cache)
    settings.write()


def is_up_to_date(checkout: Path) -> bool:
    """Whether every stage's result in the checkout is what its code, data and params ask for, as `dvc status` sees it."""
    try:
        return (checkout / "dvc.lock").exists() and dvc("status", "--json", cwd=checkout).splitlines()[-1:] == ["{}"]
    except UserError:
        return False  # whatever is wrong, the run that follows says it better


def restored(layout: Layout) -> bool:
    """Lay the outs of a workspace's dvc.lock out, if DVC finds that nothing is to be run; returns whether they are all there.

    Two processes instead of one for each stage. Where DVC is not sure, or the cache lacks something, the stages are visited.
    """
    if not layout.lock.exists():
        return False
    own = {"cwd": layout.workspace, "env": environment(layout)}
    stages = yaml.load(layout.lock.read_text(encoding="utf-8"), Loader=LOADER).get("stages", {})
    made = {out["path"] for stage in stages.values() for out in stage.get("outs", [])}
    given = {dep["path"] for stage in stages.values() for dep in stage.get("deps", [])} - made
    # --allow-missing is meant for outs, and would pass over sources that are gone as well
    if any("//" in path or not (layout.workspace / path).exists() for path in given):
        return False
    try:
        said = dvc("repro", "--dry", "--allow-missing", **own).splitlines()
        if not stages or not all(f"Stage '{name}' didn't change, skipping" in said for name in stages):
            return False
        dvc("checkout", "dvc.yaml", **own)
    except UserError:  # whatever is wrong, the stage says it better
        return False
    return True


def edited_sources(checkout: Path, files: list[str]) -> list[str]:
    """The data files, named by their .dvc files, that are there but are not what was added."""
    if not files:
        return []
    status = json.loads(dvc("status", "--json", *files, cwd=checkout).splitlines()[-1])
    return [
        name
        for changes in status.values()
        for change in changes
        if isinstance(change, dict)
        for name, state in change.get("changed outs", {}).items()
        if state == "modified"
    ]
