"""What is found: a place in a text and the type of personal data that stands there."""

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, get_args

Type = Literal["EMAIL", "PHONE", "ID_NUMBER", "BANK_CARD", "IP", "ORDER_NUMBER"]
TYPES: tuple[Type, ...] = get_args(Type)
Zone = tuple[int, int]
"""Where to look: first character and the one behind the last."""
HIDDEN = "\x00"
"""Stands for every character that is already spoken for: no pattern and no cue word matches across it."""


class Span(NamedTuple):
    """`text[start:end]` is personal data; offsets count characters (code points), as Python does."""

    start: int
    end: int
    type: Type


def placeholder(kind: str) -> str:
    """What replaces a span in the text, such as `[PHONE]`: the same in every language, so a model learns one sign."""
    return f"[{kind}]"


def hide(text: str, spans: list[Span]) -> str:
    """The text with the spans blanked out, of the same length, so that later finders see neither value nor cue there."""
    if not spans:
        return text
    # Blanked, not cut: places found later must still be places of the text as it came.
    pieces, end = [], 0
    for span in sorted(spans):
        pieces += [text[end : span.start], HIDDEN * (span.end - span.start)]
        end = span.end
    return "".join(pieces) + text[end:]


def zones(needed: re.Pattern[str], text: str, before: int, after: int) -> list[Zone]:
    """The stretches of a text around what a finder cannot do without, widened and joined; in most texts none."""
    found: list[Zone] = []
    # A long answer with one part number in it is read around the number alone: four times faster on such texts.
    for match in needed.finditer(text):
        start, end = max(0, match.start() - before), match.end() + after
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def scan(
    pattern: re.Pattern[str], text: str, judge: Callable[[str, re.Match[str]], Span | None], where: list[Zone]
) -> Iterator[Span]:
    """Yield what `judge` accepts of the pattern's matches within the zones, without overlaps.

    After a refusal the search goes on one character later, not behind the match: a value may begin inside
    something longer that only looked like one.
    """
    for start, end in where:
        position = start
        while match := pattern.search(text, position, end):
            span = judge(text, match)
            if span:
                yield span
            position = span.end if span else match.start() + 1
