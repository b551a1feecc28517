"""Charts of a run as SVG images inside the page: the loss curve, and bars beside the baselines."""

import base64
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.promote.summary import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {
    "model": "#3b82c4",
    "nearest_neighbour": "#d9924b",
    "popularity": "#d9924b",
    "bm25": "#5aa469",
    "template": "#9aa3ad",
    "unigram": "#9aa3ad",
    "encoder": "#b5588a",
    "reference": "#4d5761",
}
OTHER = "#8b6fb0"
GREY = "#78818a"
"""Readable on a light page and on a dark one: an image cannot follow the page's scheme."""
LEGEND = 4
"""Names in a line of the legend: more would be cut off at the edge."""
WHISKER = "#59636d"
"""Darker, since it lies on grey bars too."""
STYLE = {
    "font.size": 9,
    "text.color": GREY,
    "axes.labelcolor": GREY,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "svg.hashsalt": "ecom-llm",
}


def new_figure(width: float, height: float) -> "tuple[Figure, Axes]":
    """A figure of that many inches without pyplot, which would keep it for ever and ask for a display."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def image(figure: "Figure") -> str:
    """The figure as a data URI; the same figure gives the same bytes."""
    written = io.BytesIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(written.getvalue()).decode()


def column(rows: Sequence[dict[str, str]], name: str) -> tuple[list[int], list[float]]:
    """(steps, values) of a column of the training curve, without its empty cells."""
    filled = [row for row in rows if row.get(name)]
    return [int(row["step"]) for row in filled], [float(row[name]) for row in filled]


def loss_curve(path: Path) -> str:
    """Training and validation loss (nats per learned token: of completions, or masked) over optimizer steps."""
    from matplotlib import rc_context

    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    with rc_context(STYLE):
        figure, axes = new_figure(10.5, 3.2)
        axes.plot(*column(rows, "loss"), color=COLOURS["model"], label="training")
        axes.plot(
            *column(rows, "eval_loss"), color=COLOURS["popularity"], marker="o", markersize=3.5, label="validation"
        )
        axes.set_xlabel("step")
        axes.set_ylabel("loss per learned token")
        axes.grid(axis="y")
        axes.legend()
        return image(figure)


def bars(rows: Sequence[Row]) -> str:
    """One metric: a group of bars for each skill and locale, the model first, then its baselines, with their intervals."""
    from matplotlib import rc_context

    names = list(dict.fromkeys(name for row in rows for name in row.baselines))
    series = {"model": {row: row.value for row in rows}}
    series |= {name: {row: row.baselines[name] for row in rows if name in row.baselines} for name in names}
    thick = 0.8 / len(series)
    with rc_context(STYLE):
        lines = -(-len(series) // LEGEND)
        figure, axes = new_figure(5.6, 0.55 + 0.2 * lines + (0.12 + 0.16 * len(series)) * len(rows))
        for place, (name, values) in enumerate(series.items()):
            heights = [rows.index(row) + (place - (len(series) - 1) / 2) * thick for row in values]
            axes.barh(heights, list(values.values()), thick * 0.92, color=COLOURS.get(name, OTHER), label=spoken(name))
            ends = [row.intervals.get(name, (value, value)) for row, value in values.items()]
            mark(axes, heights, list(values.values()), ends)
        axes.set_yticks(range(len(rows)), [f"{row.skill}/{row.locale}" for row in rows])
        axes.margins(x=0.12)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper left", ncols=min(len(series), LEGEND), fontsize=8)
        return image(figure)


def mark(axes: "Axes", heights: Sequence[float], values: Sequence[float], ends: Sequence[tuple[float, float]]) -> None:
    """On each bar a line from low to high, where the two differ, and after it the value."""
    for height, value, (low, high) in zip(heights, values, ends, strict=True):
        if low < high:
            # the value lies within, but for rounding, of which matplotlib takes no negative length
            reach = [[max(value - low, 0.0)], [max(high - value, 0.0)]]
            axes.errorbar([value], [height], xerr=reach, fmt="none", ecolor=WHISKER, elinewidth=1, capsize=1.5)
        place = (max(value, high), height)
        axes.annotate(f"{value:.3g}", place, (3, 0), textcoords="offset points", va="center", fontsize=7, color=GREY)


def spoken(name: str) -> str:
    """`nearest_neighbour` -> `nearest neighbour`."""
    return name.replace("_", " ")
