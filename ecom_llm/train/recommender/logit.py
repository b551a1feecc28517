"""The weights of what speaks for an item: a conditional logit, on purchases that statistics of other people explain."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

from ecom_llm.train.recommender.features import FEATURES, candidates_of, history_of
from ecom_llm.train.recommender.purchases import Purchases
from ecom_llm.train.recommender.statistics import statistics_of
from ecom_llm.train.recommender.titles import Titles

FOLDS = 5
MOST_PURCHASES = 4000
"""Purchases the weights are fitted on, drawn from all where there are more: a dozen weights need no more."""
PRIOR = {"after": 1.0, "sqrt_title": 4.0, "bought": 0.3}
"""The weights before any purchase is seen; all else is 0."""
RIDGE = 2.0
"""What a weight's distance from the prior costs, squared, in standard deviations of its feature, beside nats per purchase."""
DIGITS = 4
"""Decimals kept of a weight: more would be rounding noise that differs between machines."""

Choice = tuple[np.ndarray, int]
"""The features of a purchase's candidates, and the place of the one that was bought."""


def folds(purchases: Purchases, seed: int) -> np.ndarray:
    """(purchases,) the fold of each: a person's purchases stand in one."""
    drawn = [random.Random(f"{seed}\n{name}").randrange(FOLDS) for name in purchases.names]
    return np.array(drawn, np.int64)[purchases.person]


def choices(purchases: Purchases, titles: Titles, seed: int) -> Iterator[Choice]:
    """What was chosen from, as statistics of the people of all other folds show it.

    A person's purchases that counted would explain themselves: the weights would learn to trust any single purchase.
    """
    fold = folds(purchases, seed)
    drawn = random.Random(seed).sample(range(len(purchases)), min(MOST_PURCHASES, len(purchases)))
    chosen = np.array(sorted(drawn), np.int64)
    for held_out in range(FOLDS):
        statistics = statistics_of(purchases.taking(np.flatnonzero(fold != held_out)), titles.size)
        for row in chosen[fold[chosen] == held_out]:
            history = purchases.history[row]
            found = candidates_of(history_of(history[history >= 0], titles), statistics)
            place = int(np.searchsorted(found.items, purchases.item[row]))
            # what does not come into question teaches nothing about what does
            if place < len(found.items) and found.items[place] == purchases.item[row]:
                yield found.features, place


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order, whatever `train.num_threads` is."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def fitted(found: list[Choice]) -> dict[str, float]:
    """Feature -> weight: the conditional logit (McFadden 1974), a softmax over each purchase's candidates, by L-BFGS."""
    prior = torch.tensor([PRIOR.get(name, 0.0) for name in FEATURES], dtype=torch.float64)
    weights = prior
    if found:
        lengths = torch.tensor([len(features) for features, _ in found])
        features = torch.from_numpy(np.concatenate([features for features, _ in found]))
        bought = lengths.cumsum(0) - lengths + torch.tensor([place for _, place in found])
        with one_thread():
            weights = prior + moved(features, lengths, bought, prior)
    return {name: round(float(weight), DIGITS) for name, weight in zip(FEATURES, weights, strict=True)}


def moved(features: torch.Tensor, lengths: torch.Tensor, bought: torch.Tensor, prior: torch.Tensor) -> torch.Tensor:
    """How far the purchases move the weights from the prior."""
    owner = torch.repeat_interleave(torch.arange(len(lengths)), lengths)
    spread = features.std(dim=0).clamp_min(1e-3).double()
    scaled, base = features / spread.float(), features.double() @ prior
    step = torch.zeros(len(prior), dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([step], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        score = base + (scaled @ step.float()).double()
        highest = torch.full((len(lengths),), -torch.inf, dtype=torch.float64)
        highest = highest.scatter_reduce(0, owner, score.detach(), "amax")
        total = torch.zeros_like(highest).index_add(0, owner, (score - highest[owner]).exp())
        surprise = highest + total.log() - score[bought]
        cost = (surprise.sum() + RIDGE * step.square().sum()) / len(lengths)
        cost.backward()
        return cost

    search.step(loss)
    return step.detach() / spread
