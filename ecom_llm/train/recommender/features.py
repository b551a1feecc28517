"""A history -> the items that come into question, and what speaks for each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.train.recommender.statistics import Statistics
from ecom_llm.train.recommender.titles import Titles

FOLLOWING = 500
"""Items bought after (and before) those of a history that come into question: bounds what a history costs in a large shop."""
NEAREST = 200
"""Items that come into question for their titles, and so many for their purchases."""
FEATURES = {
    "after": "purchases",
    "is_after": "purchases",
    "before": "purchases",
    "is_before": "purchases",
    "title": "title",
    "sqrt_title": "title",
    "last_title": "title",
    "sqrt_last_title": "title",
    "bought": "popularity",
    "last_again": "again",
    "second_again": "again",
    "older_again": "again",
}
"""What speaks for an item, and of which kind the reason is."""


@dataclass(frozen=True)
class History:
    """What a shopper bought, the last first, as far as these are items; and how alike all titles are to what they bought."""

    items: np.ndarray
    """(known,) int64"""
    weights: np.ndarray
    """(known,) 1 / how many purchases ago."""
    likeness: np.ndarray
    """(items,) the cosines to the titles bought, summed with these weights."""
    last_likeness: np.ndarray
    """(items,) the cosine to the last one."""


@dataclass(frozen=True)
class Candidates:
    """The items that come into question."""

    items: np.ndarray
    """(candidates,) int64, ascending."""
    features: np.ndarray
    """(candidates, len(FEATURES)) float32"""


def history_of(numbers: Sequence[int], titles: Titles, texts: Sequence[str] = ()) -> History:
    """A history from the numbers of its items, the last first; -1 is a title no item has, whose words are in `texts`."""
    weights, known = 1 / np.arange(1.0, len(numbers) + 1), np.asarray(numbers, np.int64)
    likeness, last = titles.likeness_to(known[known >= 0], weights[known >= 0]), np.zeros(titles.size)
    for place in np.flatnonzero(known < 0):
        likeness += weights[place] * titles.likeness(*titles.vector(texts[place]))
    if len(known):
        first = titles.likeness(*titles.vector(texts[0])) if known[0] < 0 else None
        last = titles.likeness_to(known[:1], np.ones(1)) if first is None else first
    return History(known[known >= 0], weights[known >= 0], likeness, last)


def top(values: np.ndarray, most: int) -> np.ndarray:
    """The places of the `most` greatest values above 0, ascending; of equal ones the first."""
    found = np.arange(len(values))
    if len(values) > most:
        least = np.partition(values, len(values) - most)[len(values) - most]
        above, level = np.flatnonzero(values > least), np.flatnonzero(values == least)
        found = np.sort(np.concatenate([above, level[: most - len(above)]]))
    return found[values[found] > 0]


def candidates_of(history: History, statistics: Statistics, also: Sequence[int] = ()) -> Candidates:
    """The items bought around those of the history, those with the likest titles, the most bought, and the history's own.

    Items of `also` come into question too.

    All other items have nothing that tells them apart. In a shop of NEAREST items or fewer, all come into question.
    """
    bought, size = statistics.bought, len(statistics.bought)
    after = statistics.after.total(history.items, history.weights, size)
    before = statistics.before.total(history.items, history.weights, size)
    near = [top(after, FOLLOWING), top(before, FOLLOWING), top(history.likeness, NEAREST)]
    others = [statistics.most_bought[:NEAREST], history.items, np.asarray(also, np.int64)]
    items = np.unique(np.concatenate([*near, *others]))
    # what a shopper had before speaks for itself alone: the counts may hold their own purchases, where they are known
    fresh = ~np.isin(items, history.items)
    follows, precedes = after[items] * fresh, before[items] * fresh
    title, last = history.likeness[items], history.last_likeness[items]
    latest, second, older = history.items[:1], history.items[1:2], history.items[2:]
    second = second[~np.isin(second, latest)]
    columns = (
        np.log1p(20 * follows),
        follows > 0,
        np.log1p(20 * precedes),
        precedes > 0,
        title,
        np.sqrt(title),
        last,
        np.sqrt(last),
        np.log1p(bought[items]),
        np.isin(items, latest),
        np.isin(items, second),
        np.isin(items, older) & ~np.isin(items, history.items[:2]),
    )
    return Candidates(items, np.stack(columns, axis=1).astype(np.float32))
