"""An endless shop whose true metrics are known: examples in clusters, and systems that write better or worse."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr

from ecom_llm.evaluate.totals import Value, bleu, exp_ratio, ratio

METRICS: Mapping[str, Value] = {
    "coverage": ratio,
    "unsupported": ratio,
    "hit": ratio,
    "mean": ratio,
    "bits_per_byte": ratio,
    "perplexity": exp_ratio,
    "bleu": bleu,
}
"""Shares near 1 and near 0, 0 or 1 of each example, a skewed mean, ratios of sums, exp of one, and a ratio of ten sums."""
TRUTH = 400_000
"""Clusters that stand for the endless population: the truth is known 40 times better than from the largest test set."""


@dataclass(frozen=True)
class Sample:
    """Examples of one test set and what one system's outputs are worth on them."""

    clusters: np.ndarray
    """(examples,) the cluster of each."""
    statistics: Mapping[str, np.ndarray]
    """Metric -> (examples, k)."""


@dataclass(frozen=True)
class Shop:
    """The examples of one test set, before anybody writes for them."""

    clusters: np.ndarray
    difficulty: np.ndarray
    """(examples,) standard normal, alike within a product, and the same for every system."""
    expected: np.ndarray
    """(examples,) values asked for."""
    size: np.ndarray
    """(examples,) bytes of the reference."""
    length: np.ndarray
    """(examples,) words of the reference."""


def draw_shop(clusters: int, rng: np.random.Generator) -> Shop:
    """A test set of so many products with one to four examples each."""
    members = np.repeat(np.arange(clusters), rng.integers(1, 5, clusters))
    count = len(members)
    return Shop(
        clusters=members,
        difficulty=0.6 * rng.normal(size=clusters)[members] + 0.8 * rng.normal(size=count),
        expected=rng.integers(2, 8, count),
        size=np.ceil(np.exp(rng.normal(4, 0.6, count))),
        length=np.maximum(4, np.round(np.exp(rng.normal(2.6, 0.4, count)))).astype(int),
    )


def grams(length: np.ndarray, quality: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """N-grams found of texts of these lengths, for n of 1 to 4: each holds where the shorter ones within it do."""
    found = [rng.binomial(length, ndtr(0.2 + 0.5 * quality))]
    for n in (1, 2, 3):
        found.append(rng.binomial(np.minimum(found[-1], length - n), ndtr(0.2 + 0.5 * quality)))
    return found


def write_for(shop: Shop, skill: float, rng: np.random.Generator) -> Sample:
    """What a system is worth on a shop: its skill (0 for the usual one), each example's difficulty, and its own luck."""
    count = len(shop.clusters)
    quality = skill + 0.8 * shop.difficulty + 0.6 * rng.normal(size=count)
    one = np.ones(count)
    bits = shop.size * np.exp(0.2 - 0.35 * quality)
    words = np.maximum(4, np.round(shop.length * np.exp(rng.normal(-0.05, 0.15, count)))).astype(int)
    matched = grams(words, quality, rng)
    statistics = {
        "coverage": [rng.binomial(shop.expected, ndtr(1.3 + 0.9 * quality)), shop.expected],
        "unsupported": [rng.binomial(shop.expected, ndtr(-2.2 - 0.9 * quality)), shop.expected],
        "hit": [rng.random(count) < ndtr(-1.3 + 0.6 * quality), one],
        "mean": [np.exp(0.6 * quality), one],
        "bits_per_byte": [bits, shop.size],
        "perplexity": [bits * np.log(2), np.ceil(shop.size / 4)],
        "bleu": [words, shop.length, *matched, words, words - 1, words - 2, words - 3],
    }
    return Sample(shop.clusters, {name: np.stack(found, axis=1).astype(float) for name, found in statistics.items()})


@cache
def true_values(skill: float) -> dict[str, float]:
    """What a system of this skill is worth on the endless population."""
    rng = np.random.default_rng(20261128)
    everything = write_for(draw_shop(TRUTH, rng), skill, rng)
    return {name: float(METRICS[name](found.sum(axis=0))) for name, found in everything.statistics.items()}
