"""Paired bootstrap intervals of slice metrics: both systems on the same resampled examples."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.evaluate.evidence import PER_TOKEN, Output

CHUNK = 2_000_000
"""Resampled examples held at once: 16 MB of counts."""


@dataclass(frozen=True)
class Interval:
    """How much better the candidate is, in the metric's unit: below 0 it is worse. NaN where it cannot be measured."""

    estimate: float
    low: float
    high: float


def sums(metric: str, outputs: Sequence[Output], ids: Sequence[str]) -> np.ndarray:
    """(examples, 2) numerators and denominators; (0, 0) where an example has nothing to measure, as in its slice's sum."""
    found = {output.id: output.ratios.get(metric, (0.0, 0.0)) for output in outputs}
    return np.array([found.get(name, (0.0, 0.0)) for name in ids], dtype=np.float64).reshape(-1, 2)


def value(metric: str, totals: np.ndarray) -> np.ndarray:
    """Metric from (..., 2) summed numerators and denominators; NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(totals[..., 1] > 0, totals[..., 0] / totals[..., 1], np.nan)
        return np.exp(ratio) if metric in PER_TOKEN else ratio


def resampled(pairs: np.ndarray, samples: int, seed: int) -> np.ndarray:
    """(examples, 4) -> (samples, 4) sums over examples drawn with replacement.

    Drawing n of n examples is a multinomial draw of how often each occurs, so that a resample is one matrix product.
    """
    count = len(pairs)
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // count)
    chunks = [min(step, samples - start) for start in range(0, samples, step)]
    return np.concatenate([rng.multinomial(count, np.full(count, 1 / count), size=size) @ pairs for size in chunks])


def improvement(
    metric: str,
    candidate: Sequence[Output],
    champion: Sequence[Output],
    *,
    greater_is_better: bool,
    confidence: float,
    samples: int,
    seed: int,
) -> Interval:
    """Two-sided percentile interval of candidate minus champion, signed so that more is better.

    Examples are the unit of resampling (Koehn 2004, "Statistical Significance Tests for Machine Translation
    Evaluation"; Efron and Tibshirani 1993, chapter 13). Pairing takes out how hard the examples are.
    """
    ids = sorted({output.id for output in (*candidate, *champion) if metric in output.ratios})
    if not ids:
        return Interval(np.nan, np.nan, np.nan)
    pairs = np.concatenate([sums(metric, candidate, ids), sums(metric, champion, ids)], axis=1)
    sign = 1.0 if greater_is_better else -1.0
    whole = pairs.sum(axis=0)
    drawn = resampled(pairs, samples, seed)
    changes = sign * (value(metric, drawn[:, :2]) - value(metric, drawn[:, 2:]))
    tail = (1 - confidence) / 2
    # np.quantile gives NaN if any resample could not be measured: too few examples hold the metric to compare on
    low, high = np.quantile(changes, [tail, 1 - tail])
    estimate = sign * (value(metric, whole[:2]) - value(metric, whole[2:]))
    return Interval(*(float(found) + 0.0 for found in (estimate, low, high)))  # + 0.0: a tie is 0, not -0
