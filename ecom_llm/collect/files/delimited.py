"""CSV and its kin -> rows: delimiter detected, quotes as in RFC 4180, each bad record a Fault at the line it starts on.

Between tabs a quote is often just a sign (18" doll): databases write tabs without quoting. There, a line that is no valid CSV but
has as many cells as the header is read as it stands.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.header import columns_of
from ecom_llm.collect.files.lines import Bad
from ecom_llm.collect.files.rows import Fault, Row, fault
from ecom_llm.records import UserError

DELIMITERS = (",", "\t", ";", "|")
HINT = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)
"""A first line that tells Excel the delimiter, and is no header."""
SNIFFED = 100
"""Records of the sample on which the delimiters are compared."""
LINE_COST = 128
"""Characters that each further line of a record counts for: what Python takes to remember a line, however short."""

Lines = Iterator[tuple[int, str | Bad]]


class RecordTooLong(Exception):
    """A record took more than `limits.LINE` characters: most likely its quote is never closed."""


class Feed:
    """Lines for `csv.reader`, which remembers those of the current record, so that they can be read anew.

    A quote that is never closed makes `csv.reader` take line after line. When that goes wrong only the record's first line is
    given up, and the rest is read again: one typo must not cost a shop its other rows.
    """

    def __init__(self, lines: Lines) -> None:
        self.lines = lines
        self.again: list[tuple[int, str | Bad]] = []
        self.taken: list[tuple[int, str | Bad]] = []
        self.size = 0
        self.bad: Fault | None = None

    def __iter__(self) -> "Feed":
        return self

    def __next__(self) -> str:
        pair = self.again.pop() if self.again else next(self.lines)
        self.taken.append(pair)
        line = pair[1]
        if isinstance(line, Bad):
            # The text goes on to the reader, to find where the record ends, but the record as a whole is bad
            self.bad = self.bad or line.fault
            if not line.whole:
                raise RecordTooLong
            line = line.text
        self.size += len(line) + LINE_COST
        if self.size > limits.LINE:
            raise RecordTooLong
        return line

    def begin(self) -> None:
        """Forget the record before."""
        self.taken, self.size, self.bad = [], 0, None

    def unquoted(self, delimiter: str, width: int) -> list[str]:
        """The `width` cells of the record's first line, its quotes being signs like others; none where they are not so many."""
        line = self.taken[0][1]
        if delimiter != "\t" or width < 2 or isinstance(line, Bad):
            return []
        cells = line.rstrip("\r\n").split(delimiter)
        return cells if len(cells) == width else []

    def give_up(self) -> tuple[int, str]:
        """Number and text of the record's first line; the lines behind it will be read again."""
        first, *rest = self.taken
        # a stack, so that records given up one after the other cost no copying
        self.again.extend(reversed(rest))
        return first[0], first[1].text if isinstance(first[1], Bad) else first[1]


def records(lines: Lines, delimiter: str) -> Iterator[tuple[int, list[str] | Fault]]:
    """Yield each record that is not blank, with the line on which it starts."""
    # The module's own bound on a cell (131,072 characters) is less than long descriptions take; it is one for the process
    csv.field_size_limit(max(csv.field_size_limit(), limits.LINE))
    feed = Feed(lines)
    # strict, because the lenient reader glues cells together without a word
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    width = 0
    while True:
        feed.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except (csv.Error, RecordTooLong) as error:
            as_it_stands = feed.unquoted(delimiter, width)
            yield (feed.give_up()[0], as_it_stands) if as_it_stands else given_up(feed, error)
            continue
        line = feed.taken[0][0]
        width = width or len(cells)
        if several_rows(feed, delimiter, width, cells):
            yield line, feed.unquoted(delimiter, width)
            feed.give_up()
        elif feed.bad:  # found in any of the record's lines
            yield line, feed.bad
        elif cells and (len(cells) > 1 or cells[0].strip()):
            yield line, cells


def several_rows(feed: Feed, delimiter: str, width: int, cells: list[str]) -> bool:
    """Whether a quote that was none glued lines together: the first is a row by itself, and the whole is not one, or all are."""
    if len(feed.taken) < 2 or not feed.unquoted(delimiter, width):
        return False
    lines = [line.text if isinstance(line, Bad) else line for _, line in feed.taken]
    return len(cells) != width or all(line.count(delimiter) == width - 1 for line in lines)


