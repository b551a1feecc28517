"""Texts -> thoughts: stretches short enough to praise or to blame, and not to do both."""

from typing import NamedTuple

from ecom_llm.summarise.wording import wording_of


class Thought(NamedTuple):
    """A stretch of a text, word for word: `review[start:end]`."""

    start: int
    end: int
    text: str


def thoughts(text: str, locale: str) -> list[Thought]:
    """The thoughts of a text in order; they do not overlap, and none is empty."""
    found, start = [], 0
    for match in wording_of(locale).border.finditer(text):
        found.append((start, match.start()))
        start = match.end()
    stretches = [trimmed(text, *stretch) for stretch in [*found, (start, len(text))]]
    return [Thought(start, end, text[start:end]) for start, end in stretches if start < end]


def trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch without white space at its ends."""
    inner = text[start:end]
    return start + len(inner) - len(inner.lstrip()), end - len(inner) + len(inner.rstrip())
