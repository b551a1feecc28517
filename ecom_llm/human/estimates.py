"""Judgements -> numbers with intervals: win rates, means, position bias and agreement.

SciPy and krippendorff are imported where they are used: the gate imports this, and with it every command that asks the
registry anything.

The evaluate room's bootstrap does not serve here: it draws from all clusters alike, and a study draws within slices.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ecom_llm.evaluate.bootstrap import student
from ecom_llm.human.judgements import WIN, Judgement
from ecom_llm.human.study import SCALES

BOUNDS = {WIN: (0.0, 1.0), **dict.fromkeys(SCALES, (1.0, 5.0))}
"""Score -> the least and the most it can be."""


ALIKE = 1e-12
"""A spread that is rounding alone."""


@dataclass(frozen=True)
class Precision:
    """How intervals are made."""

    confidence: float
    samples: int
    """Resamples of the bootstrap."""
    seed: int
    min_examples: int
    """Fewer examples give no interval."""


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; the ends are None where there are too few examples."""

    value: float
    low: float | None
    high: float | None
    examples: int
    judgements: int


@dataclass(frozen=True)
class Clusters:
    """Judgements by example, the unit of resampling: several raters on one example are not independent."""

    sums: np.ndarray
    """(examples, 2): weighted score and weight, summed over the raters of an example."""
    strata: np.ndarray
    """(examples,): which slice each was drawn from."""

    @classmethod
    def of(cls, judged: Sequence[Judgement], value: Callable[[Judgement], float | None]) -> "Clusters":
        """Gather what `value` says of each judgement; None leaves one out."""
        sums: dict[str, np.ndarray] = {}
        places: dict[str, tuple[str, str]] = {}
        for one in judged:
            found = value(one)
            if found is not None:
                held = sums.setdefault(one.example, np.zeros(2))
                held += one.weight * np.array([found, 1.0])
                places[one.example] = (one.skill, one.locale)
        slices = {place: at for at, place in enumerate(sorted(set(places.values())))}
        return cls(
            np.array(list(sums.values())).reshape(-1, 2), np.array([slices[places[one]] for one in sums], dtype=int)
        )

    def ratio(self) -> float:
        return float(self.sums[:, 0].sum() / self.sums[:, 1].sum())

    @property
    def parts(self) -> list[np.ndarray]:
        """The sums of each slice."""
        return [self.sums[self.strata == stratum] for stratum in np.unique(self.strata)]

    def resampled(self, samples: int, seed: int) -> np.ndarray:
        """(samples,) ratios over examples drawn with replacement within each slice, as the study drew them.

        Resamples of n examples vary by (n - 1) / n too little; what slices do so more than all examples together, whom
        `widened` makes up for, is made up for here.
        """
        rng = np.random.default_rng(seed)
        total, count = np.zeros((samples, 2)), len(self.sums)
        for part in self.parts:
            size, whole = len(part), part.sum(axis=0)
            drawn = rng.multinomial(size, np.full(size, 1 / size), size=samples) @ part
            short = sqrt(size / (size - 1) * (count - 1) / count) if size > 1 else 0.0
            total += whole + short * (drawn - whole)
        return total[:, 0] / total[:, 1]

    def unsaid(self, bounds: tuple[float, float], confidence: float) -> np.ndarray:
        """(2,) how far below and above the mean the truth may lie for slices whose examples all say the same.

        Resampling finds no spread there; each slice's exact bound stands in for it, by its weight (method of variance
        estimates recovery: Zou and Donner 2008, Statistics in Medicine 27(10)).
        """
        found = np.zeros(2)
        for part in self.parts:
            means = part[:, 0] / part[:, 1]
            if np.ptp(means) < ALIKE:
                share, mean = part[:, 1].sum() / self.sums[:, 1].sum(), float(means.mean())
                low, high = unanimous(mean, bounds, len(part), confidence)
                found += (share * np.array([mean - low, high - mean])) ** 2
        return np.sqrt(found)


def widened(confidence: float, count: int) -> float:
    """The tail to cut of each end of a bootstrap over `count` clusters for an interval of that confidence.

    Resamples vary by (count - 1) / count too little, and their quantiles are the normal's, not Student's: the
    expanded percentile interval of Hesterberg 2015 ("What Teachers Should Know About the Bootstrap", The American
    Statistician 69(4), section 4.1) makes up for both.
    """
    from scipy.special import ndtr

    reach = student(count - 1, 1 - (1 - confidence) / 2) * sqrt(count / (count - 1))
    return float(ndtr(-reach))


