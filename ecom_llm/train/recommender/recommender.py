"""The recommender: of each locale its titles, what was bought after what, and what speaks for an item."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecom_llm.records import Example, Item, UserError
from ecom_llm.skills.skill import words as said
from ecom_llm.train.recommender.features import FEATURES, Candidates, candidates_of, history_of
from ecom_llm.train.recommender.purchases import bought
from ecom_llm.train.recommender.reasons import WORDS, Asked, kinds, reason
from ecom_llm.train.recommender.statistics import Statistics
from ecom_llm.train.recommender.titles import Titles, titles_of


@dataclass(frozen=True)
class Recommended:
    """An item and why it is one."""

    title: str
    reason: str
    """In the locale's words, true of the training purchases and the titles."""
    locale: str

    @property
    def told(self) -> str:
        """As it may be shown: the title in the first line, just as the shop has it, and the reason in the second."""
        return f"{self.title}\n{said(WORDS, self.locale)['why'].format(reason=self.reason)}"


@dataclass(frozen=True)
class Shelf:
    """The items of one locale, and what is known of them."""

    locale: str
    titles: tuple[str, ...]
    statistics: Statistics
    weights: Mapping[str, float]

    @cached_property
    def number(self) -> dict[str, int]:
        """Title -> the item's number."""
        return {title: place for place, title in enumerate(self.titles)}

    @cached_property
    def vectors(self) -> Titles:
        """The titles' words; computed anew from the titles, which takes a second for 50,000."""
        return titles_of(self.titles)

    def recommend(self, example: Example, most: int, *, explain: bool = True) -> list[Recommended]:
        """The items an example's shopper most likely buys next, the likeliest first; of equal ones the first item.

        Only items can come out. Those in the history stay in, as in every other ranking: shoppers buy again.
        Without `explain`, reasons are empty.
        """
        asked, found = self.looked(example)
        scores = found.features @ self.factors if asked.known else self.statistics.bought[found.items]
        best = np.argsort(-scores, kind="stable")[:most]
        return [self.told_of(asked, found, int(place), explain) for place in best]

    def because(self, example: Example, title: str) -> Recommended:
        """The reason for an item that something else chose."""
        asked, found = self.looked(example, (self.number[title],))
        return self.told_of(asked, found, int(np.searchsorted(found.items, self.number[title])), True)

    @property
    def factors(self) -> np.ndarray:
        """The weights in the features' order."""
        return np.array([self.weights[name] for name in FEATURES])

    def looked(self, example: Example, also: Sequence[int] = ()) -> tuple[Asked, Candidates]:
        """An example's history, and the items that come into question for it; `also` do so anyway."""
        texts = bought(example, self.number)[::-1]
        history = history_of([self.number.get(text, -1) for text in texts], self.vectors, texts)
        return Asked(history, texts), candidates_of(history, self.statistics, also)

    def told_of(self, asked: Asked, found: Candidates, place: int, explain: bool) -> Recommended:
        """One of the candidates, with its reason where one is wanted."""
        item, ordered = int(found.items[place]), kinds(found, place, self.factors) if explain else []
        why = reason(item, ordered, asked, self) if explain else ""
        return Recommended(self.titles[item], why, self.locale)


@dataclass(frozen=True)
class Recommender:
    """Locale -> shelf."""

    shelves: Mapping[str, Shelf]

    def shelf(self, locale: str) -> Shelf:
        """The shelf of a locale.

        Raises:
            UserError: it has no items.
        """
        if locale not in self.shelves:
            known = ", ".join(self.shelves)
            raise UserError(f"there is nothing to recommend in locale {locale}: the shop's items are in {known}.")
        return self.shelves[locale]

    def recommend(self, examples: Sequence[Example], most: int, *, explain: bool = True) -> list[list[Recommended]]:
        """`Shelf.recommend` for each example."""
        return [self.shelf(one.locale).recommend(one, most, explain=explain) for one in examples]

    def because(self, example: Example, title: str) -> Recommended:
        """`Shelf.because`."""
        return self.shelf(example.locale).because(example, title)

    def items(self) -> list[Item]:
        """Every item, by its title alone."""
        return [
            Item(product=title, locale=name, title=title) for name, one in self.shelves.items() for title in one.titles
        ]
