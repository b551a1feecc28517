"""Summed statistics -> the value of a metric: what a slice, a resample and a subset share. No library of metrics here.

Each test example carries a vector for each metric whose value is a function of the vectors' sum: two numbers for a
ratio of sums, ten for BLEU. Other metrics, such as distinct-n, cannot be had from sums.
"""

from collections.abc import Callable

import numpy as np

Value = Callable[[np.ndarray], np.ndarray]
"""(..., k) sums -> (...) values, each independent of the others; NaN where it cannot be computed."""

ORDER = 4
"""Longest n-grams of BLEU."""
CHRF_BETA = 2
"""How much more recall counts than precision in chrF, as in sacrebleu's chrF2."""


def ratio(totals: np.ndarray) -> np.ndarray:
    """(..., 2) numerators and denominators -> their ratio; NaN where the denominator is 0."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(totals[..., 1] > 0, totals[..., 0] / totals[..., 1], np.nan)


def exp_ratio(totals: np.ndarray) -> np.ndarray:
    """(..., 2) nats and tokens -> perplexity."""
    return np.exp(ratio(totals))


def bleu(totals: np.ndarray) -> np.ndarray:
    """(..., 10) lengths of text and reference, n-grams found and written for n of 1 to 4 -> corpus BLEU, 0 to 100.

    Papineni et al. 2002, with sacrebleu's default smoothing, `exp` (mteval-v13a): an order without a match has half a
    match, the next one a quarter; no n-gram of some order, or no match at all, is 0.
    """
    written, reference = totals[..., 0], totals[..., 1]
    found, all_of = totals[..., 2:6], totals[..., 6:10]
    with np.errstate(divide="ignore", invalid="ignore"):
        halved = 2.0 ** -np.cumsum(found == 0, axis=-1)  # of the orders so far without a match
        precision = np.log(np.where(found == 0, halved, found) / all_of).mean(axis=-1)
        brevity = np.minimum(0.0, 1 - reference / written)
        score = 100 * np.exp(precision + brevity)
    known = (found > 0).any(axis=-1) & (all_of > 0).all(axis=-1) & (written > 0)
    return np.where(known, score, 0.0)


def bare_bleu(totals: np.ndarray) -> np.ndarray:
    """The same counts -> corpus BLEU without smoothing, 0 to 1: 0 where an order has no match (RNNLG's)."""
    return np.where((totals[..., 2:6] > 0).all(axis=-1), bleu(totals) / 100, 0.0)


def chrf(totals: np.ndarray) -> np.ndarray:
    """(..., 3 * orders) n-grams of text, of reference and in both, order after order -> chrF, 0 to 100.

    Popovic 2015, WMT: mean precision and recall over the orders that both have, as in sacrebleu, whose chrF counts
    6 orders and no words.
    """
    written, reference, found = (totals[..., place::3] for place in range(3))
    both = (written > 0) & (reference > 0)
    orders = np.maximum(both.sum(axis=-1), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(both, found / written, 0).sum(axis=-1) / orders
        recall = np.where(both, found / reference, 0).sum(axis=-1) / orders
        weighed = CHRF_BETA**2 * precision + recall
        return np.where(weighed > 0, 100 * (1 + CHRF_BETA**2) * precision * recall / weighed, 0.0)


VALUES: dict[str, Value] = {
    "perplexity": exp_ratio,
    "pseudo_perplexity": exp_ratio,
    "bleu": bleu,
    "chrf": chrf,
    "rnnlg_bleu": bare_bleu,
    "rnnlg_bleu_1": bare_bleu,
}
"""Metric -> its value; one that is not named is a ratio of sums."""


def value_of(metric: str) -> Value:
    """What makes a metric's value of the sums of its statistics."""
    return VALUES.get(metric, ratio)


def applies(metric: str, statistics: np.ndarray) -> bool:
    """Whether a metric is defined on examples with these statistics (examples, k).

    BLEU-4 is not where no reference has four tokens: there is no 4-gram to be found, and the 0 of texts as short, like
    what smoothing makes of longer ones, would be no measurement. The counts' sum does not tell, each example's do.
    """
    return metric != "bleu" or bool((statistics[:, 1] >= ORDER).any())


def gradient(value: Value, totals: np.ndarray) -> np.ndarray:
    """(..., k): the derivative of a value by each sum, from central differences.

    0 where a sum is 0: counts that sum to 0 are 0 in every example, and add nothing to any spread.
    """
    found = np.zeros_like(totals)
    for place in range(totals.shape[-1]):
        step = np.zeros_like(totals)
        step[..., place] = 1e-4 * np.abs(totals[..., place])
        with np.errstate(divide="ignore", invalid="ignore"):
            change = (value(totals + step) - value(totals - step)) / (2 * step[..., place])
        found[..., place] = np.where(step[..., place] > 0, change, 0.0)
    return found
