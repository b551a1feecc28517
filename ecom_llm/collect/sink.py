"""Where collected records go: a folder of Parquet shards for each canonical table, and the rejected rows as JSON lines."""

from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from ecom_llm.collect.rejected import REJECTED, Rejected
from ecom_llm.records import TABLES, Sourced
from ecom_llm.shards import RecordWriter

TABLE_OF = {kind: table for table, kind in TABLES.items()}


class Sink:
    """Takes records one by one, in any order of tables, and holds no more than a batch of each in memory."""

    def __init__(self, folder: Path) -> None:
        self.open = ExitStack()
        self.writers = {
            table: self.open.enter_context(RecordWriter(folder / table, kind)) for table, kind in TABLES.items()
        }
        self.rejected = self.open.enter_context(
            (folder / f"{REJECTED}.jsonl").open("w", encoding="utf-8", newline="\n")
        )
        self.counts: Counter[str] = Counter()

    def take(self, records: Iterable[Sourced | Rejected]) -> None:
        """Write each record to its table, and each rejected row to the file that a person can open."""
        for record in records:
            if isinstance(record, Rejected):
                self.counts[REJECTED] += 1
                self.rejected.write(record.model_dump_json() + "\n")
            else:
                table = TABLE_OF[type(record)]
                self.counts[table] += 1
                self.writers[table].write(record)

    def __enter__(self) -> "Sink":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.open.__exit__(kind, error, at)