def estimate(
    judged: Sequence[Judgement],
    precision: Precision,
    bounds: tuple[float, float],
    value: Callable[[Judgement], float | None],
) -> Estimate | None:
    """A weighted mean over examples with its interval, or None where nothing was judged.

    Cluster bootstrap: examples are resampled with all their judgements (Davison and Hinkley 1997, "Bootstrap Methods",
    3.8; Field and Welsh 2007, JRSS B 69(3)), within slices. The interval is about other examples for these raters.
    Where every judgement is the same there is nothing to resample: the exact binomial bound for the number of examples
    takes its place (Clopper and Pearson 1934), also within a slice.
    """
    clusters = Clusters.of(judged, value)
    count = len(clusters.sums)
    if not count:
        return None
    mean, said = clusters.ratio(), sum(value(one) is not None for one in judged)
    if count < precision.min_examples:
        return Estimate(mean, None, None, count, said)
    means = clusters.sums[:, 0] / clusters.sums[:, 1]
    if np.ptp(means) < ALIKE:
        low, high = unanimous(mean, bounds, count, precision.confidence)
    else:
        tail = widened(precision.confidence, count)
        drawn = clusters.resampled(precision.samples, precision.seed)
        reach = np.abs(np.quantile(drawn, [tail, 1 - tail]) - mean)
        below, above = np.hypot(reach, clusters.unsaid(bounds, precision.confidence))
        low, high = max(mean - float(below), bounds[0]), min(mean + float(above), bounds[1])
    return Estimate(mean, low, high, count, said)


def unanimous(mean: float, bounds: tuple[float, float], count: int, confidence: float) -> tuple[float, float]:
    """The ends for `count` examples that all say the same, from how often another value may still have been missed."""
    from scipy.special import betaincinv

    missed = float(betaincinv(1, count, 1 - (1 - confidence) / 2))
    least, most = bounds
    return mean - missed * (mean - least), mean + missed * (most - mean)


def score(name: str) -> Callable[[Judgement], float | None]:
    """What a judgement says under that name."""
    return lambda one: one.scores.get(name)


def first_chosen(one: Judgement) -> float | None:
    """Whether the text that stood first was chosen; None for a tie."""
    won = one.scores.get(WIN)
    return None if won in (None, 0.5) else float((won == 1.0) == (one.first == "candidate"))


def counted(judged: Sequence[Judgement], name: str) -> np.ndarray:
    """(examples, values): how many raters gave an example each value that occurs, as Krippendorff's alpha takes it."""
    values = sorted({one.scores[name] for one in judged if name in one.scores})
    at = {value: column for column, value in enumerate(values)}
    table: dict[str, np.ndarray] = {}
    for one in judged:
        if name in one.scores:
            table.setdefault(one.example, np.zeros(len(values), dtype=int))[at[one.scores[name]]] += 1
    return np.array(list(table.values())).reshape(-1, len(values))


def alpha_of(counts: np.ndarray, values: Sequence[float], level: str) -> float:
    """Krippendorff's alpha of such a table; NaN where only one value occurs or no example has two raters."""
    paired = counts[counts.sum(axis=1) > 1]
    used = paired.any(axis=0) if len(paired) else np.zeros(counts.shape[1], dtype=bool)
    if used.sum() < 2:
        return float("nan")
    import krippendorff

    domain = np.array(values)[used]
    return float(krippendorff.alpha(value_counts=paired[:, used], value_domain=domain, level_of_measurement=level))


def coincidences(paired: np.ndarray) -> np.ndarray:
    """(examples, values) counts, two raters each at least -> (examples, values, values) what each adds to the coincidences.

    They add up, so that those of a resample are one product.
    """
    pairs = paired[:, :, None] * paired[:, None, :] - paired[:, :, None] * np.eye(paired.shape[1])
    return pairs / (paired.sum(axis=1) - 1)[:, None, None]


def alphas(together: np.ndarray, level: str) -> np.ndarray:
    """(samples, values, values) coincidences -> (samples,) alpha of each; NaN where only one value occurs.

    As `alpha_of`, of all resamples in the time that the package takes for a few.
    """
    held = together.sum(axis=1)
    middle = np.cumsum(held, axis=1) - held / 2
    apart = (middle[:, :, None] - middle[:, None, :]) ** 2 if level == "ordinal" else 1 - np.eye(held.shape[1])
    chance = (held[:, :, None] * held[:, None, :]) / (held.sum(axis=1) - 1)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        # what a value has with itself is not apart, so that chance's diagonal does not matter
        return 1 - (together * apart).sum(axis=(1, 2)) / (chance * apart).sum(axis=(1, 2))


def agreement(judged: Sequence[Judgement], name: str, precision: Precision) -> Estimate | None:
    """Krippendorff's alpha with its interval: nominal for choices, ordinal for marks; None where it is undefined.

    Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability"; computed by the package `krippendorff`, of resamples by
    `alphas`. The interval resamples examples (Zapf et al. 2016, BMC Medical Research Methodology 16:93, find that right for nominal data).
    """
    level = "nominal" if name == WIN else "ordinal"
    values = sorted({one.scores[name] for one in judged if name in one.scores})
    counts = counted(judged, name)
    found = alpha_of(counts, values, level)
    if np.isnan(found):
        return None
    count = int((counts.sum(axis=1) > 1).sum())
    if count < precision.min_examples:
        return Estimate(found, None, None, count, int(counts.sum()))
    paired = counts[counts.sum(axis=1) > 1]
    rng = np.random.default_rng(precision.seed)
    draws = (rng.integers(count, size=count) for _ in range(precision.samples))
    drawn = np.array([np.bincount(draw, minlength=count) for draw in draws])
    resampled = alphas(np.tensordot(drawn, coincidences(paired), axes=1), level)
    tail = widened(precision.confidence, count)
    low, high = (float(end) for end in np.nanquantile(resampled, [tail, 1 - tail]))
    return Estimate(found, low, high, count, int(counts.sum()))
