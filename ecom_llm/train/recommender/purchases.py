"""What the training examples tell of purchases: who bought what after what, as numbers of the items."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.records import LIST_SEPARATOR, Example
from ecom_llm.skills.recommend import LONGEST, WORDS, person
from ecom_llm.skills.skill import words


def bought(example: Example, number: Mapping[str, int]) -> list[str]:
    """The titles of an example's history, oldest first; a title that holds the separator itself is put together again."""
    parts = example.attributes.get(words(WORDS, example.locale)["history"], "").split(LIST_SEPARATOR)
    found, place = [], 0
    while place < len(parts):
        ends = range(len(parts), place, -1)
        end = next((end for end in ends if LIST_SEPARATOR.join(parts[place:end]) in number), place + 1)
        found.append(LIST_SEPARATOR.join(parts[place:end]))
        place = end
    return [title for title in found if title]


@dataclass(frozen=True)
class Purchases:
    """Purchases of one locale, each with what its shopper had bought before it."""

    history: np.ndarray
    """(purchases, LONGEST) int64: the items before it, the last in column 0; -1 where there are no more."""
    item: np.ndarray
    """(purchases,) int64"""
    person: np.ndarray
    """(purchases,) int64: the same number, the same person."""
    names: tuple[str, ...]
    """The persons by number."""

    def taking(self, rows: np.ndarray) -> "Purchases":
        """Some of them."""
        return Purchases(self.history[rows], self.item[rows], self.person[rows], self.names)

    def __len__(self) -> int:
        return len(self.item)


def purchases_of(examples: Iterable[Example], titles: Sequence[str]) -> Purchases:
    """The purchases that examples of one locale tell of, as far as they are items."""
    number = {title: place for place, title in enumerate(titles)}
    people: dict[str, int] = {}
    history, item, who = [], [], []
    for example in examples:
        if example.target in number:
            seen = [number[title] for title in bought(example, number) if title in number][::-1][:LONGEST]
            history.append(seen + [-1] * (LONGEST - len(seen)))
            item.append(number[example.target])
            who.append(people.setdefault(person(example.group), len(people)))
    table = np.array(history, np.int64).reshape(-1, LONGEST)
    return Purchases(table, np.array(item, np.int64), np.array(who, np.int64), tuple(people))
