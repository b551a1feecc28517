"""The data card as a page: one HTML file without outside resources, for people."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.prepare.card.card import Card, SliceCard
from ecom_llm.prepare.card.charts import HEIGHT, WIDTH, Histogram, histogram
from ecom_llm.prepare.card.drift import DriftRow, drift

CATEGORIES, WORDS, REASONS, SOURCES = 12, 40, 12, 30
"""How many of each the page shows; the card's JSON has more."""


@dataclass(frozen=True)
class Against:
    """An earlier version to compare with."""

    name: str
    """As the reader knows it: a tag, a commit, a date."""
    card: Card


@dataclass(frozen=True)
class Panel:
    """A slice with its histograms."""

    part: SliceCard
    histograms: tuple[Histogram, ...]


def panels(card: Card, previous: Card | None) -> list[Panel]:
    """Every slice, with the earlier version's lengths behind its own where that version has the slice."""
    earlier = {part.name: part for part in previous.slices} if previous else {}
    found = []
    for part in card.slices:
        old = earlier.get(part.name)
        histograms = (
            histogram("characters", part.characters, old.characters if old else None),
            histogram("words", part.words, old.words if old else None),
        )
        found.append(Panel(part, histograms))
    return found


def reasons(card: Card) -> list[tuple[str, int]]:
    """Why rows were rejected, the most frequent reason first."""
    found: Counter[str] = Counter()
    for table in card.tables.values():
        found.update(table.reasons)
    return sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))


def moved_first(rows: Sequence[DriftRow]) -> list[DriftRow]:
    """What moved stands above what did not; within each, the table's own order."""
    return sorted(rows, key=lambda row: row.verdict in ("unchanged", "too few to tell"))


def render_card(card: Card, against: Against | None) -> str:
    """The page of a card; equal arguments give equal bytes.

    Args:
        card: what is shown.
        against: an earlier version; with it the page opens with the drift table. None inside the stage, whose result must
            not depend on what lay in the workspace before.
    """
    # imported late: who only reads a card needs no templates
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # texts, categories and reasons are other people's words
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.html.jinja").render(
        card=card,
        against=against,
        drift=moved_first(drift(against.card, card)) if against else [],
        panels=panels(card, against.card if against else None),
        reasons=reasons(card),
        limits={"categories": CATEGORIES, "words": WORDS, "reasons": REASONS, "sources": SOURCES},
        width=WIDTH,
        height=HEIGHT,
    )
