"""Thoughts about a product -> the points most reviews make, each with its sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from ecom_llm.prepare.words import keywords
from ecom_llm.records import Record
from ecom_llm.summarise.topics import Topic

ALIKE = 0.6
"""Share of a trait's quotes that are a part's too, or the other way round, from which on both make one point."""
PLAIN = range(3, 17)
"""Keywords of a thought that can stand for others."""


class Quote(Record):
    """A sentence of a review, or a part of one, word for word."""

    review: str
    """The review's id: `review:<locale>:<product>:<file>:<row>`."""
    stars: int
    start: int
    """Place of its first character in the review's text, as `prepare` left it."""
    end: int
    text: str


class Point(Record):
    """What reviews praise, or fault."""

    about: str
    """The word that its quotes share."""
    statement: str
    """The first of the quotes, which says best what the others say."""
    reviews: int
    """How many say so."""
    quotes: tuple[Quote, ...]


@dataclass(frozen=True)
class Said:
    """A thought of a review: what it is about, and whether it praises (1), blames (-1) or neither (0)."""

    quote: Quote
    topics: frozenset[Topic]
    sign: int


def points(said: Iterable[Said], least: int, most: int, locale: str) -> tuple[Point, ...]:
    """The points that the most reviews make, the most frequent first; `about` is a stem still.

    Args:
        said: thoughts of one sign.
        least: reviews that must say so.
        most: points.
    """
    quotes: dict[Topic, list[Quote]] = defaultdict(list)
    for one in said:
        for topic in one.topics:
            quotes[topic].append(one.quote)
    reviews = {topic: len({quote.review for quote in found}) for topic, found in quotes.items()}
    chosen: list[Topic] = []
    for topic in sorted(quotes, key=lambda topic: (-reviews[topic], topic)):
        told = any(repeats(topic, other, quotes) for other in chosen)
        if reviews[topic] >= least and not told and len(chosen) < most:
            chosen.append(topic)
    return tuple(as_point(topic.stem, quotes[topic], locale) for topic in chosen)


def repeats(topic: Topic, other: Topic, quotes: Mapping[Topic, Sequence[Quote]]) -> bool:
    """Whether a topic says nothing new beside another: all its quotes are the other's too.

    Of a trait and a part, most of them are enough: who writes `soft fabric` makes one point, who writes of fabric and colour two.
    """
    shared = len(set(quotes[other]).intersection(quotes[topic]))
    return shared >= len(quotes[topic]) * (ALIKE if other.is_part != topic.is_part else 1)


def as_point(stem: str, quotes: Sequence[Quote], locale: str) -> Point:
    ordered = by_worth(quotes, locale)
    reviews = len({quote.review for quote in quotes})
    return Point(about=stem, statement=ordered[0].text, reviews=reviews, quotes=ordered)


def by_worth(quotes: Sequence[Quote], locale: str) -> tuple[Quote, ...]:
    """First the quote that says best what the others say: it has many of the words they share, and few besides.

    Half as much is worth one that is very short or long, or speaks of sizes and other numbers.
    """
    words = {quote: set(keywords(quote.text, locale)) for quote in quotes}
    shared = Counter(word for found in words.values() for word in found)

    def worth(quote: Quote) -> float:
        found = words[quote]
        plain = len(found) in PLAIN and not any(map(str.isdigit, quote.text))
        return sum(shared[word] - 1 for word in found) / sqrt(len(found) + 3) * (1 if plain else 0.5)

    return tuple(sorted(quotes, key=lambda quote: (-worth(quote), len(quote.text), quote.review, quote.start)))
