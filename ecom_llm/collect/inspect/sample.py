"""The beginning of a file: its shape, a bounded number of rows, and what could not be read in them."""

import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ecom_llm.collect.files import Fault, Shape, read_rows, shape_of
from ecom_llm.collect.inspect.columns import Column, columns_of, plain
from ecom_llm.records import UserError

CHARACTERS = 32_000_000
"""Characters of cells that are kept of a file: a few huge rows are a sample too."""


UNNAMED = re.compile(r"column_\d+|\s*|=.*", re.DOTALL)


@dataclass(frozen=True)
class Sample:
    """The rows that were looked at, with their 1-based lines."""

    path: Path
    shape: Shape
    rows: tuple[tuple[int, Mapping[str, object]], ...]
    faults: tuple[tuple[int, str], ...]
    """Line and reason of each row that could not be read."""
    whole: bool
    """Whether these are all rows of the file."""

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        return columns_of(self.rows)

    @cached_property
    def named(self) -> tuple[Column, ...]:
        """The columns that a recipe can name: `column_N` is the reader's word for one without a name, and what begins
        with `=` would be a constant."""
        return tuple(one for one in self.columns if spellable(one.name) and not UNNAMED.fullmatch(one.name))

    def texts(self, name: str) -> list[str]:
        """The filled cells of a column, in order."""
        return [text for _, row in self.rows if (text := plain(row.get(name)))]


def spellable(text: str) -> bool:
    """Whether UTF-8 can spell a text: half of a surrogate pair has no place in a recipe."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def look_at(path: Path, limit: int) -> Sample:
    """Read the first `limit` rows.

    Raises:
        UserError: the file as a whole cannot be read.
    """
    shape = shape_of(path)
    rows: list[tuple[int, Mapping[str, object]]] = []
    faults: list[tuple[int, str]] = []
    size, whole = 0, True
    with closing(read_rows(path)) as found:  # what is open is closed now, and not when the generator is collected
        for line, row in found:
            if len(rows) + len(faults) >= limit or size >= CHARACTERS:
                whole = False
                break
            if isinstance(row, Fault):
                faults.append((line, row.reason))
            else:
                rows.append((line, row))
                size += sum(len(cell) if isinstance(cell, str) else 8 for cell in row.values())
    return Sample(path, shape, tuple(rows), tuple(faults), whole)


def tried(path: Path, limit: int) -> Sample | UserError:
    """The sample of a file, or why there is none: in a folder one bad file does not hide the others."""
    try:
        return look_at(path, limit)
    except UserError as error:
        return error
