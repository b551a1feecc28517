"""Rows -> examples, a bucket at a time: what cannot be used is sifted out, and the skills make examples of the rest."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Prepare
from ecom_llm.prepare.buckets import read_bucket
from ecom_llm.prepare.examples import Made, examples_of, purchases_with_titles, settle_products, settle_purchases
from ecom_llm.prepare.ledger import Books, Ledger, Row
from ecom_llm.prepare.sift import Shelf, sift, sift_purchases
from ecom_llm.prepare.wash import placeholders, wash_nested, without_names
from ecom_llm.records import TABLES, Tables
from ecom_llm.shards import from_arrow

Refuse = Callable[[Rejected], None]
"""Takes the rows that were rejected."""
SPOKEN_OF = [table for table in TABLES if table != "interactions"]
"""The tables whose rows are put together by product."""


@dataclass
class Assembly:
    """What is worked on, and what is kept in mind from bucket to bucket."""

    washed: Path
    buckets: int
    params: Prepare
    books: Books
    refuse: Refuse
    shelf: Shelf = field(default_factory=Shelf)
    personal_data: Counter[str] = field(default_factory=Counter)

    def rows(self, table: str, bucket: int) -> list[Row]:
        """The rows of one table in one bucket, wholly washed."""
        found = wash_nested(read_bucket(self.washed / table, bucket, TABLES[table]), self.params)
        found = without_names(found) if self.params.scrub_names else found
        self.personal_data.update(placeholders(found))
        return [filled(row) for row in from_arrow(found, TABLES[table])]

    def close(self, ledger: Ledger) -> None:
        """Add a bucket to the books and hand its rejected rows on."""
        for row in self.books.close(ledger):
            self.refuse(row)


def assembled(work: Assembly) -> Iterator[Made]:
    """The examples of every bucket: first those about products, which also says what may be recommended."""
    for bucket in range(work.buckets):
        yield from product_examples(work, bucket)
    titles = {(item.product, item.locale): item.title for item in work.shelf.items()}
    known = work.shelf.known()
    for bucket in range(work.buckets):
        yield from shopper_examples(work, bucket, known, titles)


def filled(row: Row) -> Row:
    """The row without attributes that have no value, and without empty members of its lists."""
    update: dict[str, object] = {}
    for name, value in row.__dict__.items():
        if isinstance(value, dict) and "" in value.values():
            update[name] = {key: text for key, text in value.items() if text}
        elif isinstance(value, tuple) and "" in value:
            update[name] = tuple(filter(None, value))
    return row.model_copy(update=update) if update else row


def product_examples(work: Assembly, bucket: int) -> Iterator[Made]:
    """The examples of all skills but recommend; every product met is put on the shelf."""
    tables = Tables.model_construct(**{table: work.rows(table, bucket) for table in SPOKEN_OF}, interactions=[])
    ledger = Ledger()
    for table in SPOKEN_OF:
        ledger.enter(table, getattr(tables, table))
    sifted = sift(tables, ledger)
    if work.books.rows_in["interactions"]:  # titles of all products, which only recommendations need
        work.shelf.stock(sifted.products)
    yield from examples_of(sifted, work.params, ledger)
    settle_products(sifted.products, ledger)
    work.close(ledger)


def shopper_examples(
    work: Assembly, bucket: int, known: set[tuple[str, str]], titles: dict[tuple[str, str], str]
) -> Iterator[Made]:
    """The examples of recommend: what each shopper bought after what."""
    rows = work.rows("interactions", bucket)
    ledger = Ledger()
    ledger.enter("interactions", rows)
    bought = sift_purchases(rows, known, titles, ledger)
    made = list(examples_of(purchases_with_titles(bought, titles), work.params, ledger))
    yield from made
    settle_purchases(bought, made, "recommend" in work.params.skills, ledger)
    work.close(ledger)
