"""Cells -> values: text as a person would spell it, and lists; what cannot be a value is told in a few words."""

import math
import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from ecom_llm.records import LIST_SEPARATOR


def text_of(value: object) -> str:
    """A cell as stripped text; None and not-a-number are empty, members of a list are joined by LIST_SEPARATOR.

    Raises:
        ValueError: the cell is an object, a list within a list, bytes, or holds half of a surrogate pair.
    """
    if isinstance(value, str):
        return spellable(value.strip())
    if value is None:
        return ""
    # before int, of which bool is a kind
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple) and not any(isinstance(member, list | dict) for member in value):
        return LIST_SEPARATOR.join(filter(None, map(text_of, value)))
    raise ValueError("expected text, a number or a list of them")


def spellable(text: str) -> str:
    """The text, which UTF-8 must be able to spell: it is written to Parquet and JSON."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair") from error
    return text


def number(value: float) -> str:
    """A float as it was meant: pandas writes whole numbers with gaps as 5.0, and the gaps as NaN."""
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else str(value)


def members_of(value: object) -> tuple[str, ...]:
    """A list cell: a JSON list, or text whose members are separated by semicolons."""
    parts = value if isinstance(value, list | tuple) else text_of(value).split(";")
    return tuple(filter(None, map(text_of, parts)))


STARS = re.compile(
    r"(?:rated )?([1-5])(?:[.,]0+)?(?: ?/ ?5| (?:out )?of 5)?(?:[.,]0+)?(?: ?stars?| ?星| ?分)?", re.IGNORECASE
)
DRAWN = re.compile("(★{1,5})[☆✩✰]*")
HAN_STARS = {f"{number}星": str(stars) for stars, number in enumerate("一二三四五", start=1)}


def stars_of(text: str) -> str:
    """Stars as a digit, as shops spell them: 4.0, 4,0, 4/5, 4.0 out of 5 stars, ★★★★☆, 4星, 四星; other texts as they are."""
    spelt = STARS.fullmatch(text)
    if spelt:
        return spelt[1]
    drawn = DRAWN.fullmatch(text)
    return str(len(drawn[1])) if drawn and len(text) in (5, len(drawn[1])) else HAN_STARS.get(text, text)


def joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names with values -> attributes: the values of a name that comes again are joined by LIST_SEPARATOR, each once."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        values = found.setdefault(name, [])
        # a name repeated with its value says nothing new, and would be asked for twice when texts are judged
        if value not in values:
            values.append(value)
    return {name: LIST_SEPARATOR.join(values) for name, values in found.items()}
