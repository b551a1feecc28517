"""The user's checkout: finding it, adding data to it, and asking whether a run would change anything."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.promote.decision import rules_key
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, lock_key, open_registry
from tasks import dvc


def enter_checkout() -> Layout:
    """Make the checkout that the working directory lies in the working directory.

    Raises:
        UserError: no folder from here upwards holds params.yaml and dvc.yaml.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "params.yaml").is_file() and (folder / "dvc.yaml").is_file():
            os.chdir(folder)
            return Layout.here(folder)
    raise UserError(
        f"{here}: is not in a checkout of ecom-llm (no params.yaml and dvc.yaml from here upwards). cd into one."
    )


def settled_version(layout: Layout, params: Params, promote: bool) -> tuple[Registry, Version] | None:
    """The version that a run would arrive at, if a run would change nothing: DVC is asked while MLflow is imported."""
    if not layout.lock.exists():
        return None
    with ThreadPoolExecutor(1) as pool:
        fresh = pool.submit(dvc.is_up_to_date, layout.workspace)
        registry = open_registry(params.registry.model_name, layout)
        version = registry.settled(lock_key(layout.lock), rules_key(params.promote), promote)
        if version is not None and len(version.seeds) + 1 < params.promote.trainings:
            return None  # `ecom-llm promote` decides without training: what it missed is still to do
        return (registry, version) if fresh.result() and version is not None else None


def standing_of(registry: Registry, version: Version) -> str:
    """In one clause, what became of a version."""
    champion = registry.aliases().get("champion")
    name = f"{version.model_name} version {version.number}"
    if champion == version.number:
        return f"{name} is champion"
    now = f"champion is {f'version {champion}' if champion else 'nobody yet'}"
    if version.awaited:
        answer = f"ecom-llm approve {version.number} --name YOUR-NAME, or reject"
        return f"{name} awaits a person's approval ({answer}); {now}"
    return f"{name} {became(version)}; {now}"


def became(version: Version) -> str:
    """What became of a version that is not champion."""
    if version.rolled_back:
        return "was rolled back"
    if version.rejected:
        return "was rejected by a person"
    return f"was {version.tags.get('gate', 'not decided on')}"


def describe_status(registry: Registry, layout: Layout) -> str:
    """The aliases with their versions and gate, where the champion lies, and the state of the checkout's results."""
    aliases = registry.aliases()
    lines = []
    for alias in ("champion", "candidate", "previous"):
        version = registry.version(aliases[alias]) if alias in aliases else None
        lines.append(f"{alias:<10} {'none' if version is None else version_line(version)}")
        if version is not None and alias == "champion":
            lines.append(f"{'':<10} model folder: {registry.model_folder(version)}")
    if not layout.lock.exists():
        results = "no results yet: ecom-llm run"
    else:
        results = "up to date" if dvc.is_up_to_date(layout.workspace) else "code, data or params changed: ecom-llm run"
    return "\n".join(
        [*lines, f"{'checkout':<10} {results}", f"{'registry':<10} {registry.model_name} at {registry.address}"]
    )


def version_line(version: Version) -> str:
    """A version with what the gate said of it."""
    again = ", was rolled back" if version.rolled_back else ""
    word = ", awaits approval" if version.awaited else ", rejected by a person" if version.rejected else ""
    snapshot = version.tags.get("snapshot", "unknown")[:10]
    return f"version {version.number}, last decision: {version.tags.get('gate', 'none yet')}{word}{again}, snapshot {snapshot}"
