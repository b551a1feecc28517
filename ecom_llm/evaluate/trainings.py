"""Several trainings that differ by their seed alone: the interval of a difference that includes what a seed makes of it.

One test set tells how well it knows two models, not how far another seed would have moved either of them. Where that
matters, each side brings several trainings, and both levels are counted: the seeds, and the clusters of examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.evaluate.bootstrap import NOTHING, Interval, Table, counting, standard_error, student
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.paired import Pair, pair_up

Trainings = Sequence[Sequence[Output]]
"""The outputs of each training on the same test examples."""


@dataclass(frozen=True)
class Part:
    """One source of variance of an estimate, and how many degrees of freedom it is known with."""

    variance: float
    freedom: float


def pairs_of(metric: str, ours: Trainings, theirs: Trainings, *, greater_is_better: bool) -> list[list[Pair]]:
    """Each of our trainings against each of theirs; empty where any pair has nothing to measure."""
    found = [[pair_up(metric, one, other, greater_is_better=greater_is_better) for other in theirs] for one in ours]
    return [] if any(pair is None for row in found for pair in row) else found


def seed_parts(gains: np.ndarray) -> list[Part]:
    """The variance that seeds give to the mean of (ours, theirs) gains; a side of one training borrows the other's.

    A gain is a difference, so that its rows' means vary as our values do, and its columns' as theirs.
    """
    sides = [gains.mean(axis=1), gains.mean(axis=0)]
    known = [side for side in sides if len(side) > 1]
    if len(known) == 1:
        (side,) = known
        shares = sum(1 / len(one) for one in sides)
        return [Part(float(side.var(ddof=1)) * shares, len(side) - 1)]
    return [Part(float(side.var(ddof=1)) / len(side), len(side) - 1) for side in known]


def mean_improvement(
    metric: str, candidate: Trainings, champion: Trainings, *, greater_is_better: bool, confidence: float
) -> Interval:
    """Two-sided interval of the mean over trainings of candidate minus champion, signed so that more is better.

    Its variance is that of a hierarchical bootstrap (seeds, then clusters of examples; Davison and Hinkley 1997,
    section 3.8), in closed form: three trainings have ten different resamples, whose percentiles say little. The reach
    is Student's t with the degrees of freedom of Welch and Satterthwaite, few where the seeds decide. The small part of
    the variance in which seed and example act together is counted in both levels.

    Args:
        metric: one that sums make.
        candidate: outputs of trainings that differ by `train.seed` alone.
        champion: the same for the champion; one training borrows the seeds' variance from the other side.
        greater_is_better: whether more of the metric is better.
        confidence: of the interval.

    Raises:
        ValueError: neither side has two trainings, so that nothing tells what a seed does.
    """
    if max(len(candidate), len(champion)) < 2:
        raise ValueError("one training a side tells nothing of what a seed does")
    pairs = pairs_of(metric, candidate, champion, greater_is_better=greater_is_better)
    if not pairs:
        return NOTHING
    gains = np.array([[float(pair.gain(pair.both.sum(axis=0))) for pair in row] for row in pairs])
    used = np.any([counting(pair.both) for row in pairs for pair in row], axis=0)
    clusters = int(used.sum())
    if clusters < 2 or not np.isfinite(gains).all():
        return NOTHING
    tables = [Table(pair.both[used], pair.gain, paired=True) for row in pairs for pair in row]
    influence = np.mean([table.influence(table.sums.sum(axis=0)) for table in tables], axis=0)
    parts = [*seed_parts(gains), Part(standard_error(influence) ** 2, clusters - 1)]
    variance = sum(part.variance for part in parts)
    doubt = sum(part.variance**2 / part.freedom for part in parts)
    freedom = variance**2 / doubt if doubt > 0 else clusters - 1
    estimate, error = float(gains.mean()), float(np.sqrt(variance))
    reach = student(freedom, (1 + confidence) / 2) * error
    return Interval(estimate, estimate - reach, estimate + reach, error, clusters, freedom)
