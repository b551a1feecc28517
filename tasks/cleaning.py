"""Freeing disk: old versions, checkpoints of trainings that nobody goes on with, and what DVC's cache holds for none.

What an alias, the journal or a living run names stays. Whether DVC's cache may be cleaned has to be certain, since `dvc gc`
removes for good: every version that stays must have its results among the commits and experiments that `dvc gc` is told to keep.
"""

import fcntl
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import Version, open_registry
from ecom_llm.registry.cleaning import old_versions, remove_old, told_elsewhere
from ecom_llm.registry.mending import size
from tasks import dvc, git
from tasks.holds import OWN_RUN, is_held, one_at_a_time, run_file
from tasks.reconcile import models, reconcile
from tasks.workspace import turn

KEPT = ("--workspace", "--all-commits", "--all-experiments")
"""What `dvc gc` keeps."""


def clean(layout: Layout, model_name: str, keep: int, server: str, dry_run: bool) -> Iterator[str]:
    """Free disk; yields what was freed, or with `dry_run` would be, a line each.

    Raises:
        UserError: `keep` is less than 1, the journal is damaged, or MLflow or DVC refuses.
    """
    if keep < 1:
        raise UserError(f"--keep {keep}: at least the newest version stays; name 1 or more.")
    if not dry_run:
        yield from reconcile(layout, server).lines()
    registry = open_registry(model_name, layout)
    gone: set[str] = set()
    busy = bool(living(layout))
    for version, freed in old_versions(registry, keep, busy):
        if dry_run or remove_old(registry, version, keep, busy):
            gone.add(version.number)
            yield told(f"version {version.number} of {model_name} and its model files", freed, dry_run)
    yield from clean_checkpoints(layout, dry_run)
    stay = [one for one in registry.versions() if one.number not in gone]
    # one cache serves all models of a checkout, and every version of the others stays
    others = [open_registry(name, layout) for name in models(layout) if name != model_name]
    stay += [version for other in others for version in other.versions()] + told_elsewhere([registry, *others])
    with one_at_a_time(turn(layout)):
        yield from clean_cache(layout, stay, dry_run)


def told(what: str, freed: int, dry_run: bool) -> str:
    """A line of what was freed."""
    return f"{'Would free' if dry_run else 'Freed'} {freed / 1e6:.1f} MB: {what}"


def clean_checkpoints(layout: Layout, dry_run: bool) -> Iterator[str]:
    """Remove the checkpoints of trainings that were interrupted and that nobody is at work on."""
    for folder in sorted(path for path in layout.checkpoints.glob("*") if path.is_dir()):
        with layout.checkpoints.joinpath(f"{folder.name.removesuffix('.done')}.lock").open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue  # its training runs
            freed = size(folder)
            if not dry_run:
                shutil.rmtree(folder)
            yield told(f"checkpoints of an interrupted training ({folder.name})", freed, dry_run)


def clean_cache(layout: Layout, stay: list[Version], dry_run: bool) -> Iterator[str]:
    """Drop experiments of versions that are gone, and what DVC's cache holds for nothing that is left."""
    why_not = obstacle(layout, stay)
    if why_not:
        yield f"DVC's cache stays as it is: {why_not}"
        return
    locks = {version.tags.get("lock") for version in stay}
    old = [
        name for name, lock in experiments(layout.workspace).items() if OWN_RUN.fullmatch(name) and lock not in locks
    ]
    if dry_run:
        # what they hold is not counted: `dvc gc` would have to be asked as if they were gone
        yield f"Would remove {len(old)} DVC experiments of runs whose version does not stay, then clean DVC's cache"
        return
    cache = dvc.cache_dir(layout.workspace)
    before = size(cache)
    if old:
        dvc.dvc("exp", "remove", *old, cwd=layout.workspace)
    dvc.dvc("gc", *KEPT, "--force", cwd=layout.workspace)
    yield told(
        f"DVC's cache, and {len(old)} experiments of runs whose version does not stay", before - size(cache), False
    )


def living(layout: Layout) -> list[str]:
    """The runs that are at work."""
    return [path.name for path in layout.worktrees.glob("*") if path.is_dir() and is_held(run_file(path))]


def obstacle(layout: Layout, stay: list[Version]) -> str | None:
    """Why DVC's cache must not be cleaned; None where it may be."""
    if runs := living(layout):
        return f"the run {runs[0]} is at work, and what it has made so far no commit names yet. Wait for its end."
    cache = dvc.cache_dir(layout.workspace)
    if not cache.is_relative_to(layout.workspace):
        return f"{cache} lies outside of this checkout, and others may use it too. `dvc gc --projects` knows how."
    known = {lock for lock in experiments(layout.workspace).values() if lock} | {committed(layout.workspace)}
    if (lock := layout.lock).exists():
        known.add(sha256(lock.read_bytes()).hexdigest())
    lost = [f"{one.model_name} {one.number}" for one in stay if one.tags.get("lock") not in known]
    if lost:
        return (
            f"the results of version {', '.join(lost)} are in no commit and no experiment of this "
            "checkout, so `dvc gc` would drop them."
        )
    return None


def experiments(checkout: Path) -> dict[str, str]:
    """Name -> SHA-256 of its dvc.lock, of DVC's experiments; empty where one has none."""
    refs = git.git("for-each-ref", "--format=%(refname)", "refs/exps", cwd=checkout).splitlines()
    kept = [ref for ref in refs if len(Path(ref).parts) == 5]  # refs/exps/xx/yyyy.../NAME
    return {Path(ref).name: lock_in(checkout, ref) for ref in kept}


def committed(checkout: Path) -> str:
    """SHA-256 of the dvc.lock in the checkout's commit."""
    return lock_in(checkout, "HEAD")


def lock_in(checkout: Path, ref: str) -> str:
    """SHA-256 of a commit's dvc.lock; empty where it has none."""
    try:
        names = git.git("ls-tree", "--name-only", ref, "dvc.lock", cwd=checkout)
        return sha256(f"{git.git('show', f'{ref}:dvc.lock', cwd=checkout)}\n".encode()).hexdigest() if names else ""
    except UserError:
        return ""
