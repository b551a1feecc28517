"""Header cells -> the names of columns."""

from collections.abc import Sequence
from pathlib import Path

from ecom_llm.collect.files import limits
from ecom_llm.records import UserError


def columns_of(path: Path, line: int, cells: Sequence[str]) -> tuple[str, ...]:
    """The stripped names; a column without one, such as the index that pandas writes, is called `column_N`.

    Raises:
        UserError: two columns have the same name, so that a row could not hold both, or there are more than
            `limits.COLUMNS`; names line and column.
    """
    if len(cells) > limits.COLUMNS:
        raise UserError(f"{path}:{line}: {len(cells)} columns, expected at most {limits.COLUMNS}. Is it a table?")
    columns = tuple(cell.strip() or f"column_{place}" for place, cell in enumerate(cells, start=1))
    # a set, for `in` on a tuple of 16,384 names takes seconds
    seen: set[str] = set()
    for place, column in enumerate(columns, start=1):
        if column in seen:
            raise UserError(
                f"{path}:{line}: two columns are called {column[:80]!r}, the second is column {place}. "
                "Rename or remove one of them."
            )
        seen.add(column)
    return columns
