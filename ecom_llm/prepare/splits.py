"""The splits: the examples that stand are written to theirs and counted; of the others it is said why they went."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from ecom_llm.collect.rejected import Rejected
from ecom_llm.prepare.examples import Made
from ecom_llm.prepare.judge import COPY, Verdicts
from ecom_llm.prepare.ledger import TABLE_OF, Books
from ecom_llm.prepare.manifest import Tally
from ecom_llm.records import SPLITS, Example
from ecom_llm.shards import RecordWriter, read_records


def write_splits(
    made: Path, folder: Path, verdicts: Verdicts, books: Books, tally: Tally, refuse: Callable[[Rejected], None]
) -> None:
    """Write the folders `train`, `validation` and `test`; equal examples keep the order in which they were made."""
    with ExitStack() as open_:
        writers = {split: open_.enter_context(RecordWriter(folder / split, Example)) for split in SPLITS}
        for example in read_records(made, Made):
            if reason := verdicts.reason(example.number):
                books.strike(example, reason)
                refuse(rejection(example, reason))
            elif fate := verdicts.fates[example.number]:
                books.strike(example, "", near=bool(fate == COPY))
            else:
                tally.count(example)
                writers[str(example.split)].write(example)


def rejection(example: Made, reason: str) -> Rejected:
    """The row of an example that was rejected after it had been made."""
    source, _, row = example.source.rpartition(":")
    content = example.model_dump_json(include={"id", "locale", "attributes", "target"})
    return Rejected(
        source=source, row=int(row.partition("#")[0]), table=TABLE_OF[example.skill], reason=reason, content=content
    )
