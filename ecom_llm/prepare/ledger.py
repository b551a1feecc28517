"""The ledger: what became of every collected row. Rows in = kept + rejected + duplicates, for each table.

Each row has exactly one fate:

- `example`: an example was made from it and kept. A product's row makes its description, an advert's, review's or
  question's row its text, an interaction's row the window that predicts this purchase.
- `context`: it makes no text but others rest on it: a product without a description, or a purchase that only stands in
  the history of a kept window (the first of each history); and a row of a skill that is not learned (`prepare.skills`).
- `duplicate`: the row or its example equals another, or its text is a near-copy of a kept one.
- `rejected`: with a reason, at collection or here.

`kept` is `example` + `context`. A row that could have several fates takes the first of them in this order.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ecom_llm.collect.rejected import Rejected
from ecom_llm.records import TABLES, Advert, Example, Interaction, Product, Question, Record, Review

Row = Product | Review | Question | Advert | Interaction
"""A record of one of the five canonical tables: each has an origin and a locale."""
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
    """Rows that were read from the sources."""
    kept: int
    """`kept_as_example` + `kept_as_context`."""
    kept_as_example: int
    kept_as_context: int
    duplicates: int
    """Equal rows, equal examples and near-copies."""
    near_duplicates: int
    """The near-copies among them."""
    rejected: int
    reasons: dict[str, int]
    """Reason -> rows rejected for it."""


@dataclass
class Ledger:
    """The rows of one bucket and their fates."""

    rows: dict[Origin, Row] = field(default_factory=dict)
    fates: dict[Origin, Fate] = field(default_factory=dict)

    def enter(self, table: str, rows: Iterable[Row]) -> None:
        """Enter the rows of a table, before anything is decided about them."""
        for row in rows:
            self.rows[origin_of(table, row)] = row

    def settle(self, origin: Origin, fate: Fate) -> None:
        """Note a fate; one that stands earlier in KINDS is not replaced."""
        known = self.fates.get(origin)
        if known is None or KINDS.index(fate.kind) < KINDS.index(known.kind):
            self.fates[origin] = fate

    def kind(self, origin: Origin) -> Kind | None:
        fate = self.fates.get(origin)
        return fate.kind if fate else None


def origin_of(table: str, row: Row) -> Origin:
    """Where a record came from; one row of a file may hold a whole history, so a purchase adds its position."""
    position = f"#{row.position}" if isinstance(row, Interaction) else ""
    return Origin(table, row.locale, f"{row.source}:{row.row}{position}")


def origin_of_example(example: Example) -> Origin:
    """The row an example was made from."""
    return Origin(TABLE_OF[example.skill], example.locale, example.source)


@dataclass
class Books:
    """The sum over all buckets: no row of a corpus is kept in mind, only how many had which fate."""

    rows_in: Counter[str] = field(default_factory=Counter)
    fates: Counter[tuple[str, Kind]] = field(default_factory=Counter)
    near: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[str]] = field(default_factory=lambda: {table: Counter() for table in TABLES})

    def refuse(self, rows: Iterable[Rejected]) -> Iterable[Rejected]:
        """Enter the rows that collection had rejected; pass them on."""
        for row in rows:
            self.rows_in[row.table] += 1
            self.reject(row.table, row.reason)
            yield row

    def reject(self, table: str, reason: str) -> None:
        self.fates[table, "rejected"] += 1
        self.reasons[table][reason] += 1

    def close(self, ledger: Ledger) -> Iterable[Rejected]:
        """Add a bucket's sums, and yield its rejected rows in the order they were read.

        Raises:
            RuntimeError: a row has no fate: a fault of ours, since no data can lead to it.
        """
        for origin, row in ledger.rows.items():
            fate = ledger.fates.get(origin)
            if fate is None:
                raise RuntimeError(f"{origin.table}: {origin.place} has no fate: prepare lost count of a row")
            if fate.kind != "rejected":
                self.fates[origin.table, fate.kind] += 1
                continue
            self.reject(origin.table, fate.reason)
            yield rejected(origin.table, row, fate.reason)

    def strike(self, example: Example, reason: str, near: bool = False) -> None:
        """An example that was kept so far goes after all: for a reason, or (without one) as a duplicate."""
        table = TABLE_OF[example.skill]
        self.fates[table, "example"] -= 1
        if reason:
            self.reject(table, reason)
            return
        self.fates[table, "duplicate"] += 1
        self.near[table] += near

    def accounts(self) -> dict[str, Account]:
        """The account of each table.

        Raises:
            RuntimeError: the rows do not add up: a fault of ours.
        """
        return {table: checked(table, self.account(table)) for table in TABLES}

    def account(self, table: str) -> Account:
        counts = {kind: self.fates[table, kind] for kind in KINDS}
        return Account(
            rows_in=self.rows_in[table],
            kept=counts["example"] + counts["context"],
            kept_as_example=counts["example"],
            kept_as_context=counts["context"],
            duplicates=counts["duplicate"],
            near_duplicates=self.near[table],
            rejected=counts["rejected"],
            reasons=dict(sorted(self.reasons[table].items())),
        )


def rejected(table: str, row: Row, reason: str) -> Rejected:
    """A row of a table as a person finds it among the rejected ones."""
    content = row.model_dump_json(exclude={"source", "row", "weight"})
    return Rejected(source=row.source, row=row.row, table=table, reason=reason, content=content)


def checked(table: str, account: Account) -> Account:
    """The account, if rows in = kept + rejected + duplicates."""
    out = account.kept + account.rejected + account.duplicates
    if account.rows_in != out:
        raise RuntimeError(
            f"{table}: {account.rows_in} rows came in, but {account.kept} kept + {account.rejected} rejected + "
            f"{account.duplicates} duplicates are {out}: prepare lost count of a row"
        )
    return account
