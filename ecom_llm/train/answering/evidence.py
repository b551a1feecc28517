"""What is known of a product: its listing's attributes, and what was answered to other questions about it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from ecom_llm.records import Example, Record
from ecom_llm.skills import advertise, answer

Key = tuple[str, str]
"""(product, locale)"""


class Told(Record):
    """An answered question."""

    id: str
    """The id of the example it was made of."""
    product: str
    locale: str
    question: str
    answer: str
    source: str
    """Where it stands in the shop's data: `<source>:<row>`."""


class Listing(Record):
    """The attributes of a product, in one locale."""

    product: str
    locale: str
    attributes: dict[str, str]


def told_of(example: Example) -> Told:
    """An `answer` example as evidence for other questions."""
    return Told(
        id=example.id,
        product=example.product,
        locale=example.locale,
        question=answer.question(example),
        answer=example.target,
        source=example.source,
    )


@dataclass(frozen=True)
class Known:
    """All evidence of a shop."""

    answers: Mapping[Key, tuple[Told, ...]]
    listings: Mapping[Key, Mapping[str, str]]

    def about(self, example: Example) -> tuple[Told, ...]:
        """The earlier answers about an example's product, never its own."""
        found = self.answers.get((example.product, example.locale), ())
        return tuple(told for told in found if told.id != example.id)

    @cached_property
    def by_locale(self) -> dict[str, list[tuple[str, int]]]:
        """Locale -> (product, its number of answers), the products in order."""
        found: dict[str, list[tuple[str, int]]] = {}
        for (product, locale), told in sorted(self.answers.items()):
            found.setdefault(locale, []).append((product, len(told)))
        return found

    def elsewhere(self, example: Example, count: int) -> tuple[Told, ...]:
        """`count` answers about another product: evidence that does not hold the answer to this example's question.

        Products with at least as many are drawn from, by the example's id: were there fewer, their number would tell.
        Where no other product has as many there is none.
        """
        others = [
            product
            for product, size in self.by_locale.get(example.locale, ())
            if size >= count and product != example.product
        ]
        if not others or not count:
            return ()
        place = int.from_bytes(sha256(example.id.encode()).digest()[:8], "big") % len(others)
        return self.answers[others[place], example.locale][:count]


LISTING: Mapping[str, Callable[[Example], Mapping[str, str]]] = {
    "answer": answer.known,
    "describe": lambda one: one.attributes,
    "advertise": advertise.facts,
}
"""Skill -> what of its examples is the product's listing."""


def known_of(examples: Iterable[Example]) -> Known:
    """The evidence that examples of any skill hold."""
    answers: dict[Key, list[Told]] = {}
    listings: dict[Key, Mapping[str, str]] = {}
    for example in examples:
        key = (example.product, example.locale)
        if example.skill == "answer":
            answers.setdefault(key, []).append(told_of(example))
        facts = LISTING.get(example.skill)
        if facts and (found := facts(example)):
            listings.setdefault(key, found)
    return Known({key: tuple(told) for key, told in answers.items()}, listings)
