"""Thoughts about a product -> the points most reviews make, for and against, each with its sentences."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from ecom_llm.prepare.words import keywords
from ecom_llm.records import Record

ALIKE = 0.6
"""Share of a point's reviews that a point told before rests on, from which on it says nothing new."""
SHORT, LONG = 3, 16
"""Words of a thought that can stand for others."""


class Quote(Record):
    """A sentence of a review, or a part of one, word for word."""

    review: str
    """The example's id, `review:<locale>:<product>:<file>:<row>`."""
    stars: int
    start: int
    """Place of its first character in the review's text."""
    end: int
    text: str


class Point(Record):
    """What several reviews praise, or fault."""

    about: str
    """The word they share."""
    statement: str
    """The quote that says best what the others say."""
    reviews: int
    """How many say so."""
    quotes: tuple[Quote, ...]
    """One for each thought, the statement first."""


@dataclass(frozen=True)
class Said:
    """A thought of a review, and what it is about."""

    quote: Quote
    topics: frozenset[str]
    polarity: int


def points(said: Sequence[Said], polarity: int, least: int, most: int, spelt: dict[str, str], locale: str) -> tuple[Point, ...]:
    """The points of one polarity that the most reviews make, the most frequent first.

    Args:
        least: reviews that must say so.
        most: points.
    """
    by_topic: dict[str, list[Quote]] = defaultdict(list)
    for one in said:
        if one.polarity == polarity:
            for topic in one.topics:
                by_topic[topic].append(one.quote)
    reviews = {topic: {quote.review for quote in quotes} for topic, quotes in by_topic.items()}
    chosen: list[str] = []
    for topic in sorted(by_topic, key=lambda topic: (-len(reviews[topic]), topic)):
        told = any(len(reviews[topic] & reviews[other]) >= ALIKE * len(reviews[topic]) for other in chosen)
        if len(reviews[topic]) >= least and not told and len(chosen) < most:
            chosen.append(topic)
    return tuple(point(spelt[topic], by_topic[topic], len(reviews[topic]), polarity, locale) for topic in chosen)


def point(about: str, quotes: Sequence[Quote], reviews: int, polarity: int, locale: str) -> Point:
    ordered = by_worth(quotes, polarity, locale)
    return Point(about=about, statement=ordered[0].text, reviews=reviews, quotes=ordered)


def by_worth(quotes: Sequence[Quote], polarity: int, locale: str) -> tuple[Quote, ...]:
    """First the quote that says best what the others say: it has many of the words they share, and few besides."""
    found = [keywords(quote.text, locale) for quote in quotes]
    shared = Counter(word for words in found for word in set(words))

    def worth(at: int) -> tuple[float, int, str]:
        words = found[at]
        plain = SHORT <= len(words) <= LONG and not any(map(str.isdigit, quotes[at].text)) and polarity * (quotes[at].stars - 3) >= 0
        return sum(shared[word] - 1 for word in set(words)) / sqrt(len(words) + 3) * (1 if plain else 0.5), -len(quotes[at].text), quotes[at].review

    return tuple(quotes[at] for at in sorted(range(len(quotes)), key=worth, reverse=True))


def covered(points: Iterable[Point]) -> set[str]:
    """The reviews that any of the points rests on."""
    return {quote.review for point in points for quote in point.quotes}
