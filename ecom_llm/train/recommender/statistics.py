"""Purchases -> what is counted of them: what is bought, and what after what."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecom_llm.train.recommender.purchases import Purchases
from ecom_llm.train.recommender.rows import Rows, rows_of


@dataclass(frozen=True)
class Statistics:
    """Counts over the items of one locale. A person counts once for a pair of items, however often they bought it."""

    bought: np.ndarray
    """(items,) float32: the number of people who bought each."""
    after: Rows
    """Row a, column b: the sum over people of 1 / the purchases from a on to b, where b came at most LONGEST after a."""
    people: Rows
    """Row a, column b: the number of those people."""

    @cached_property
    def before(self) -> Rows:
        """`after` by its columns."""
        return self.after.transposed(len(self.bought))

    @cached_property
    def most_bought(self) -> np.ndarray:
        """The items, the most bought first; of equal ones the first."""
        return np.argsort(-self.bought, kind="stable")


def statistics_of(purchases: Purchases, items: int) -> Statistics:
    """Count the purchases."""
    row, distance = np.nonzero(purchases.history >= 0)
    first, second, who = purchases.history[row, distance], purchases.item[row], purchases.person[row]
    # the nearest of a person's purchases of a pair: sorted by distance within the pair, the first one
    order = np.lexsort((distance, who, second, first))
    first, second, who, distance = first[order], second[order], who[order], distance[order]
    fresh = np.ones(len(order), bool)
    fresh[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1]) | (who[1:] != who[:-1])
    first, second, near = first[fresh], second[fresh], 1 / (1 + distance[fresh])
    return Statistics(
        buyers(purchases, items),
        rows_of(first, second, near, items),
        rows_of(first, second, np.ones(len(near)), items),
    )


def buyers(purchases: Purchases, items: int) -> np.ndarray:
    """(items,) float32: the number of people with each item among what they bought, the first of their purchases included."""
    bought = np.column_stack([purchases.item, purchases.history])
    owner = np.repeat(purchases.person, bought.shape[1])
    # a place without a purchase counts for an item beyond the last
    pairs = np.unique(owner * (items + 1) + np.where(bought < 0, items, bought).reshape(-1))
    return np.bincount(pairs % (items + 1), minlength=items + 1)[:items].astype(np.float32)
