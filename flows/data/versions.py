"""Versions of the data under data/sources: what they are named, what they hold, and what of it is saved nowhere yet.

A version is a git commit of the `.dvc` files; their bytes lie in DVC's cache and remote. Nothing here commits: a commit is
the user's word that a version is worth a name.
"""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from tasks import dvc, git

NAMED = ("--branches", "--tags", "--remotes", "HEAD")
"""Commits a person has named. Snapshots of runs and DVC's experiments are refs too, but come and go."""
Pointers = dict[str, str]
"""Name of a `.dvc` file, relative to the checkout -> its text."""


@dataclass(frozen=True)
class Version:
    """A commit that changed the data."""

    commit: str
    tags: str
    date: str
    subject: str
    pointers: Pointers
    changes: tuple[str, ...]
    """`+ products.csv 1.2 MB`, `~` for changed, `-` for removed."""


def present_pointers(layout: Layout) -> Pointers:
    """The `.dvc` files of the checkout, as they are."""
    return {
        str(file.relative_to(layout.workspace)): file.read_text(encoding="utf-8")
        for file in sorted(layout.sources.rglob("*.dvc"))
        if file.is_file()
    }


def pointers_at(commit: str, layout: Layout, known: dict[str, str]) -> Pointers:
    """The `.dvc` files of a commit; `known` keeps texts by blob, since versions share most of theirs."""
    folder = str(layout.sources.relative_to(layout.workspace))
    found: Pointers = {}
    for line in git.git("ls-tree", "-r", "-z", commit, "--", f"{folder}/", cwd=layout.workspace).split("\0"):
        about, _, name = line.partition("\t")
        if name.endswith(".dvc"):
            blob = about.split()[-1]
            if blob not in known:
                known[blob] = git.git("cat-file", "blob", blob, cwd=layout.workspace) + "\n"
            found[name] = known[blob]
    return found


def resolve(version: str, layout: Layout) -> str:
    """The commit of a tag, a branch, a short or long hash, or the name of a DVC experiment.

    Raises:
        UserError: git knows nothing of that name.
    """
    with suppress(UserError):
        return git.git("rev-parse", "--verify", "--quiet", f"{version}^{{commit}}", cwd=layout.workspace)
    pattern = f"refs/exps/??/*/{version}"
    if found := git.git("for-each-ref", "--format=%(objectname)", pattern, cwd=layout.workspace).split():
        return found[0]
    raise UserError(f"{version}: git knows no such commit, tag or branch. ecom-llm data versions lists the data's.")


def versions(layout: Layout) -> list[Version]:
    """The commits of all branches and tags that changed a `.dvc` file of data/sources, the latest first."""
    pattern = f"{layout.sources.relative_to(layout.workspace)}/*.dvc"
    form = ("--decorate-refs=refs/tags/*", "--format=%H%x00%D%x00%cs%x00%s")
    told = git.git("log", *NAMED, *form, "--", pattern, cwd=layout.workspace)
    known: dict[str, str] = {}
    found = []
    for line in told.splitlines():
        commit, tags, date, subject = line.split("\0")
        now = pointers_at(commit, layout, known)
        parent = git.git("rev-list", "--parents", "--max-count=1", commit, cwd=layout.workspace).split()[1:2]
        before = pointers_at(parent[0], layout, known) if parent else {}
        found.append(
            Version(
                commit, tags.replace("tag: ", "").replace("HEAD, ", ""), date, subject, now, tuple(changes(before, now))
            )
        )
    return found


def changes(before: Pointers, now: Pointers) -> Iterator[str]:
    """What differs between two versions, a line for each data file."""
    for name in sorted(before.keys() | now.keys()):
        if before.get(name) != now.get(name):
            sign = "-" if name not in now else "~" if name in before else "+"
            size = "" if sign == "-" else f" {spoken_size(now[name])}"
            yield f"{sign} {Path(name).name.removesuffix('.dvc')}{size}"


def spoken_size(pointer: str) -> str:
    """The size a `.dvc` file states, for people."""
    size = float(sum(out.get("size", 0) for out in (yaml.safe_load(pointer) or {}).get("outs", [])))
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:,.3g} TB"


def states(names: Iterable[str], layout: Layout) -> dict[str, str]:
    """Data file -> what `dvc status` says of it (`modified`, `deleted`, `not in cache`); what is as it should be is left out.

    Args:
        names: of `.dvc` files, relative to the checkout.
    """
    chosen = sorted(names)
    if not chosen:
        return {}
    told = json.loads(dvc.dvc("status", "--json", *chosen, cwd=layout.workspace).splitlines()[-1])
    entries = [entry for found in told.values() for entry in found if isinstance(entry, dict)]
    return {name: state for entry in entries for name, state in entry.get("changed outs", {}).items()}


def edited_data(names: Iterable[str], layout: Layout) -> list[str]:
    """The data of these `.dvc` files that is there and is not what they say.

    Where the cache lost the data, DVC's status no longer tells whether the file was edited. `dvc add` does: it leaves the
    `.dvc` file of what was not as it is. That also puts the workspace's copy, which may be the only one, into the cache.
    """
    edited = []
    for name, state in states(names, layout).items():
        data, pointer = layout.workspace / name, layout.workspace / f"{name}.dvc"
        if state == "not in cache" and data.exists():
            text = pointer.read_bytes()
            dvc.dvc("add", name, cwd=layout.workspace)
            state = "saved" if pointer.read_bytes() == text else "modified"
            pointer.write_bytes(text)
        if state == "modified":
            edited.append(name)
    return edited


def unnamed_pointers(names: Iterable[str], layout: Layout) -> list[str]:
    """The `.dvc` files that no commit of a branch or tag holds as they are: what they point to could not be found again."""
    unnamed = []
    for name in names:
        blob = git.git("hash-object", "--", name, cwd=layout.workspace)
        if not git.git("log", *NAMED, "-1", "--format=%h", f"--find-object={blob}", "--", name, cwd=layout.workspace):
            unnamed.append(name)
    return unnamed


def version_lines(found: list[Version], layout: Layout) -> list[str]:
    """The versions on a terminal, the latest first; a star stands before the one in the checkout."""
    present = present_pointers(layout)
    lines = []
    for version in found:
        star = "*" if version.pointers == present else " "
        named = f" ({version.tags})" if version.tags else ""
        lines.append(f"{star} {version.commit[:10]}  {version.date}  {version.subject}{named}")
        lines += [f"      {change}" for change in version.changes]
    if present and all(version.pointers != present for version in found):
        folder = layout.sources.relative_to(layout.workspace)
        lines.insert(0, f"* not committed yet: git add {folder} && git commit -m data")
    return lines or ["No data was added yet: ecom-llm add PATH"]
