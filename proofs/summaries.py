"""Attack summaries with reviews whose opinions are known: those the built-in catalogue makes, thirty of each product.

`python -m proofs.summaries` prints a table of both languages beside a baseline, and ends with one PROOF line.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from ecom_llm.collect.catalogue import SOURCE
from ecom_llm.collect.catalogue.items import Item, draw_item
from ecom_llm.collect.catalogue.schema import load_schema
from ecom_llm.collect.catalogue.texts import review
from ecom_llm.prepare.words import keywords
from ecom_llm.records import Example
from ecom_llm.skills.review import WORDS
from ecom_llm.summarise.points import Point, Quote, Said, points
from ecom_llm.summarise.summary import MOST, Reader, stars_of
from ecom_llm.summarise.thoughts import thoughts
from ecom_llm.summarise.topics import Topic

SEED = 8
"""Not the one whose products were looked at while the word lists grew."""
REVIEWS = 30
"""Reviews of a product: the catalogue itself has one or two, of which nothing can be summed up."""
LEAST = 2
"""Reviews that state an opinion for it to be owed."""
SIDES = (1, -1)
AGREEMENT = 0.97
"""Least share of points about a known opinion that are on its side."""


class Reviewed(NamedTuple):
    """A product with its reviews, and how many of them state which opinion on which side."""

    reviews: list[Example]
    opinions: dict[int, Counter[str]]


@dataclass
class Score:
    """What was counted over all products of a language."""

    quotes: int = 0
    grounded: int = 0
    points: int = 0
    agreeing: int = 0
    """Points about an opinion that buyers have, on its side: the statement states it, and the point is about a word of it."""
    right: int = 0
    """Those among them that tell one which no point before tells."""
    wrong: int = 0
    """Points about an opinion that buyers have, on the other side."""
    owed: int = 0
    told: int = 0

    def shares(self) -> dict[str, float]:
        """Groundedness, precision, polarity agreement and coverage."""
        return {
            "groundedness": self.grounded / max(1, self.quotes),
            "precision": self.right / max(1, self.points),
            "polarity_agreement": self.agreeing / max(1, self.agreeing + self.wrong),
            "coverage": self.told / max(1, self.owed),
        }


def reviewed(item: Item, locale: str) -> Reviewed:
    """Reviews of an item, made from its strengths and flaws."""
    rng = Random(f"summaries:{SEED}:{item.id}:{locale}")
    found: list[Example] = []
    opinions: dict[int, Counter[str]] = {side: Counter() for side in SIDES}
    for number in range(1, REVIEWS + 1):
        stars, strengths, flaws, text = review(item, locale, rng)
        opinions[1].update(strengths)
        opinions[-1].update(flaws)
        found.append(
            Example(
                id=f"review:{locale}:{item.id}:{SOURCE}:{number}",
                skill="review",
                locale=locale,
                attributes={WORDS[locale]["stars"]: str(stars)},
                target=text,
                product=item.id,
                group=item.id,
                source=f"{SOURCE}:{number}",
            )
        )
    return Reviewed(found, opinions)


def by_frequency(reviews: Sequence[Example], locale: str) -> dict[int, tuple[Point, ...]]:
    """The baseline: any frequent keyword is a topic, and a thought praises or blames as its review's stars do."""
    said = [
        Said(quote, frozenset(Topic(word, True) for word in keywords(one.text, locale)), stars_of(example) - 3)
        for example in reviews
        for one in thoughts(example.target, locale)
        for quote in [Quote(review=example.id, stars=stars_of(example), start=one.start, end=one.end, text=one.text)]
    ]
    return {side: points([one for one in said if one.sign * side > 0], LEAST, MOST, locale) for side in SIDES}


def is_about(point: Point, opinion: str, locale: str) -> bool:
    """Whether a point's statement states an opinion, and what it is about is a word of that."""
    stated = opinion.casefold() in point.statement.casefold()
    return stated and (point.about in opinion or point.about in keywords(opinion, locale))


def count(score: Score, shop: Reviewed, found: dict[int, tuple[Point, ...]], locale: str) -> None:
    """Add the points of one product."""
    texts = {one.id: one.target for one in shop.reviews}
    for side in SIDES:
        told: set[str] = set()
        for point in found[side]:
            score.points += 1
            score.quotes += len(point.quotes)
            score.grounded += sum(texts[quote.review][quote.start : quote.end] == quote.text for quote in point.quotes)
            right = {opinion for opinion in shop.opinions[side] if is_about(point, opinion, locale)}
            score.agreeing += bool(right)
            score.right += not right <= told
            score.wrong += not right and any(is_about(point, opinion, locale) for opinion in shop.opinions[-side])
            told |= right
        score.told += sum(shop.opinions[side][opinion] >= LEAST for opinion in told)
    score.owed += sum(number >= LEAST for opinions in shop.opinions.values() for number in opinions.values())


def scores(locale: str, products: int) -> Iterator[tuple[str, Score]]:
    """(system, what it scores) in one language."""
    schema = load_schema()
    shops = {item.id: reviewed(item, locale) for item in (draw_item(n, SEED, schema) for n in range(1, products + 1))}
    reader = Reader([one for shop in shops.values() for one in shop.reviews], locale)
    ours, theirs = Score(), Score()
    for product, shop in shops.items():
        summary = reader.summary(product, shop.reviews)
        count(ours, shop, {1: summary.praise, -1: summary.faults}, locale)
        count(theirs, shop, by_frequency(shop.reviews, locale), locale)
    yield "summarise", ours
    yield "frequent words, stars", theirs


def main(products: int) -> int:
    """Measure, print, and count what is promised and does not hold: quotes, and the polarity of each language."""
    tried = failed = 0
    for locale in ("en", "zh"):
        for system, score in scores(locale, products):
            shares = score.shares()
            told = " ".join(f"{name} {share:.3f}" for name, share in shares.items())
            print(f"{locale} {system:<22} points {score.points:>5}  {told}")
            if system == "summarise":
                tried += score.quotes + 1
                failed += score.quotes - score.grounded + (shares["polarity_agreement"] < AGREEMENT)
    print(f"PROOF summaries tried={tried} failed={failed}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))
