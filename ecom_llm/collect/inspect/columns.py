"""What a column holds, told from a bounded sample of its cells: kind, share empty, distinct values, an example."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ecom_llm.collect.forms.cells import stars_of

Kind = Literal["integer", "number", "date", "list", "object", "category", "text", "empty"]

MAJORITY = 0.8
"""Share of a column's filled cells that must be of one kind before the column is; the others are then reported."""
STARS = 0.95
"""Share of a column's filled cells that must be 1 to 5: shops write 0 for no rating, and a scale to 10 has many others."""
CATEGORY_CHARACTERS = 40
"""Mean length up to which repeated texts are categories; longer ones are boilerplate."""
CATEGORIES = 200
"""Distinct values a category may have in the sample."""
MISSING = {"", "null", "none", "nan", "n/a", "na", "nil", "-", "--", "[]", "{}", "无", "暂无", "空"}
"""Spellings of nothing, casefolded: they say nothing about a column's kind."""

INTEGER = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)")
NUMBER = re.compile(
    r"(?:[$€£¥￥₹]\s?)?[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)?(?:[.,]\d+)?(?:[eE][+-]?\d+)?\s?(?:%|元|USD|EUR|CNY|RMB)?"
)
MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
DATE = re.compile(
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{2,4}}|\d{{4}}年\d{{1,2}}月(?:\d{{1,2}}日)?"
    rf"|{MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}|\d{{1,2}}\s{MONTH}\s\d{{4}})(?:[T\s]\d{{1,2}}:\d{{2}}.*)?",
    re.IGNORECASE,
)
PAIRS = re.compile(r"[^#*\s]{1,20}#[^#*]+(?:\*[^#*]{1,20}#[^#*]+)*")
"""AdvertiseGen's spelling of attributes: `类型#裙*颜色#红`."""


@dataclass(frozen=True)
class Column:
    """One column of the sample; shares are of the rows looked at."""

    name: str
    kind: Kind
    rows: int
    filled: int
    """Cells that hold something other than a spelling of nothing."""
    distinct: int
    example: str
    """A filled cell of middling length, on one line: the shortest and the longest say less."""
    length: float
    """Mean characters of the filled cells."""
    odd: tuple[int, int, str] | None
    """Where the kind is that of most cells only: how many are of another, the first one's line, and its kind."""
    stars: bool
    """Whether the filled cells are whole numbers from 1 to 5, with at least two of them in use."""
    listed: bool = False
    """Whether the filled cells are lists of plain values, which `collect` joins: Amazon's descriptions are paragraphs."""

    @property
    def empty(self) -> float:
        return 1 - self.filled / self.rows if self.rows else 1.0


def plain(value: object) -> str:
    """A cell as one line of text; lists and objects as JSON."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | dict) else str(value)
    return " ".join(text.split())


def is_plain_list(value: object) -> bool:
    """Whether a cell is a list, not a text that looks like one, of values that are no lists or objects themselves."""
    return isinstance(value, list) and not any(isinstance(member, list | dict) for member in value)


def is_missing(text: str) -> bool:
    """Whether a cell holds nothing, or a word for nothing."""
    return len(text) <= 4 and text.casefold() in MISSING


def kind_of(value: object, text: str) -> Kind:
    """The kind of one cell; `text` is its `plain` spelling. Texts are told apart from categories by their column."""
    # CSV cells hold lists and objects as text, so the look counts as much as the type
    if isinstance(value, list) or (text[:1] == "[" and text[-1:] == "]"):
        return "list"
    if isinstance(value, dict) or (text[:1] == "{" and text[-1:] == "}"):
        return "object"
    # the patterns are tried on short cells only: a number of a thousand characters is none
    if len(text) <= CATEGORY_CHARACTERS:
        if INTEGER.fullmatch(text):
            return "integer"
        if any(letter.isdecimal() for letter in text):
            if NUMBER.fullmatch(text):
                return "number"
            if DATE.fullmatch(text):
                return "date"
    return "object" if "#" in text and "*" in text and PAIRS.fullmatch(text) else "text"


def main_kind(kinds: Counter[Kind], texts: Sequence[str]) -> Kind:
    """The kind of a column whose filled cells have these kinds."""
    count = len(texts)
    if not count:
        return "empty"
    # a price of 12 among prices of 12.50 is no reason to call the column mixed
    if kinds["integer"] + kinds["number"] >= MAJORITY * count:
        return "number" if kinds["number"] else "integer"
    for kind in ("date", "list", "object"):
        if kinds[kind] >= MAJORITY * count:
            return kind
    distinct = len(set(texts))
    # a column of ids is as short as one of colours: only that they come again makes categories
    short = sum(map(len, texts)) <= CATEGORY_CHARACTERS * count
    return "category" if short and distinct <= min(CATEGORIES, count // 2) else "text"


def fits(kind: Kind, column: Kind) -> bool:
    """Whether a cell of that kind is at home in such a column; texts may hold anything."""
    return column in ("text", "category", "empty") or kind == column or (column == "number" and kind == "integer")


def are_stars(texts: Sequence[str]) -> bool:
    """Whole numbers from 1 to 5 as shops spell them, at least two different ones; a few cells may say something else."""
    found = [stars_of(text) for text in texts]
    stars = [text for text in found if len(text) == 1 and text in "12345"]
    return len(set(stars)) > 1 and len(stars) >= STARS * len(found)


def column_of(name: str, cells: Sequence[tuple[int, object]], rows: int) -> Column:
    """Look at one column.

    Args:
        cells: line and value of each row that has the column.
        rows: rows looked at; a row without the column counts as empty.
    """
    spelt = [(line, value, plain(value)) for line, value in cells]
    filled = [(line, kind_of(value, text), text) for line, value, text in spelt if not is_missing(text)]
    texts = [text for _, _, text in filled]
    kind = main_kind(Counter(found for _, found, _ in filled), texts)
    odd = [(line, found) for line, found, _ in filled if not fits(found, kind)]
    # in the order of appearance, so that equal files show equal examples
    by_length = sorted(dict.fromkeys(texts), key=len)
    return Column(
        name=name,
        kind=kind,
        rows=rows,
        filled=len(filled),
        distinct=len(by_length),
        example=by_length[len(by_length) // 2] if by_length else "",
        length=sum(map(len, texts)) / len(texts) if texts else 0.0,
        odd=(len(odd), *odd[0]) if odd else None,
        stars=kind in ("integer", "number", "category") and are_stars(texts),
        listed=all(is_plain_list(value) for _, value, text in spelt if not is_missing(text)),
    )


def columns_of(rows: Sequence[tuple[int, Mapping[str, object]]]) -> tuple[Column, ...]:
    """Every column of the sample, in order of first appearance."""
    cells: dict[str, list[tuple[int, object]]] = {}
    for line, row in rows:
        for name, value in row.items():
            cells.setdefault(name, []).append((line, value))
    return tuple(column_of(name, found, len(rows)) for name, found in cells.items())
