"""Why an item is recommended, in words that are true of the training purchases and of the titles."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Protocol

import numpy as np

from ecom_llm.skills.skill import Words
from ecom_llm.skills.skill import words as said
from ecom_llm.train.recommender.features import FEATURES, Candidates, History
from ecom_llm.train.recommender.statistics import Statistics
from ecom_llm.train.recommender.titles import HAN_STRETCH, Titles, words

WORDS: Words = {
    "en": {
        "why": "Why: {reason}",
        "after_many": "{count} shoppers bought it after “{title}”",
        "after_one": "a shopper bought it after “{title}”",
        "before_many": "{count} shoppers bought it before “{title}”",
        "before_one": "a shopper bought it before “{title}”",
        "title": "like “{title}”: {shared}",
        "popularity": "{count} shoppers bought it",
        "sold": "a shopper bought it",
        "again": "bought before by the same shopper",
        "unbought": "new: no shopper is known to have bought it",
        "comma": ", ",
    },
    "zh": {
        "why": "理由：{reason}",
        "after_many": "有{count}位顾客在购买“{title}”之后买了它",
        "after_one": "有顾客在购买“{title}”之后买了它",
        "before_many": "有{count}位顾客在购买“{title}”之前买了它",
        "before_one": "有顾客在购买“{title}”之前买了它",
        "title": "与“{title}”相似：{shared}",
        "popularity": "有{count}位顾客买过它",
        "sold": "有顾客买过它",
        "again": "该顾客以前买过",
        "unbought": "新品：尚无顾客购买的记录",
        "comma": "、",
    },
}
SHARED = 3
"""Words named that two titles share."""


class Shop(Protocol):
    """What a reason may rest on: `recommender.Shelf`."""

    locale: str
    titles: Sequence[str]
    statistics: Statistics

    @property
    def vectors(self) -> Titles: ...


@dataclass(frozen=True)
class Asked:
    """A history with the titles behind it, in the order of `History`: what reasons may speak of."""

    history: History
    titles: Sequence[str]
    """Those of all purchases, the last first; such as are no item's too."""

    @property
    def known(self) -> bool:
        """Whether anything is: else only what most people bought is left, since weights are fitted on histories."""
        return bool(len(self.history.items) or self.history.likeness.any())


def kinds(found: Candidates, place: int, weights: np.ndarray) -> list[str]:
    """The kinds of reasons that lift a candidate above the mean of all, the weightiest first."""
    lifted = weights * (found.features[place] - found.features.mean(axis=0))
    sums: dict[str, float] = {}
    for kind, lift in zip(FEATURES.values(), lifted, strict=True):
        sums[kind] = sums.get(kind, 0.0) + float(lift)
    return sorted(sums, key=lambda kind: -sums[kind])


def by_purchases(item: int, asked: Asked, shop: Shop) -> str:
    """Which item of the history most people bought it after, or else before; "" where nobody did."""
    people = shop.statistics.people
    orders = {"after": lambda one: people.at(one, item), "before": lambda one: people.at(item, one)}
    for order, counted in orders.items():
        best = max(asked.history.items.tolist(), key=counted, default=None)
        if best is not None and (count := int(counted(best))):
            form = said(WORDS, shop.locale)[f"{order}_{'many' if count > 1 else 'one'}"]
            return form.format(count=count, title=shop.titles[best])
    return ""


def by_title(item: int, asked: Asked, shop: Shop) -> str:
    """The title of the history that shares most with the item's, and the rarest words they share; "" where none does."""
    own, best, most = set(words(shop.titles[item])), ("", []), 0.0
    rarity = shop.vectors.rarity
    for title in asked.titles:
        shared = sorted(own.intersection(words(title)), key=lambda word: (-rarity(word), word))
        total = sum(map(rarity, shared))
        if total > most:
            best, most = (title, shared), total
    known = said(WORDS, shop.locale)
    plain = [word for word in best[1] if not HAN_STRETCH.fullmatch(word)]
    shared = known["comma"].join([*stretches(shop.titles[item], best[0]), *plain][:SHARED])
    return known["title"].format(title=best[0], shared=shared) if shared else ""


def stretches(title: str, other: str) -> list[str]:
    """The Chinese both titles hold in one piece, the longest first: pairs of characters may cut words in two."""
    blocks = SequenceMatcher(None, title, other, autojunk=False).get_matching_blocks()
    found = [one for block in blocks for one in HAN_STRETCH.findall(title[block.a : block.a + block.size])]
    return sorted(dict.fromkeys(found), key=lambda one: -len(one))


def reason(item: int, ordered: Sequence[str], asked: Asked, shop: Shop) -> str:
    """The first of the ordered kinds of reasons that holds."""
    count, known = int(shop.statistics.bought[item]), said(WORDS, shop.locale)
    # nothing is liker to what was bought than the same again, which tells nobody anything
    if item in asked.history.items:
        return known["again"]
    popularity = known["popularity"].format(count=count) if count > 1 else ""
    holding = {
        "purchases": by_purchases(item, asked, shop),
        "title": by_title(item, asked, shop),
        "popularity": popularity,
    }
    first = next((holding[kind] for kind in ordered if holding.get(kind)), "")
    return first or (known["sold"] if count else known["unbought"])
