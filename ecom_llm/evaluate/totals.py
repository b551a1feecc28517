"""Metrics from summed statistics: what a bootstrap resamples when a metric is no mean over examples.

Each takes an array (..., k) of sums over examples and gives (...): one corpus, or thousands of resampled ones at once.
"""

from collections.abc import Callable

import numpy as np

ORDERS = 4
"""Longest n-grams of BLEU."""
CHARACTER_ORDERS = 6
BETA = 2
"""Of chrF: recall counts twice as much as precision."""


def bleu_from_totals(totals: np.ndarray) -> np.ndarray:
    """Corpus BLEU-4, 0 to 100.

    Args:
        totals: (..., 10): length of the texts, length of the references, 4 numbers of matched n-grams, 4 of n-grams.

    As sacrebleu's `BLEU.compute_bleu` with its default, smoothing `exp`: an order without a match has half a match, the
    next one a quarter (mteval-v13a); no n-gram of some order, or no match at all, is 0.
    """
    totals = np.asarray(totals, dtype=np.float64)
    length, reference = totals[..., 0], totals[..., 1]
    matched, counted = totals[..., 2 : 2 + ORDERS], totals[..., 2 + ORDERS :]
    missed = (matched == 0) & (counted > 0)
    smoothed = np.where(matched > 0, matched, 0.5 ** np.cumsum(missed, axis=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.log(smoothed / counted).mean(axis=-1)
        brevity = np.minimum(0.0, 1 - reference / length)
        score = 100 * np.exp(precision + brevity)
    return np.where(matched.any(axis=-1) & counted.all(axis=-1), score, 0.0)


def chrf_from_totals(totals: np.ndarray) -> np.ndarray:
    """Corpus chrF (characters to 6, no words, beta 2), 0 to 100.

    Args:
        totals: (..., 18): for each order the n-grams of the texts, of the references, and the matched ones.

    As sacrebleu's `CHRF._compute_f_score` without its epsilon smoothing: orders that either side lacks do not count.
    """
    totals = np.asarray(totals, dtype=np.float64)
    counts = totals.reshape(*totals.shape[:-1], CHARACTER_ORDERS, 3)
    written, wanted, matched = (counts[..., place] for place in range(3))
    known = (written > 0) & (wanted > 0)
    orders = np.maximum(known.sum(axis=-1), 1)
    precision = (np.where(known, matched, 0) / np.where(known, written, 1)).sum(axis=-1) / orders
    recall = (np.where(known, matched, 0) / np.where(known, wanted, 1)).sum(axis=-1) / orders
    below = BETA**2 * precision + recall
    return 100 * (1 + BETA**2) * precision * recall / np.where(below > 0, below, 1)


FROM_TOTALS: dict[str, Callable[[np.ndarray], np.ndarray]] = {"bleu": bleu_from_totals, "chrf": chrf_from_totals}
"""Metric -> its value from the sum of `Output.statistics`."""
