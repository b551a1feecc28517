"""Rows that could not be used, kept so that a person can read them and every row is accounted for."""

import json

from pydantic import Field

from ecom_llm.records import Record

REJECTED = "rejected"
"""Name, without `.jsonl`, of the file of rejected rows beside the tables or examples of a folder."""


class Rejected(Record):
    """A row that was left out, and why."""

    source: str
    """Where the row came from, as in `Sourced`."""
    row: int = Field(ge=1)
    """1-based row in that source."""
    table: str
    """The canonical table it was meant for."""
    reason: str
    """`column: what is wrong with it`, without the row's own values, so that equal reasons can be counted."""
    content: str
    """The row as JSON."""


def content_of(row: object) -> str:
    """A row of plain values as JSON that UTF-8 can spell: half a surrogate pair becomes its escape."""
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace").decode("utf-8")