def given_up(feed: Feed, error: Exception) -> tuple[int, Fault]:
    """The Fault for a record that is not valid CSV."""
    several = len(feed.taken) > 1
    line, text = feed.give_up()
    if feed.bad and not several:
        return line, feed.bad
    if isinstance(error, RecordTooLong) or "unexpected end" in str(error):
        return line, fault("a quote that opens in this line is not closed" if several else "a record too long", text)
    return line, fault(f"not valid CSV: {error}", text)


def read_delimited(path: Path, lines: Lines, delimiter: str) -> Iterator[tuple[int, Row | Fault]]:
    """Yield the rows below the header.

    Raises:
        UserError: the header is missing or bad, or names a column twice.
    """
    rows = records(lines, delimiter)
    columns = header_of(path, rows)
    width = len(columns)
    for line, cells in rows:
        if isinstance(cells, Fault):
            yield line, cells
        elif len(cells) != width:
            yield line, fault(f"{len(cells)} cells, expected {width}", delimiter.join(cells))
        else:
            yield line, dict(zip(columns, cells, strict=True))


def header_of(path: Path, rows: Iterator[tuple[int, list[str] | Fault]]) -> tuple[str, ...]:
    """The columns that the first record names."""
    line, cells = next(rows, (1, []))
    if isinstance(cells, list) and is_hint(cells):
        line, cells = next(rows, (2, []))
    if isinstance(cells, Fault):
        raise UserError(
            f"{path}:{line}: the header holds {cells.reason}: {cells.content!r}. "
            "Expected one line with the names of the columns."
        )
    if not cells:
        raise UserError(f"{path}:1: the file is empty, expected a header line with the names of the columns.")
    return columns_of(path, line, cells)


def delimiter_of(sample: str) -> tuple[str, bool]:
    """The delimiter that best makes a table of a text's beginning, and whether the table is beyond doubt.

    The best is the one that gives most records as many cells as the header; of equals, the one that gives more cells. A
    comma where there is no other, for a single column is a table too, though one in doubt.
    """
    lines = sample.splitlines(keepends=True)
    if lines and (hint := HINT.fullmatch(lines[0])) and hint[1] in DELIMITERS:
        return hint[1], True
    whole = lines[:-1] if len(lines) > 1 and not sample.endswith(("\n", "\r")) else lines
    scores = {delimiter: regularity(whole, delimiter) for delimiter in DELIMITERS}
    best = max(DELIMITERS, key=lambda delimiter: scores[delimiter])
    share, cells, count = scores[best]
    return (best, share >= 0.95 and count > 1) if cells > 1 else (",", False)


def is_hint(cells: list[str]) -> bool:
    """Whether a record is Excel's `sep=;`, which its own delimiter cuts in two."""
    return len(cells) == 2 and cells[0].lower() == "sep=" and not cells[1]


def regularity(lines: Sequence[str], delimiter: str) -> tuple[float, int, int]:
    """Share of records with as many cells as the first, that number (0 for all where it is 1), and the number of records."""
    widths = [len(cells) for cells in first_records(lines, delimiter)]
    plain = [line.count(delimiter) + 1 for line in lines if line.strip()][:SNIFFED] if delimiter == "\t" else []
    # between tabs quotes may be plain signs, which glue lines together for the reader of records
    return max(shares(widths), shares(plain))


def shares(widths: Sequence[int]) -> tuple[float, int, int]:
    """As `regularity`, of the cells in each record."""
    if not widths or widths[0] < 2:
        return 0.0, 0, len(widths)
    return sum(width == widths[0] for width in widths) / len(widths), widths[0], len(widths)


def first_records(lines: Iterable[str], delimiter: str) -> Sequence[list[str]]:
    """The first records of a sample; the last one may be cut off, and is left out when there are others."""
    csv.field_size_limit(max(csv.field_size_limit(), limits.LINE))
    found = []
    # lenient here: one bad record among a hundred must not decide the delimiter
    for cells in csv.reader(lines, delimiter=delimiter):
        if cells:
            found.append(cells)
        if len(found) == SNIFFED:
            return found
    return found
