"""Data cards of other versions: which commit's `dvc.lock` speaks of a version's data, and where its card lies."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from ecom_llm.collect.folder import replacing_file
from ecom_llm.layout import Layout
from ecom_llm.prepare.card.card import Card, parse_card
from ecom_llm.prepare.card.drift import DriftRow, drift
from ecom_llm.prepare.card.page import Against, render_card
from ecom_llm.records import UserError
from flows.data.versions import NAMED, Pointers, pointers_at, resolve
from flows.summary import table
from tasks import dvc, git

EXPERIMENTS = "refs/exps/??/*/*"
"""Where DVC keeps experiments: refs/exps/<first two digits of the commit they began at>/<the others>/<name>."""
CHANGED = ("moved", "moved a lot", "new", "gone")
"""Verdicts worth a line on a terminal."""


def earlier_card(version: str, layout: Layout) -> tuple[Card, str]:
    """The card of a version of the data, and the commit whose `dvc.lock` named it.

    Raises:
        UserError: git knows no such version, or none of its cards is left.
    """
    wanted = resolve(version, layout)
    known: dict[str, str] = {}
    pointers = pointers_at(wanted, layout, known)
    for commit in dict.fromkeys(candidates(wanted, pointers, layout)):
        if pointers_at(commit, layout, known) == pointers and not is_stale(commit, pointers, layout):
            text = card_text(commit, layout)
            if text:
                return parse_card(text, f"the data card of {version}"), commit
    raise UserError(
        f"{version}: no data card of it was found: it was never prepared, or dvc.lock was not committed after it was, or the "
        f"card is neither in DVC's cache nor on its remote. To make it: ecom-llm data restore {version} && dvc repro prepare"
    )


def candidates(wanted: str, pointers: Pointers, layout: Layout) -> Iterator[str]:
    """Commits whose `dvc.lock` may speak of a version's data, the likeliest first.

    The commit that brought new data often still has the lock of the old: who commits data first and trains then commits the
    lock later, or never. Every `ecom-llm run` is kept as an experiment, with its data's `.dvc` files and its lock together.
    """
    yield wanted
    own = f"refs/exps/{wanted[:2]}/{wanted[2:]}/*"
    for pattern in (own, EXPERIMENTS) if pointers else (own,):
        found = git.git("for-each-ref", "--sort=-creatordate", "--format=%(objectname)", pattern, cwd=layout.workspace)
        yield from found.split()
    if pointers:  # without data under data/sources, equal `.dvc` files (none) say nothing of equal data
        yield from git.git("log", *NAMED, "--format=%H", "--", "dvc.lock", cwd=layout.workspace).split()


def stages(commit: str, layout: Layout) -> dict[str, dict[str, object]]:
    """The stages that a commit's `dvc.lock` speaks of; none where it has no lock."""
    try:
        return yaml.safe_load(git.git("show", f"{commit}:{layout.lock.name}", cwd=layout.workspace))["stages"]
    except UserError:
        return {}


def is_stale(commit: str, pointers: Pointers, layout: Layout) -> bool:
    """Whether a commit's lock is still the one from before its data: equal sums of what `collect` read say so."""
    if not pointers:
        return False
    pattern = f"{layout.sources.relative_to(layout.workspace)}/*.dvc"
    brought = git.git("log", "-1", "--format=%H %P", commit, "--", pattern, cwd=layout.workspace).split()
    before = stages(brought[1], layout) if len(brought) > 1 else {}
    return "collect" in before and before["collect"] == stages(commit, layout).get("collect")


def card_text(commit: str, layout: Layout) -> str:
    """The card that a commit's `dvc.lock` names, from the cache, else from the remote; empty where neither has it.

    `dvc get . PATH --rev COMMIT` alone does not do: it reads `cache.dir` relative to the commit's tree, which has none, and so
    finds only what was pushed (DVC 3.67).
    """
    name = layout.card.relative_to(layout.workspace).as_posix()
    outs = [out for stage in stages(commit, layout).values() for out in stage.get("outs", [])]
    sums = [out["md5"] for out in outs if out["path"] == name]
    if not sums:
        return ""
    cache = layout.workspace / dvc.dvc("cache", "dir", cwd=layout.workspace)
    # files/md5/<two digits>/<the others>: dvc.org/doc/user-guide/project-structure/internal-files
    cached = cache / "files" / "md5" / sums[0][:2] / sums[0][2:]
    if cached.is_file():
        return cached.read_text(encoding="utf-8")
    with TemporaryDirectory(prefix="ecom-llm-card-") as folder:
        target = Path(folder) / "card.json"
        try:
            dvc.dvc("get", ".", name, "--rev", commit, "--out", str(target), cwd=layout.workspace)
        except UserError:
            return ""
        return target.read_text(encoding="utf-8")


def is_current(layout: Layout) -> bool:
    """Whether the checkout's card is that of its present data, code and params."""
    return dvc.dvc("status", "--json", "--with-deps", "prepare", cwd=layout.workspace).splitlines()[-1:] == ["{}"]


def card_lines(card: Card) -> list[str]:
    """The card on a terminal: what there is of each skill and locale, and what went."""
    head = ("skill/locale", "largest category", "examples", "characters", "words")
    lines = [
        (
            part.name,
            next(iter(part.categories.top), "-")[:40],
            f"{part.examples:,}",
            f"{part.characters.quantiles['median']:,}",
            f"{part.words.quantiles['median']:,}",
        )
        for part in card.slices
    ]
    rows = {
        word: sum(getattr(one, word) for one in card.tables.values()) for word in ("kept", "duplicates", "rejected")
    }
    found = ", ".join(f"{kind} {count:,}" for kind, count in card.personal_data.items() if count) or "none"
    return [
        *table(head, lines).splitlines(),
        "",
        "rows: " + ", ".join(f"{count:,} {word}" for word, count in rows.items()),
        f"personal data replaced: {found}",
    ]


def drift_lines(rows: Sequence[DriftRow], everything: bool) -> list[str]:
    """The drift table on a terminal; without `everything`, what did not move is only counted."""
    chosen = [row for row in rows if everything or row.verdict in CHANGED]
    quiet = len(rows) - len(chosen)
    head = ("where", "what", "PSI", "verdict")
    cells = [
        (row.slice, row.what, "" if row.psi is None else f"{row.psi:.3f}", row.verdict, row.said) for row in chosen
    ]
    numbers = table(head, [line[:4] for line in cells]).splitlines() if cells else []
    width = max((len(line) for line in numbers), default=0)
    told = (
        [numbers[0], *(f"{line:<{width}}  {cell[4]}" for line, cell in zip(numbers[1:], cells, strict=True))]
        if cells
        else []
    )
    return [*told, *([f"{quiet} more did not move."] if quiet else [])]


def compare(current: Card, version: str, everything: bool, layout: Layout) -> list[str]:
    """Compare with an earlier version: the table in lines, and a page under the state folder.

    The page lies outside the workspace, since the stage's own must not depend on what came before.

    Raises:
        UserError: as `earlier_card`.
    """
    previous, commit = earlier_card(version, layout)
    page = layout.pages / f"card-against-{commit[:10]}.html"
    name = version if commit.startswith(version) else f"{version} ({commit[:10]})"
    replacing_file(page, render_card(current, Against(name, previous)))
    return [f"Against {name}:", *drift_lines(drift(previous, current), everything), "", f"The whole table:\n  {page}"]
