"""Where runs work: a git worktree each, laid out from a snapshot; its results return if the checkout still agrees."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import yaml

from ecom_llm.layout import Layout
from ecom_llm.params import LOADER, Params
from ecom_llm.records import UserError
from ecom_llm.registry.keys import signing_key
from tasks import dvc, git
from tasks.curves import end_dead_curves
from tasks.external import ask_external
from tasks.holds import Hold, drop, end_group, hold, is_held, one_at_a_time, run_file, works_in
from tasks.logs import run_logger
from tasks.snapshot import Snapshot, take_snapshot


@dataclass(frozen=True)
class Workspace:
    """Where one run works, and the commit that says what it works on."""

    path: Path
    commit: str
    """The snapshot; HEAD itself where the checkout was clean."""
    layout: Layout
    run: Hold
    """Says that the run is alive, and which process group works for it."""
    fresh: bool = False
    """Whether DVC found nothing to run when it was opened, and every result lies there."""


def prepare_dvc(checkout: Path, layout: Layout) -> None:
    """Give a worktree the checkout's DVC settings, its cache, and the data files under data/sources.

    Raises:
        UserError: the checkout is no DVC project, or a data file is neither there nor in the cache.
    """
    local = checkout / ".dvc" / "config.local"
    if local.exists():
        shutil.copyfile(local, layout.workspace / ".dvc" / "config.local")
    dvc.set_cache_dir(layout.workspace, dvc.cache_dir(checkout))
    sources = sorted(str(path.relative_to(layout.workspace)) for path in layout.sources.rglob("*.dvc"))
    if sources:
        dvc.dvc("checkout", *sources, cwd=layout.workspace, env=dvc.environment(layout))


def keep_experiment(workspace: Workspace) -> None:
    """Save the run as a DVC experiment of the checkout's HEAD, so that `dvc exp show` lists it.

    A failure costs the entry in that list and nothing else: the version in the registry holds the results.
    """
    name = workspace.path.name
    try:
        if git.git("for-each-ref", f"refs/snapshots/{name}", cwd=workspace.path):
            git.git("update-ref", "--no-deref", "HEAD", f"{workspace.commit}^", cwd=workspace.path)
        dvc.dvc("exp", "save", "--name", name, cwd=workspace.path, env=dvc.environment(workspace.layout))
    except UserError as error:
        run_logger().warning("The run is not kept as a DVC experiment: %s", error)


def results(workspace: Workspace) -> list[str]:
    """What DVC wrote beside the outs: dvc.lock, and the .gitignore files that name the outs."""
    changed = git.git("ls-files", "-z", "--modified", "--others", "--exclude-standard", cwd=workspace.path).split("\0")
    return sorted({name for name in changed if Path(name).name in ("dvc.lock", ".gitignore")})


def copy_whole(source: Path, target: Path, half: Path) -> None:
    """Copy a file so that a kill leaves the old or the new one: half a dvc.lock would fail every run after it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    half.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, half)
    half.replace(target)


def bring_back(workspace: Workspace, snapshot: Snapshot, checkout: Path) -> bool:
    """Put dvc.lock and outs into the checkout, if what they rest on still stands there; return whether it does."""
    with git.open_index(checkout) as index:
        if index.tree("dvc.lock") != snapshot.inputs:
            run_logger().info("The checkout's inputs are not this run's: its dvc.lock and outs stay as they are.")
            return False
    lock = checkout / "dvc.lock"
    before = lock.read_bytes() if lock.exists() else None
    try:
        half = checkout / ".dvc" / "tmp" / f"{workspace.path.name}.half"  # where git sees none of it
        for name in results(workspace):
            copy_whole(workspace.path / name, checkout / name, half)
        dvc.dvc("checkout", "dvc.yaml", cwd=checkout)
    except (UserError, OSError) as error:  # an edited out, a full disk: the results are safe in DVC's cache
        lock.unlink(missing_ok=True)
        if before is not None:
            lock.write_bytes(before)
        run_logger().warning("The run's outs were not brought back to the checkout: %s", error)
        return False
    return True


