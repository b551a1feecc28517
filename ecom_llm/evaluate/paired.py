"""Two systems on the same examples: the interval of the difference, a test of it, and what could have been seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.evaluate.bootstrap import NOTHING, Interval, Resampling, Table, clustered, counting, intervals, student
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.totals import Value, value_of


@dataclass(frozen=True)
class Pair:
    """The statistics of one metric for two systems, cluster by cluster."""

    ours: np.ndarray
    """(clusters, k) float64."""
    theirs: np.ndarray
    """(clusters, k) float64, in the same order."""
    value: Value
    sign: float
    """1 where greater is better, else -1."""

    def gain(self, totals: np.ndarray) -> np.ndarray:
        """(..., 2k) sums of ours, then theirs -> how much better ours are."""
        width = totals.shape[-1] // 2
        return self.sign * (self.value(totals[..., :width]) - self.value(totals[..., width:]))

    @property
    def table(self) -> Table:
        """The gain as one value to be resampled: both systems on the same clusters."""
        both = self.both
        return Table(both[counting(both)], self.gain, paired=True)

    @property
    def both(self) -> np.ndarray:
        """(clusters, 2k) ours, then theirs."""
        return np.concatenate([self.ours, self.theirs], axis=1)


def pair_up(metric: str, ours: Sequence[Output], theirs: Sequence[Output], *, greater_is_better: bool) -> Pair | None:
    """The examples that at least one of the two has the metric for; None where there are none.

    An example that one of them has nothing to measure on, such as no stated values, adds 0 to that one's sums, as it
    does in its slice.
    """
    held = [{one.id: found for one in side if (found := one.sums(metric)) is not None} for side in (ours, theirs)]
    groups = {one.id: one.cluster for one in (*theirs, *ours)}
    ids = sorted(held[0].keys() | held[1].keys())
    if not ids:
        return None
    nothing = (0.0,) * len(next(iter((held[0] or held[1]).values())))
    names = [groups[name] for name in ids]
    sides = [clustered(np.array([side.get(name, nothing) for name in ids]), names) for side in held]
    return Pair(*sides, value_of(metric), 1.0 if greater_is_better else -1.0)


def improvement(
    metric: str,
    candidate: Sequence[Output],
    champion: Sequence[Output],
    *,
    greater_is_better: bool,
    resampling: Resampling,
) -> Interval:
    """Two-sided interval of candidate minus champion, signed so that more is better.

    The bootstrap of Koehn 2004, "Statistical Significance Tests for Machine Translation Evaluation", over clusters of
    examples and studentised; pairing takes out how hard the examples are.
    """
    pair = pair_up(metric, candidate, champion, greater_is_better=greater_is_better)
    return NOTHING if pair is None else intervals({metric: pair.table}, resampling)[metric]


def chance_of(pair: Pair, samples: int, seed: int) -> float:
    """Two-sided p-value of the difference by approximate randomisation; NaN where it cannot be measured.

    If the two were alike, each cluster's outputs could change sides without a trace: how often is the difference then
    as large? Noreen 1989; Riezler and Maxwell 2005, "On Some Pitfalls in Automatic Evaluation and Significance Testing
    for MT". Exact, whatever the distribution, and never 0: 1 / (samples + 1) is the least it can say.
    """
    whole = pair.table.sums.sum(axis=0)
    found = abs(float(pair.gain(whole)))
    if not np.isfinite(found):
        return float("nan")
    change = np.concatenate([pair.theirs - pair.ours, pair.ours - pair.theirs], axis=1)
    rng = np.random.default_rng(seed)
    swapped = rng.integers(0, 2, size=(samples, len(change))).astype(np.float64)
    others = np.abs(pair.gain(whole + swapped @ change))
    # a resample that cannot be measured speaks for chance; rounding must not hide a tie
    as_large = ~(others < found * (1 - 1e-9))
    return float((1 + as_large.sum()) / (samples + 1))


def holm(chances: Mapping[str, float]) -> dict[str, float]:
    """p-values adjusted for there being several: of all that stay below 5 %, one is false in at most 5 % of cases.

    Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure". NaN stays NaN and counts as no test.
    """
    known = sorted((name for name, chance in chances.items() if np.isfinite(chance)), key=lambda name: chances[name])
    adjusted, least = {name: float("nan") for name in chances}, 0.0
    for place, name in enumerate(known):
        least = max(least, min(1.0, (len(known) - place) * chances[name]))
        adjusted[name] = least
    return adjusted


def detectable(found: Interval, confidence: float, power: float, *, paired: bool) -> float | None:
    """The smallest true difference that is told from none with this power; None where the spread is not known.

    Cohen 1988, "Statistical Power Analysis": (t of the confidence + t of the power) standard errors. Where no second
    system is there, a rival of the same spread on the same examples is assumed that shares nothing with this one: a
    pair shares how hard the examples are, so that it usually tells smaller ones.
    """
    if not found.error > 0 or found.clusters < 2:
        return None
    freedom = found.freedom or found.clusters - 1
    reach = student(freedom, (1 + confidence) / 2) + student(freedom, power)
    return float(reach * found.error * (1 if paired else np.sqrt(2)))
