"""The training split's purchases and the items -> a recommender."""

from collections.abc import Iterator
from pathlib import Path

from ecom_llm.records import Example, Item
from ecom_llm.shards import read_records
from ecom_llm.train.recommender.logit import choices, fitted
from ecom_llm.train.recommender.purchases import purchases_of
from ecom_llm.train.recommender.recommender import Recommender, Shelf
from ecom_llm.train.recommender.statistics import statistics_of
from ecom_llm.train.recommender.titles import titles_of


def learned_from(prepared: Path, items: Path, seed: int) -> Recommender | None:
    """Learn from the purchases of the training split; None where there are none.

    Args:
        prepared: folder of the training examples.
        items: folder of the items, read only where there are purchases.
        seed: which purchases are held out of which statistics.
    """
    if not any(True for _ in purchases_in(prepared)):
        return None
    titles: dict[str, list[str]] = {}
    for item in read_records(items, Item):
        titles.setdefault(item.locale, []).append(item.title)
    shelves = {}
    for locale, found in sorted(titles.items()):
        # read once for each locale: examples in memory would cost more than all that is made of them
        purchases = purchases_of((one for one in purchases_in(prepared) if one.locale == locale), found)
        vectors = titles_of(found)
        weights = fitted(list(choices(purchases, vectors, seed)))
        shelves[locale] = Shelf(locale, tuple(found), statistics_of(purchases, len(found)), weights)
    return Recommender(shelves)


def purchases_in(folder: Path) -> Iterator[Example]:
    """The examples of purchases in a split."""
    return (example for example in read_records(folder, Example) if example.skill == "recommend")
