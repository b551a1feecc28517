"""Going back to an earlier version of the data: its `.dvc` files from git, their bytes from DVC's cache or remote."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from flows.data.adding import remove
from flows.data.versions import (
    Pointers,
    edited_data,
    pointers_at,
    present_pointers,
    resolve,
    spoken_size,
    unnamed_pointers,
)
from tasks import dvc


@dataclass(frozen=True)
class Restored:
    """What was brought back."""

    commit: str
    pointers: Pointers
    """The version's `.dvc` files."""
    removed: tuple[str, ...]
    """Data files of the version before that this one does not have."""


def restore(version: str, layout: Layout, force: bool) -> Restored:
    """Bring data/sources back to what a commit holds; git's index and branch stay as they are.

    Args:
        version: tag, branch, commit or name of an experiment.
        force: whether data and `.dvc` files that are saved nowhere may be lost.

    Raises:
        UserError: there is no such version or it has no data, something unsaved would be lost, or the bytes are neither in
            the cache nor on the remote. Then everything is as it was.
    """
    commit = resolve(version, layout)
    wanted, present = pointers_at(commit, layout, {}), present_pointers(layout)
    if not wanted:
        raise UserError(
            f"{version}: holds no data of data/sources. ecom-llm data versions lists the commits that changed the data."
        )
    if not force:
        require_saved(wanted, present, layout)
    with undoing(wanted, present, layout):
        write(wanted, layout)
        fetch(version, wanted, layout, force)
    gone = sorted(present.keys() - wanted.keys())
    for name in gone:  # last, when all that is wanted has come
        remove(*outs(name, present[name], layout), layout.workspace / name)
    return Restored(commit, wanted, tuple(Path(name).name.removesuffix(".dvc") for name in gone))


def require_saved(wanted: Pointers, present: Pointers, layout: Layout) -> None:
    """Refuse to overwrite what could not be brought back.

    Raises:
        UserError: names the first such file, and how to save it.
    """
    for name in edited_data(present, layout):
        raise UserError(
            f"{name}: was edited since it was added. Save it first (ecom-llm add {name}, then commit), or lose it: --force."
        )
    for name in unnamed_pointers(sorted(name for name in present if present[name] != wanted.get(name)), layout):
        raise UserError(
            f"{name}: is in no commit, so nothing would lead back to this data. Commit it first "
            f"(git add {name} && git commit -m data), or lose it: --force."
        )
    for name in sorted(wanted.keys() - present.keys()):
        for path in outs(name, wanted[name], layout):
            if path.exists():
                where = path.relative_to(layout.workspace)
                raise UserError(f"{where}: is not known to DVC. Save it (ecom-llm add {where}), or lose it: --force.")


def outs(name: str, pointer: str, layout: Layout) -> list[Path]:
    """The data files a `.dvc` file stands for."""
    folder = (layout.workspace / name).parent
    return [folder / out["path"] for out in (yaml.safe_load(pointer) or {}).get("outs", [])]


@contextmanager
def undoing(wanted: Pointers, present: Pointers, layout: Layout) -> Iterator[None]:
    """If the block raises, the `.dvc` files and their data are what they were."""
    arriving = [path for name in wanted.keys() - present.keys() for path in outs(name, wanted[name], layout)]
    arriving = [path for path in arriving if not path.exists()]
    try:
        yield
    except BaseException:
        remove(*arriving, *(layout.workspace / name for name in wanted.keys() - present.keys()))
        write(present, layout)
        # never by force: what is saved nowhere is left as it lies
        with suppress(UserError):
            checkout(present, layout, force=False)
        raise


def write(pointers: Pointers, layout: Layout) -> None:
    """Write `.dvc` files, and see that git ignores what they stand for.

    `dvc checkout` leaves .gitignore alone, and data that git does not ignore would come into the next run's snapshot.
    """
    for name, text in pointers.items():
        file = layout.workspace / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        ignored = file.with_name(".gitignore")
        lines = ignored.read_text(encoding="utf-8").splitlines() if ignored.exists() else []
        missing = [f"/{path.name}" for path in outs(name, text, layout) if f"/{path.name}" not in lines]
        if missing:
            ignored.write_text("\n".join([*lines, *missing]) + "\n", encoding="utf-8")


def fetch(version: str, pointers: Pointers, layout: Layout, force: bool) -> None:
    """Put the data of `.dvc` files in its place, from the cache, or from the remote where the cache lacks it.

    Raises:
        UserError: it is in neither, or the remote does not answer.
    """
    try:
        checkout(pointers, layout, force)
    except UserError:  # the cache lacks something; a remote need not even be configured where it does not
        options = ("--force",) if force else ()
        try:
            dvc.dvc("pull", *options, *sorted(pointers), cwd=layout.workspace)
        except UserError as error:
            raise UserError(
                f"{version}: its data is not in DVC's cache, and could not be pulled ({error}). "
                "Name the remote that has it: dvc remote add --local --default NAME URL"
            ) from error


def checkout(pointers: Iterable[str], layout: Layout, force: bool) -> None:
    """`dvc checkout` of these `.dvc` files."""
    names = sorted(pointers)
    if names:
        dvc.dvc("checkout", *(("--force",) if force else ()), *names, cwd=layout.workspace)


def restored_lines(version: str, restored: Restored) -> list[str]:
    """What to tell when a version is back: what it is made of, and how its numbers come again."""
    short = restored.commit[:10]
    named = short if restored.commit.startswith(version) else f"{version} ({short})"
    return [
        f"The data is that of {named} again:",
        *(f"  {Path(name).name.removesuffix('.dvc')} {spoken_size(text)}" for name, text in restored.pointers.items()),
        *(f"  {name} is gone: that version does not have it" for name in restored.removed),
        "To train on it with the code and params of now: ecom-llm run",
        "To reproduce its numbers, with the code and params of then (what was computed once comes from the cache):",
        f"  git stash && git checkout {short} && ecom-llm run",
        "To go on from it: git add data/sources && git commit",
    ]
