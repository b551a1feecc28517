"""What must be remembered while rows stream by, on disk and not in memory: each product as first seen, and histories.

SQLite with an empty name is a private database in a temporary file that it deletes itself, kept in memory while it is
small: a shop of ten million shoppers takes disk, and no more memory than one of ten.
"""

import sqlite3
from collections.abc import Iterator
from functools import lru_cache

from ecom_llm.collect.forms.instants import reader_for
from ecom_llm.records import Interaction, Product

SAMPLE = 2000
"""Cells, spread evenly over a source, by which the format of its dates is told."""
BESIDE = {"source", "row", "weight"}
"""Fields that say where a product came from and not what it is."""


class FirstProducts:
    """Products by id and locale as their first row gave them; later rows that differ take the first's content."""

    def __init__(self) -> None:
        self.merged = 0
        self.rows = sqlite3.connect("")
        self.rows.execute(
            "CREATE TABLE product (id TEXT, locale TEXT, content TEXT, PRIMARY KEY (id, locale)) WITHOUT ROWID"
        )

    def as_first(self, product: Product) -> Product:
        """The product itself, or under its own row the content of an earlier one with its id and locale."""
        content = product.model_dump_json(exclude=BESIDE)
        key = (product.id, product.locale)
        known = self.rows.execute("SELECT content FROM product WHERE id = ? AND locale = ?", key).fetchone()
        if known is None:
            self.rows.execute("INSERT INTO product VALUES (?, ?, ?)", (*key, content))
            return product
        if known[0] == content:
            return product
        self.merged += 1
        # the origin is put into the JSON, since a record without one is not valid
        first = Product.model_validate_json(known[0].removesuffix("}") + f',"source":"","row":{product.row}}}')
        return first.model_copy(update={"source": product.source, "weight": product.weight})

    def close(self) -> None:
        """Give the temporary file back."""
        self.rows.close()


class Histories:
    """Purchases in the order of their rows, numbered within each shopper and locale once all are there."""

    def __init__(self) -> None:
        self.rows = sqlite3.connect("")
        self.rows.execute(
            "CREATE TABLE purchase (at INTEGER PRIMARY KEY, shopper TEXT, locale TEXT, key TEXT, content TEXT)"
        )

    def add(self, purchase: Interaction, key: str) -> None:
        """Remember a purchase; `key` is the cell that orders its history, empty where the order of the rows does."""
        self.rows.execute(
            "INSERT INTO purchase (shopper, locale, key, content) VALUES (?, ?, ?, ?)",
            (purchase.shopper, purchase.locale, key, purchase.model_dump_json()),
        )

    def numbered(self) -> Iterator[tuple[Interaction, str, bool]]:
        """Each purchase in the order of the rows, at its 0-based position; with its key, and whether that has a place in time.

        Equal keys, as on a day with several purchases, keep the order of the rows.

        Raises:
            ValueError: the keys cannot be understood; see `reader_for`.
        """
        count, keyed = self.rows.execute("SELECT COUNT(*), COUNT(NULLIF(key, '')) FROM purchase").fetchone()
        read = reader_for(self.sample(count)) if keyed else at_once
        # SQLite asks several times for each row, and a day's purchases share their date
        self.rows.create_function("instant", 1, lru_cache(SAMPLE)(read), deterministic=True)
        numbered = self.rows.execute(
            "SELECT content, key, moment IS NOT NULL, ROW_NUMBER() OVER "
            # what has no moment is rejected, so it must not take a number among the others
            "(PARTITION BY shopper, locale, moment IS NULL ORDER BY moment, at) - 1 "
            "FROM (SELECT *, instant(key) AS moment FROM purchase) ORDER BY at"
        )
        for content, key, placed, position in numbered:
            purchase = Interaction.model_validate_json(content)
            yield purchase.model_copy(update={"position": position}), key, bool(placed)

    def sample(self, count: int) -> list[str]:
        """Up to about SAMPLE keys from all over the source: in a file in order of time, the first are one month's."""
        step = count // SAMPLE + 1
        return [key for (key,) in self.rows.execute("SELECT DISTINCT key FROM purchase WHERE at % ? = 0", (step,))]

    def close(self) -> None:
        """Give the temporary file back."""
        self.rows.close()


def at_once(key: str) -> float:
    """The moment of purchases that only their rows put in order."""
    return 0.0
