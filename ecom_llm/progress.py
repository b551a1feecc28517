"""Progress of long work: a bar with rate and ETA on a terminal, a plain line now and then in a log."""

import logging
import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
log = logging.getLogger(__name__)
SECONDS = 10
"""Between two lines of a log: often enough to see that it lives, seldom enough to read the log next week."""
LOOK = 1000
"""Rows between two looks at the clock, which would otherwise cost more than the row."""


def watched(rows: Iterable[T], what: str, total: int | None) -> Iterator[T]:
    """Pass the rows on and tell how it goes; without a `total` (a file not counted yet) there is a rate but no ETA."""
    if sys.stderr.isatty():
        yield from tqdm(rows, desc=what, total=total, unit=" rows", unit_scale=True, leave=False)
        return
    began = told = time.monotonic()
    for count, row in enumerate(rows, start=1):
        yield row
        if count % LOOK == 0 and time.monotonic() - told > SECONDS:
            told = time.monotonic()
            log.info("%s", line(what, count, total, told - began))


def watched_bytes(blocks: Iterable[bytes], what: str, total: int | None) -> Iterator[bytes]:
    """Pass blocks of bytes on and tell how it goes, as `watched` does for rows."""
    if sys.stderr.isatty():
        with tqdm(desc=what, total=total, unit="B", unit_scale=True, leave=False) as bar:
            for block in blocks:
                bar.update(len(block))
                yield block
        return
    began = told = time.monotonic()
    count = 0
    for block in blocks:
        yield block
        count += len(block)
        if time.monotonic() - told > SECONDS:
            told = time.monotonic()
            log.info("%s", line(what, count, total, told - began, "bytes"))


def line(what: str, count: int, total: int | None, seconds: float, unit: str = "rows") -> str:
    """`collect: 12,000 of 50,000 rows, 1,200 rows/s, 32 s left`."""
    rate = count / seconds
    of, left = (f" of {total:,}", f", {(total - count) / rate:.0f} s left") if total else ("", "")
    return f"{what}: {count:,}{of} {unit}, {rate:,.0f} {unit}/s{left}"
