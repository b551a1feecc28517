"""What every reader hands on: rows, faults, and the shape of a file."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

Row = dict[str, object]
"""Column -> cell. A cell is text (numbers as they are spelt), a truth value, None, or a list or object of cells."""

Kind = Literal["csv", "json", "jsonl", "parquet", "excel", "literals", "lines"]

QUOTED = 200
"""Characters of a bad row that a Fault shows."""


class Fault(NamedTuple):
    """A row that cannot be read: why, and how it begins (at most `QUOTED` characters that UTF-8 can spell)."""

    reason: str
    content: str


@dataclass(frozen=True)
class Shape:
    """What a file was recognised as, from its bytes rather than its name."""

    kind: Kind
    compression: str | None
    """gzip, bz2, xz, zstd or zip; None for a plain file."""
    encoding: str | None
    """Python's name of the text encoding; None for Parquet and Excel."""
    delimiter: str | None
    """The character between the cells of `csv` (which a TSV is, too); None for other kinds."""
    columns: tuple[str, ...]
    """In order of appearance; for `json`, `jsonl` and `literals` those of the first rows only."""


def fault(reason: str, content: str) -> Fault:
    """A Fault that quotes no more than the beginning of its row, with half surrogates escaped."""
    return Fault(reason, content[:QUOTED].rstrip("\r\n").encode("utf-8", "backslashreplace").decode("utf-8"))
