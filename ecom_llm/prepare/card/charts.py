"""Histograms as SVG inside the page: drawn by hand, since an image could not follow the page's light or dark scheme."""

from dataclasses import dataclass

from ecom_llm.prepare.card.card import Lengths
from ecom_llm.prepare.card.lengths import bins

WIDTH, HEIGHT = 460.0, 120.0
"""Of the drawing, in user units; the page scales it."""
TICKS = 6
"""Bins whose shortest length is written below them, at most."""


@dataclass(frozen=True)
class Bar:
    """One bin, in user units from the upper left corner."""

    x: float
    y: float
    width: float
    height: float
    lower: int
    """Shortest length in it."""
    share: float
    """Of all texts."""


@dataclass(frozen=True)
class Histogram:
    """A distribution of lengths, and the earlier one as a line over it."""

    unit: str
    bars: tuple[Bar, ...]
    ticks: tuple[Bar, ...]
    outline: str
    """Points of the earlier distribution's line; empty where there is none."""
    lengths: Lengths
    previous: Lengths | None


def histogram(unit: str, lengths: Lengths, previous: Lengths | None) -> Histogram:
    """Lay out a histogram; bins are equally wide on paper, so the axis is logarithmic."""
    both = [lengths.histogram] + ([previous.histogram] if previous else [])
    lower = bins(both)
    shares = [{at: count / max(1, sum(counts.values())) for at, count in counts.items()} for counts in both]
    highest = max((share for side in shares for share in side.values()), default=1.0)
    step = WIDTH / max(1, len(lower))
    drawn = [
        tuple(bar(place * step, step, at, side.get(at, 0.0), highest) for place, at in enumerate(lower))
        for side in shares
    ]
    spacing = max(1, -(-len(lower) // TICKS))
    outline = line(drawn[1]) if previous else ""
    return Histogram(unit, drawn[0], drawn[0][::spacing], outline, lengths, previous)


def bar(x: float, step: float, lower: int, share: float, highest: float) -> Bar:
    """A bin's bar; one decimal is finer than a pixel, and keeps the page's bytes from depending on floating-point noise."""
    height = round(HEIGHT * share / highest, 1)
    return Bar(round(x, 1), round(HEIGHT - height, 1), round(step * 0.9, 1), height, lower, share)


def line(bars: tuple[Bar, ...]) -> str:
    """The upper edges of the bars as the points of a polyline."""
    return " ".join(f"{bar.x},{bar.y} {round(bar.x + bar.width, 1)},{bar.y}" for bar in bars)
