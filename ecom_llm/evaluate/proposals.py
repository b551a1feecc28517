"""Items proposed to a shopper without a model that writes: by what is bought, their words, and what they mean."""

from collections.abc import Iterable, Sequence

import numpy as np

from ecom_llm.evaluate.baselines import history, popularity, similar_titles
from ecom_llm.evaluate.encoder import Encoder
from ecom_llm.evaluate.measure import PLACES
from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.train.recommender.purchases import bought, purchases_of
from ecom_llm.train.recommender.statistics import statistics_of

DEPTH = 100
"""Places of each ranking that are fused: what stands further down adds next to nothing."""
Ranked = dict[str, list[list[str]]]
"""Baseline -> titles for each example, best first."""
K = 60
"""Of reciprocal rank fusion, as published: it keeps a first place from outvoting everything else."""


def is_ranked(skill: str) -> bool:
    """Whether a skill chooses among items, rather than writing freely."""
    return any("@" in metric for metric in SKILLS[skill].metrics)


def whitened(vectors: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(texts, axes) of length 1: `vectors` as seen from `known`, whose axes are then uncorrelated and of equal spread.

    Su et al. 2021, "Whitening Sentence Representations for Better Semantics and Faster Retrieval". The states of a masked
    model lie in a narrow cone, where every cosine is near 1. Axes along which `known` hardly spreads are not blown up.
    """
    mean = known.mean(axis=0)
    _, spread, axes = np.linalg.svd(known - mean, full_matrices=False)
    turned = (vectors - mean) @ axes.T / np.maximum(spread, max(1e-3 * spread[0], 1e-12))
    return turned / np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)


def nearest_titles(encoder: Encoder, examples: Sequence[Example], titles: Sequence[str], top: int) -> list[list[str]]:
    """The `top` titles nearest to those in each example's history, best first; the first one where several tie.

    Cosine between a title's whitened vector and the sum of the history's. Titles in a shopper's history stay in, as they
    do in the other rankings.
    """
    bought = [history(example) for example in examples]
    known = list(dict.fromkeys([*titles, *(title for one in bought for title in one)]))
    row = {title: place for place, title in enumerate(known)}
    embedded = encoder.embed(known)
    vectors = whitened(embedded, embedded[: len(titles)])
    found = []
    for one in bought:
        likeness = vectors[: len(titles)] @ vectors[[row[title] for title in one]].sum(axis=0)
        found.append([titles[place] for place in np.argsort(-likeness, kind="stable")[:top]])
    return found


def fused(rankings: Iterable[Sequence[str]], top: int) -> list[str]:
    """Reciprocal rank fusion (Cormack et al. 2009): a title's score is the sum of 1 / (60 + place) over the rankings."""
    scores: dict[str, float] = {}
    for ranking in rankings:
        for place, title in enumerate(ranking, start=1):
            scores[title] = scores.get(title, 0.0) + 1 / (K + place)
    return sorted(scores, key=lambda title: -scores[title])[:top]


def bought_around(examples: Sequence[Example], training: Sequence[Example], titles: Sequence[str]) -> Ranked:
    """Items ranked by what training's shoppers bought around those of each history; of equal ones the most bought.

    `cooccurrence` sums over the history how many people bought both, in whatever order; `transitions` sums over them 1 /
    the purchases from the one to the other, weighted by 1 / how many purchases ago it was (distance-weighted item
    transitions). Purchases count together up to LONGEST apart, which is what an example shows.
    """
    counted = statistics_of(purchases_of(training, titles), len(titles))
    number = {title: place for place, title in enumerate(titles)}
    before = counted.people.transposed(len(titles))
    popular = 1e-6 * counted.bought / max(float(counted.bought.sum()), 1.0)
    found: Ranked = {"cooccurrence": [], "transitions": []}
    for example in examples:
        seen = np.array([number[title] for title in bought(example, number)[::-1] if title in number], np.int64)
        alike, ago = np.ones(len(seen)), 1 / np.arange(1.0, len(seen) + 1)
        both = counted.people.total(seen, alike, len(titles)) + before.total(seen, alike, len(titles))
        for name, scores in (("cooccurrence", both), ("transitions", counted.after.total(seen, ago, len(titles)))):
            best = np.argsort(-(scores + popular), kind="stable")[:PLACES]
            found[name].append([titles[place] for place in best])
    return found


def rankings(
    examples: Sequence[Example], training: Sequence[Example], titles: Sequence[str], encoder: Encoder | None
) -> Ranked:
    """Baseline -> its ranking of the titles for each example of one locale; what it lacks the data for is absent."""
    found: Ranked = {}
    if titles:
        found["bm25"] = similar_titles(examples, titles, DEPTH)
    if titles and encoder:
        found["encoder"] = nearest_titles(encoder, examples, titles, DEPTH)
        both = zip(found["bm25"], found["encoder"], strict=True)
        found["bm25_encoder"] = [fused(pair, PLACES) for pair in both]
    if titles and training:
        found |= bought_around(examples, training, titles)
    best = popularity(training, PLACES)
    if best:
        found["popularity"] = [best] * len(examples)
    return {name: [ranking[:PLACES] for ranking in lists] for name, lists in found.items()}
