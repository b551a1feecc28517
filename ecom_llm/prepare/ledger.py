"""The ledger: what became of every collected row. Rows in = kept + rejected + duplicates, for each table.

Each row has exactly one fate:

- `example`: at least one example was made from it and kept. A product's row makes its description, an advert's, review's
  or question's row its text, an interaction's row the window that predicts this purchase.
- `context`: it makes no text but others rest on it: a product without a description, or a purchase that only stands in
  the history of a kept window (the first two of each history).
- `duplicate`: the row, or every example made from it, equals an earlier one.
- `rejected`: with a reason, at collection or here.

`kept` is `example` + `context`. A row that could have several fates takes the first of them in this order.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ecom_llm.collect.rejected import Rejected
from ecom_llm.prepare.clean import ORIGIN, Row
from ecom_llm.records import TABLES, Example, Record, Tables

Kind = Literal["example", "context", "duplicate", "rejected"]
KINDS: tuple[Kind, ...] = ("example", "context", "duplicate", "rejected")
TABLE_OF: dict[str, str] = {
    "describe": "products",
    "advertise": "adverts",
    "review": "reviews",
    "answer": "questions",
    "recommend": "interactions",
}
"""Skill -> the table whose rows its examples are made from."""


class Origin(NamedTuple):
    """Which row: the locale tells apart two records made from one row of a bilingual source."""

    table: str
    locale: str
    place: str


class Fate(NamedTuple):
    """What became of a row."""

    kind: Kind
    reason: str = ""


class Account(Record):
    """The sum of one table, in rows."""

    rows_in: int
    """Rows that were read from the source."""
    kept: int
    """`kept_as_example` + `kept_as_context`."""
    kept_as_example: int
    kept_as_context: int
    duplicates: int
    rejected: int
    reasons: dict[str, int]
    """Reason -> rows rejected for it."""


@dataclass
class Ledger:
    """Every collected row and its fate; `refused` are the rows that collection had rejected."""

    refused: list[Rejected]
    rows: dict[Origin, Row] = field(default_factory=dict)
    fates: dict[Origin, Fate] = field(default_factory=dict)

    def settle(self, origin: Origin, fate: Fate) -> None:
        """Note a fate; one that stands earlier in KINDS is not replaced."""
        known = self.fates.get(origin)
        if known is None or KINDS.index(fate.kind) < KINDS.index(known.kind):
            self.fates[origin] = fate

    def kind(self, origin: Origin) -> Kind | None:
        fate = self.fates.get(origin)
        return fate.kind if fate else None


def open_ledger(tables: Tables, refused: list[Rejected]) -> Ledger:
    """Enter every collected row."""
    ledger = Ledger(refused)
    for table in TABLES:
        for row in getattr(tables, table):
            ledger.rows[origin_of(table, row)] = row
    return ledger


def origin_of(table: str, row: Row) -> Origin:
    """Where a record came from."""
    return Origin(table, row.locale, f"{row.source}:{row.row}")


def origin_of_example(example: Example) -> Origin:
    """The row an example was made from."""
    return Origin(TABLE_OF[example.skill], example.locale, example.source)


def rejections(ledger: Ledger) -> Iterable[Rejected]:
    """Every rejected row: those of collection, then those of preparation in the order they were collected."""
    yield from ledger.refused
    for origin, row in ledger.rows.items():
        fate = ledger.fates[origin]
        if fate.kind == "rejected":
            content = row.model_dump_json(exclude=set(ORIGIN))
            yield Rejected(source=row.source, row=row.row, table=origin.table, reason=fate.reason, content=content)


def accounts(ledger: Ledger, tables: Tables) -> dict[str, Account]:
    """The account of each table; `tables` are the collected ones, counted anew.

    Raises:
        RuntimeError: a row has no fate, or two rows share an origin: a fault of ours, since no data can lead to it.
    """
    kinds = Counter((origin.table, fate.kind) for origin, fate in ledger.fates.items())
    found: dict[str, Account] = {}
    for table in TABLES:
        refused = [row.reason for row in ledger.refused if row.table == table]
        late = [
            fate.reason for origin, fate in ledger.fates.items() if origin.table == table and fate.kind == "rejected"
        ]
        found[table] = Account(
            rows_in=len(getattr(tables, table)) + len(refused),
            kept=kinds[table, "example"] + kinds[table, "context"],
            kept_as_example=kinds[table, "example"],
            kept_as_context=kinds[table, "context"],
            duplicates=kinds[table, "duplicate"],
            rejected=len(refused) + len(late),
            reasons=dict(sorted(Counter(refused + late).items())),
        )
        check_balance(table, found[table])
    return found


def check_balance(table: str, account: Account) -> None:
    """Rows in = kept + rejected + duplicates."""
    out = account.kept + account.rejected + account.duplicates
    if account.rows_in != out:
        raise RuntimeError(
            f"{table}: {account.rows_in} rows came in, but {account.kept} kept + {account.rejected} rejected + "
            f"{account.duplicates} duplicates are {out}: prepare lost count of a row"
        )
