"""Adding data: a file or folder is copied under data/sources, versioned by DVC and pushed to its remote."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import yaml

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from flows.data.versions import edited_data
from tasks import dvc

REMOTE = "local"
"""Name of the DVC remote that is made where the user has configured none."""


@dataclass(frozen=True)
class Added:
    """What `ecom-llm add` did."""

    target: Path
    changed: bool
    """Whether the data is not what was there before."""
    replaced: bool
    """Whether an earlier version gave way; it stays in DVC's cache."""
    unpushed: str
    """Why the data did not reach the remote; empty where it did."""
    address: str = ""
    """Where it was fetched from; empty where it was copied."""


def add_source(path: Path, layout: Layout) -> Added:
    """Copy a file or folder into data/sources, hand it to DVC and push it; of an equal name, it is that one's new version.

    A path that lies under data/sources already is versioned where it is.

    Raises:
        UserError: it is missing or unreadable, something of that name is there that DVC does not know or that was edited,
            or DVC refused. Then everything is as it was.
    """
    target = path if path.is_relative_to(layout.sources) else layout.sources / path.name
    pointer = target.with_name(f"{target.name}.dvc")
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder to add.")
    if layout.sources.is_relative_to(path):
        raise UserError(f"{path}: holds {layout.sources} itself. Add the files or folders in it one by one.")
    before = pointer.read_text(encoding="utf-8") if pointer.exists() else ""
    if path == target:
        version_own(target, layout)
    else:
        require_replaceable(target, bool(before), str(path), layout)
        with taking_the_place(partial(copy, path), target):
            version_own(target, layout)
    changed = pointer.read_text(encoding="utf-8") != before
    return Added(target, changed, bool(before), push([pointer], layout))


def version_own(target: Path, layout: Layout) -> None:
    """`dvc add`; what was fetched from an address before does not name it any more.

    Raises:
        UserError: DVC refused; the `.dvc` file is as it was.
    """
    pointer = target.with_name(f"{target.name}.dvc")
    before = pointer.read_text(encoding="utf-8") if pointer.exists() else ""
    # DVC would keep the address beside data that is not from there, and `dvc update` would fetch over it
    fetched = "deps" in (yaml.safe_load(before) or {})
    if fetched:
        pointer.unlink()
    try:
        dvc.dvc("add", str(target), cwd=layout.workspace)
    except UserError:
        if fetched:
            pointer.write_text(before, encoding="utf-8")
        raise


def require_replaceable(target: Path, known: bool, path: str, layout: Layout) -> None:
    """Refuse to overwrite what could not be brought back.

    Raises:
        UserError: names the file there, and both ways out.
    """
    name = target.relative_to(layout.workspace)
    if target.exists() and not known:
        raise UserError(
            f"{name}: is there already, and DVC does not know it. Version it first (ecom-llm add {name}), or rename {path}."
        )
    if known and edited_data([f"{name}.dvc"], layout):
        raise UserError(
            f"{name}: was edited since it was added. Save the edited one first (ecom-llm add {name}), or delete it, and add "
            f"{path} again."
        )


@contextmanager
def taking_the_place(make: Callable[[Path], None], target: Path) -> Iterator[None]:
    """Make a file or folder beside `target` and put it there; if the block raises, what was there before is there again."""
    fresh, old = (target.with_name(f".{target.name}.{word}.partial") for word in ("new", "old"))
    beside = (target.with_name(f"{target.name}.dvc"), target.with_name(".gitignore"))
    kept = {file: file.read_bytes() if file.exists() else None for file in beside}
    placed = False
    remove(fresh, old)
    try:
        make(fresh)
        if target.exists():
            target.rename(old)
        fresh.rename(target)
        placed = True
        yield
    except BaseException:  # Ctrl-C in the midst of a large file too
        if placed:
            remove(target)
        if old.exists():
            old.rename(target)
        for file, content in kept.items():
            file.unlink(missing_ok=True) if content is None else file.write_bytes(content)
        raise
    finally:
        remove(fresh, old)


def copy(path: Path, target: Path) -> None:
    """Copy a file or folder.

    Raises:
        UserError: something cannot be read or written; names it.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, target) if path.is_dir() else shutil.copyfile(path, target)
    except shutil.Error as error:  # a folder's: a list of (source, target, reason)
        source, _, reason = error.args[0][0]
        raise UserError(f"{source}: cannot be copied ({reason}).") from error
    except OSError as error:
        raise UserError(f"{error.filename or path}: cannot be copied ({error.strerror}).") from error


def remove(*paths: Path) -> None:
    """Remove files or folders, if they are there."""
    for path in paths:
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink(missing_ok=True)


def push(pointers: list[Path], layout: Layout) -> str:
    """Push to the default remote, made where there is none; return why that failed, or nothing.

    A failure undoes nothing: the data is in the cache, and `dvc push` can be said again when the remote answers.
    """
    try:
        ensure_remote(layout)
        # only what was added: the user's other data may lie on another remote, or not be meant to leave this machine
        dvc.dvc("push", *(str(pointer) for pointer in pointers), cwd=layout.workspace)
    except UserError as error:
        return str(error)
    return ""


def ensure_remote(layout: Layout) -> None:
    """Configure a folder beside the cache as DVC's default remote, unless the user has chosen one.

    It goes to .dvc/config.local under an absolute path: worktrees copy that file, and a relative path would lead them astray.
    """
    settings = dvc.dvc("config", "--list", cwd=layout.workspace).splitlines()
    if not any(line.startswith("core.remote=") for line in settings):
        folder = str(layout.remote)
        dvc.dvc("remote", "add", "--local", "--default", REMOTE, folder, cwd=layout.workspace)


def added_lines(added: Added, layout: Layout) -> list[str]:
    """What to tell of an addition: what it was, what to commit, and what comes next."""
    name = added.target.relative_to(layout.workspace)
    if not added.changed:
        lines = [f"{name} is unchanged: the same data was there already."]
    else:
        lines = [
            f"{name} is {'now a new version' if added.replaced else 'added'}.",
            f"To give this version a name: git add {name}.dvc {name.parent}/.gitignore && git commit -m 'data: {name.name}'",
            f"To see what is in it: ecom-llm inspect {name}" if added.target.is_file() else "",
            f"To fetch it again when it has changed: dvc update {name}.dvc" if added.address else "",
            "To train on it: name its form under collect.sources in params.yaml, then ecom-llm run",
        ]
    if added.unpushed:
        lines.append(f"It is in the cache but did not reach the remote ({added.unpushed}). Later: dvc push {name}.dvc")
    return [line for line in lines if line]
