"""The texts on the page: examples evenly spread, then the worst and the best of each slice, beside the champion's."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import fmean

import numpy as np

from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.totals import value_of
from ecom_llm.promote.charts import spoken
from ecom_llm.skills import SKILLS

SAMPLES = 4
"""Test products shown for each skill and locale."""
WORST, BEST = 3, 2
"""Of each skill and locale that holds at least twice as many judged examples as both together."""
JUDGED = {
    "attribute_coverage": True,
    "unsupported_rate": False,
    "groundedness": True,
    "keyword_coverage": True,
    "star_agreement": True,
    "polarity_agreement": True,
    "ndcg@10": True,
}
"""Shares that judge a single text -> whether greater is better; how like the reference it is decides between equals."""
LIKENESS = "chrf"


@dataclass(frozen=True)
class Sample:
    """One test example as the page shows it."""

    attributes: dict[str, str]
    text: str
    """With the label its skill demands."""
    champion: str
    """The champion's text, labelled too; empty where there is none."""
    reference: str
    baseline: str
    scores: dict[str, float]
    """Metric -> the value of this text alone; shown of the worst and the best."""


@dataclass(frozen=True)
class Shown:
    """The samples of one skill and locale, and which baseline stands beside them."""

    skill: str
    locale: str
    baseline: str
    samples: tuple[Sample, ...]
    worst: tuple[Sample, ...]
    best: tuple[Sample, ...]


def shown_baseline(output: Output) -> str:
    """The baseline a reader can compare with: the nearest neighbour where there is one, for recommend popularity."""
    return next(
        (name for name in ("nearest_neighbour", "popularity", *output.baselines) if name in output.baselines), ""
    )


def scores(output: Output) -> dict[str, float]:
    """What this text alone is worth, by the metrics that can say so of a single text."""
    values = {
        metric: float(value_of(metric)(np.array(sums, dtype=np.float64)))
        for metric in (*JUDGED, LIKENESS)
        if (sums := output.sums(metric)) is not None
    }
    return {metric: value for metric, value in values.items() if np.isfinite(value)}


def merit(output: Output) -> tuple[float, float]:
    """(mean of its shares, each from 0 for wrong to 1 for right; likeness to the reference): greater is better."""
    found = scores(output)
    shares = [value if JUDGED[metric] else 1 - value for metric, value in found.items() if metric in JUDGED]
    return fmean(shares) if shares else 1.0, found.get(LIKENESS, 0.0)


def as_sample(output: Output, champion: Mapping[str, str]) -> Sample:
    def finish(text: str) -> str:
        return SKILLS[output.skill].finish(text, output.locale)

    return Sample(
        attributes=output.attributes,
        text=finish(output.text),
        champion=finish(champion[output.id]) if output.id in champion else "",
        reference=output.reference,
        baseline=output.baselines.get(shown_baseline(output), ""),
        scores=scores(output),
    )


def extremes(found: Sequence[Output]) -> tuple[list[Output], list[Output]]:
    """(worst, best) of a slice, worst first; none where nothing judges single texts, or there are too few."""
    judged = [one for one in found if scores(one)]
    if len(judged) < 2 * (WORST + BEST):
        return [], []
    order = sorted(judged, key=lambda one: (*merit(one), one.id))
    return order[:WORST], order[: -BEST - 1 : -1]


def texts(outputs: Sequence[Output], champion: Mapping[str, str]) -> Iterator[Shown]:
    """A few outputs of each skill and locale, evenly spread over the test examples so that nobody picked them, and extremes.

    Args:
        outputs: the candidate's.
        champion: example id -> the champion's text, as far as it was measured on these examples.
    """
    order = list(SKILLS)

    def slice_of(output: Output) -> tuple[int, str]:
        return order.index(output.skill), output.locale

    for (place, locale), group in groupby(sorted(outputs, key=slice_of), key=slice_of):
        found = list(group)
        chosen = (found[:: max(1, len(found) // SAMPLES)][:SAMPLES], *extremes(found))
        samples, worst, best = (tuple(as_sample(output, champion) for output in part) for part in chosen)
        yield Shown(order[place], locale, spoken(shown_baseline(found[0])), samples, worst, best)