def remove_dead_runs(layout: Layout) -> list[str]:
    """End what dead runs left at work and remove their worktrees; return their names."""
    left = {path for path in layout.worktrees.glob("*") if path.is_dir()}
    left |= {layout.worktrees / name for name in git.lost_worktrees(layout.workspace, layout.worktrees)}
    dead = [path for path in sorted(left) if not is_held(run_file(path))]
    for path in dead:
        file = run_file(path)
        group = Hold(file).group() if file.exists() else None
        if group is not None and works_in(group, path):
            end_group(group)
        git.remove_worktree(layout.workspace, path)
    for file in layout.worktrees.glob("*.run"):  # that of a run killed before its worktree was laid out, or after
        if not is_held(file):
            drop(file)
    return [path.name for path in dead]


def run_name() -> str:
    """A name that sorts by time and no other run has."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


@contextmanager
def open_worktree(base: Path, commit: str, name: str) -> Iterator[Workspace]:
    """Lay a commit out under the state folder, with the DVC settings and cache of `base`, a checkout or a worktree."""
    main = Layout.here(base)
    layout = Layout(main.worktrees / name, main.state)
    with hold(run_file(layout.workspace)) as run:
        try:
            git.add_worktree(base, layout.workspace, commit)
            prepare_dvc(base, layout)
            yield Workspace(layout.workspace, commit, layout, run)
        finally:
            git.remove_worktree(base, layout.workspace)


@contextmanager
def open_snapshot(params: Params, checkout: Path) -> Iterator[tuple[Workspace, Snapshot]]:
    """Work on a snapshot of a checkout, or of a worktree, with these params; nothing returns to it.

    Raises:
        UserError: no git, no repository, no commit, no DVC project, a key that cannot sign, or data that is not there or
            does not answer.
    """
    git.require_repository(checkout)
    main = Layout.here(checkout)
    signing_key(params.registry.signing_key, main)  # now, not after hours of training
    name = run_name()
    with one_at_a_time(turn(main)):
        for dead in remove_dead_runs(main):
            run_logger().info("Removed what the interrupted run %s had left.", dead)
        mended, left = end_dead_curves(main)
        for line in mended:
            run_logger().info("Mended: %s", line)
        for line in left:
            run_logger().warning("Not mended: %s", line)
        snapshot = take_snapshot(checkout, params, name)
    with open_worktree(checkout, snapshot.commit, name) as workspace:
        if external := ask_external(workspace.layout):
            run_logger().info("%s", external)
        yield workspace, snapshot


@contextmanager
def open_base(params: Params, checkout: Path) -> Iterator[Workspace]:
    """A worktree that several runs start from in turn: edits made in the checkout meanwhile do not reach them.

    Its HEAD is the checkout's, so that the runs are kept as experiments of that.
    """
    with open_snapshot(params, checkout) as (base, _):
        head = git.git("rev-parse", "HEAD", cwd=checkout)
        git.git("update-ref", "--no-deref", "HEAD", head, cwd=base.path)
        yield base


def lock_text(layout: Layout) -> str:
    """A dvc.lock; empty where there is none."""
    return layout.lock.read_text(encoding="utf-8") if layout.lock.exists() else ""


def missing_outs(layout: Layout, checkout: Path) -> list[str]:
    """The outs that a dvc.lock names and that are not in the checkout."""
    stages = yaml.load(lock_text(layout), Loader=LOADER).get("stages", {}).values()
    outs = [out["path"] for stage in stages for out in stage.get("outs", [])]
    return [path for path in outs if not (checkout / path).exists()]


@contextmanager
def open_workspace(params: Params, checkout: Path) -> Iterator[Workspace]:
    """Work on a snapshot of the checkout with these params; what was computed returns if the checkout still agrees.

    A run that computed nothing new is no experiment of its own: it would repeat one, and cost three of DVC's processes.

    Raises:
        UserError: as `open_snapshot`.
    """
    with open_snapshot(params, checkout) as (workspace, snapshot):
        before = lock_text(workspace.layout)
        yield replace(workspace, fresh=dvc.restored(workspace.layout))
        if before and before == lock_text(workspace.layout) and not missing_outs(workspace.layout, checkout):
            return
        with one_at_a_time(turn(Layout.here(checkout))):
            keep_experiment(workspace)
            bring_back(workspace, snapshot, checkout)


def turn(main: Layout) -> Path:
    """The file on which runs wait for each other where they touch what all share."""
    return main.worktrees.with_suffix(".lock")
