"""Buckets: rows that belong together are put together, so that a corpus of any size is worked on a bucket at a time.

A product's rows and all that is said of it share a bucket, and so do a shopper's purchases. A bucket is a folder of
Parquet files that Daft wrote in no certain order; read back, its rows stand in the order of their origin.
"""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import BaseModel

from ecom_llm.records import TABLES
from ecom_llm.shards import parts_of, schema_of

ROWS = 200_000
"""Rows of a bucket: at about 2 kB each as Python records, well under a GB."""
BUCKET = "bucket"
KEYS = {"products": "id", "reviews": "product", "questions": "product", "adverts": "product", "interactions": "shopper"}
"""Table -> the column whose value says which rows belong together."""
ORDER = [(name, "ascending") for name in ("source", "row", "locale")]


def bucket_count(collected: Path) -> int:
    """How many buckets the collected rows need; a function of their number alone, so that equal data are cut alike."""
    return 1 + row_counts(collected).total() // ROWS


def row_counts(collected: Path) -> Counter[str]:
    """Table -> rows collected, from the shards' own footers: a count that no later step has touched."""
    return Counter(
        {table: sum(pq.read_metadata(part).num_rows for part in parts_of(collected / table)) for table in TABLES}
    )


def read_bucket(folder: Path, number: int, kind: type[BaseModel]) -> pa.Table:
    """The rows of one table in one bucket, in the order of source, row and locale."""
    schema = schema_of(kind)
    files = sorted((folder / f"{BUCKET}={number}").glob("*.parquet"))
    parts = [pq.read_table(file, partitioning=None, columns=schema.names) for file in files]
    table = pa.concat_tables(parts) if parts else schema.empty_table()
    order = ORDER + [("position", "ascending")] * ("position" in schema.names)
    return table.take(pc.sort_indices(table, sort_keys=order))
