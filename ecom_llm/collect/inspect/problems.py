"""What is wrong with a file's sample: counted, with the first line, and without showing anybody's personal data."""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ftfy.badness import is_bad

from ecom_llm.collect.inspect.columns import Column, kind_of, plain
from ecom_llm.collect.inspect.personal import hints_in
from ecom_llm.collect.inspect.synonyms import is_named

CHARACTERS = 20_000
"""Characters of a cell that are searched for marks of trouble."""
SPARSE = 0.2
"""A row with a smaller share of its cells filled is mostly empty."""
UNKNOWN = re.compile(r"<unk>|\[unk\]", re.IGNORECASE)
HTML = re.compile(
    r"</?(?:p|br|b|i|u|a|em|strong|div|span|ul|ol|li|table|tr|td|th|img|font|h[1-6]|script|style)(?:\s[^<>]*)?/?>"
    r"|&(?:amp|lt|gt|nbsp|quot|#\d+|#x[\da-f]+);",
    re.IGNORECASE,
)
LOST = re.compile("\ufffd|锟斤拷|ï»¿|烫烫烫")
"""What is left of characters that were decoded wrongly and then written again."""
YEAR = re.compile(r"(?:19|20)\d\d")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

Rows = Sequence[tuple[int, Mapping[str, object]]]


@dataclass(frozen=True)
class Problem:
    """One kind of trouble: what it is, how many cells or rows have it, and the line of the first."""

    what: str
    count: int
    line: int | None
    """1-based; None for what has no line of its own."""


def is_mojibake(text: str) -> bool:
    """Whether a text was decoded with a wrong encoding (ftfy's measure of unlikely neighbours)."""
    return not text.isascii() and (bool(LOST.search(text)) or is_bad(text))


MARKS: dict[str, Callable[[str], object]] = {
    "<UNK> in place of a word": UNKNOWN.search,
    "HTML": HTML.search,
    "mojibake (a text decoded with a wrong encoding)": is_mojibake,
    "control characters": CONTROL.search,
}


def column_problems(columns: Sequence[Column]) -> Iterator[Problem]:
    """Columns that hold nothing, or something else here and there."""
    empty = [column.name for column in columns if column.kind == "empty"]
    if empty:
        yield Problem(f"columns that are empty: {listed(empty)}", len(empty), None)
    for column in columns:
        if column.filled and is_named("personal", column.name):
            yield Problem(f"likely personal data (by its name) in {column.name}", column.filled, None)
        if column.odd:
            count, line, kind = column.odd
            yield Problem(f"mixed types in {column.name}: mostly {column.kind}, but also {kind}", count, line)


def row_problems(rows: Rows, columns: Sequence[Column]) -> Iterator[Problem]:
    """Rows that are nearly empty, or copies of earlier ones."""
    # an empty column would make every row look sparser than it is
    useful = [column.name for column in columns if column.kind != "empty"]
    sparse, copies, seen = [], [], set()
    for line, row in rows:
        cells = tuple(plain(row.get(name)) for name in useful)
        if sum(map(bool, cells)) < SPARSE * len(useful) or not any(cells):
            sparse.append(line)
        elif cells in seen:  # empty rows are told as empty, not as copies of each other
            copies.append(line)
        seen.add(cells)
    if sparse:
        yield Problem("rows that are empty or nearly so", len(sparse), sparse[0])
    if copies:
        yield Problem("rows that are copies of an earlier row", len(copies), copies[0])


def text_problems(rows: Rows) -> Iterator[Problem]:
    """Marks of damage and of personal data, per column."""
    found: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    for line, row in rows:
        for name, value in row.items():
            text = (value if isinstance(value, str) else plain(value))[:CHARACTERS]
            marks = [mark for mark, holds in MARKS.items() if holds(text)]
            for mark in (*marks, *(f"likely personal data ({kind})" for kind in hints_in(text))):
                found[mark, name] += 1
                first.setdefault((mark, name), line)
    for (mark, name), count in found.most_common():
        yield Problem(f"{mark} in {name}", count, first[mark, name])


def listed(names: Sequence[str]) -> str:
    """Up to five names, and how many more."""
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(name or "(no name)" for name in names[:5]) + more


def fault_problems(faults: Sequence[tuple[int, str]]) -> Iterator[Problem]:
    """Rows that could not be read, by reason."""
    first: dict[str, int] = {}
    for line, reason in faults:
        first.setdefault(reason, line)
    for reason, count in Counter(reason for _, reason in faults).most_common():
        yield Problem(f"unreadable: {reason}", count, first[reason])


def repeated(name: str, rows: Rows) -> Problem | None:
    """An id that stands in more than one row, where each row should be a thing of its own."""
    seen: set[str] = set()
    again = [line for line, row in rows if (text := plain(row.get(name))) and (text in seen or seen.add(text))]
    return Problem(f"ids that repeat in {name}", len(again), again[0]) if again else None


def is_headless(columns: Sequence[str]) -> bool:
    """Whether what should be names of columns are values: half of them numbers or dates, where years may be names."""
    values = [
        name for name in columns if kind_of(name, name) in ("integer", "number", "date") and not YEAR.fullmatch(name)
    ]
    return len(values) > len(columns) / 2


def problems_of(rows: Rows, columns: Sequence[Column], faults: Sequence[tuple[int, str]]) -> tuple[Problem, ...]:
    """Everything that is wrong with a sample, what hurts most first."""
    return (
        *fault_problems(faults),
        *row_problems(rows, columns),
        *column_problems(columns),
        *text_problems(rows),
    )
