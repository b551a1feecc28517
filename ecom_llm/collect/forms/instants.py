"""Cells that order a history -> numbers to sort by: plain numbers, or dates in whichever format the column has."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import product

DATES = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
)
TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")

Reader = Callable[[str], float | None]
"""A cell -> a number that grows with time, or None where the cell is not written like that."""


def from_number(text: str) -> float | None:
    """A plain number, such as 3 or a Unix time."""
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def seconds(found: datetime) -> float:
    """Seconds since 1970; a time without a zone is taken as UTC, so that no machine's zone changes an order."""
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def from_iso(text: str) -> float | None:
    """ISO 8601, such as 2015-06-24T10:30:00Z."""
    try:
        return seconds(datetime.fromisoformat(text))
    except ValueError:
        return None


def from_format(text: str, spelling: str) -> float | None:
    """A date as `datetime.strptime` reads it by the format `spelling`."""
    try:
        return seconds(datetime.strptime(text, spelling))
    except ValueError:
        return None


READERS: tuple[Reader, ...] = (
    from_number,
    from_iso,
    *(partial(from_format, spelling=date + time) for date, time in product(DATES, TIMES)),
)


def reader_for(cells: Sequence[str]) -> Reader:
    """The reader that understands most of these cells.

    One format is taken for the whole column: 03-04-2015 alone does not say whether it is in March or in April,
    while the 24-06-2014 of another row does.

    Raises:
        ValueError: no reader understands any cell, or two understand as many and would order them differently.
    """
    read = [(reader, [reader(cell) for cell in cells]) for reader in READERS]
    understood = [len(cells) - values.count(None) for _, values in read]
    most = max(understood)
    if not most:
        raise ValueError(f"no cell is a number or a date: found {cells[0]!r}")
    # ties are the rule where days are small: 03-04-2015 reads both ways
    best = [(reader, values) for (reader, values), count in zip(read, understood, strict=True) if count == most]
    first, values = best[0]
    if any(other != values for _, other in best[1:]):
        raise ValueError(f"day and month cannot be told apart in dates such as {cells[0]!r}")
    return first
