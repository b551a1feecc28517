"""Records on disk: a folder of Parquet shards, written and read in batches so that memory stays bounded.

`datasets.load_dataset("parquet", data_files=..., streaming=True)`, Daft and DuckDB read the same folders.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import NoneType, TracebackType
from typing import Literal, TypeVar, get_args, get_origin

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ValidationError

from ecom_llm.records import TABLES, Tables, UserError

R = TypeVar("R", bound=BaseModel)
BATCH = 8192
"""Rows of a row group: what is held in memory at a time."""
SHARD = 8 * BATCH
"""Rows of a file: many workers can share a folder, and a small shop has one file."""
SCALARS: dict[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    bytes: pa.binary(),
}


def arrow_type(annotation: object) -> pa.DataType:
    """The Arrow type of a record's field; `X | None` is a nullable X, a dict a list of pairs, which keeps its order.

    Not Arrow's own map type: `datasets` cannot read it.
    """
    if annotation in SCALARS:
        return SCALARS[annotation]
    inner = [part for part in get_args(annotation) if part is not NoneType]
    if get_origin(annotation) is Literal:
        return arrow_type(type(inner[0]))
    if get_origin(annotation) is dict:
        key, value = map(arrow_type, inner)
        return pa.list_(pa.struct([("key", key), ("value", value)]))
    if get_origin(annotation) is tuple:
        return pa.list_(arrow_type(inner[0]))
    return arrow_type(inner[0])


def schema_of(kind: type[BaseModel]) -> pa.Schema:
    """The Arrow schema of a kind of record: its fields, in their order."""
    return pa.schema([(name, arrow_type(field.annotation)) for name, field in kind.model_fields.items()])


class ShardWriter:
    """A folder that fills with `part-00000.parquet` and on: equal rows in equal order are equal bytes.

    Daft's and `datasets`' own writers name files at random, which would give each run another hash.
    """

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.schema = folder, schema
        self.rows = self.parts = 0
        self.file: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Append the rows of one batch."""
        if self.file is None:
            # zstd: a third of snappy's size on shop texts, and it costs less than the text's tokenisation
            self.file = pq.ParquetWriter(self.part(), self.schema, compression="zstd")
        self.file.write_table(table)
        self.rows += len(table)
        if self.rows >= SHARD * self.parts:
            self.close()

    def part(self) -> Path:
        self.parts += 1
        return self.folder / f"part-{self.parts - 1:05d}.parquet"

    def close(self) -> None:
        if self.file is not None:
            self.file.close()
            self.file = None

    def __enter__(self) -> "ShardWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None and not self.parts:
            self.write(self.schema.empty_table())  # no rows is a result too: readers find the columns
        self.close()


def is_pairs(kind: pa.DataType) -> bool:
    """Whether a column of this type holds dicts as lists of pairs, small or (as Daft gives them back) large."""
    return (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and pa.types.is_struct(kind.value_type)


def pairs_of(schema: pa.Schema) -> list[str]:
    """The columns that hold dicts."""
    return [field.name for field in schema if is_pairs(field.type)]


def to_arrow(records: Iterable[BaseModel], schema: pa.Schema) -> pa.Table:
    """Records as an Arrow table; dicts become lists of pairs."""
    rows = [record.model_dump() for record in records]
    for row, name in itertools.product(rows, pairs_of(schema)):
        row[name] = [{"key": key, "value": value} for key, value in row[name].items()]
    return pa.Table.from_pylist(rows, schema=schema)


def from_arrow(table: pa.Table | pa.RecordBatch, kind: type[R]) -> Iterator[R]:
    """The records of an Arrow table; columns that the kind does not know are passed over."""
    known = [name for name in table.schema.names if name in kind.model_fields]
    pairs = pairs_of(table.select(known).schema)
    for row in table.select(known).to_pylist():
        for name in pairs:
            row[name] = {pair["key"]: pair["value"] for pair in row[name]}
        yield kind.model_validate(row)


class RecordWriter:
    """Records one by one into shards; holds a batch of them at most."""

    def __init__(self, folder: Path, kind: type[BaseModel]) -> None:
        self.shards = ShardWriter(folder, schema_of(kind))
        self.waiting: list[BaseModel] = []

    def write(self, record: BaseModel) -> None:
        self.waiting.append(record)
        if len(self.waiting) == BATCH:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.shards.write(to_arrow(self.waiting, self.shards.schema))
            self.waiting = []

    def __enter__(self) -> "RecordWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.flush()
        self.shards.__exit__(kind, error, at)


def write_records(folder: Path, kind: type[BaseModel], records: Iterable[BaseModel]) -> int:
    """Write records of one kind as shards; return their number."""
    with RecordWriter(folder, kind) as writer:
        for record in records:
            writer.write(record)
    return writer.shards.rows


def parts_of(folder: Path) -> list[Path]:
    """The shards of a folder in order.

    Raises:
        UserError: there is no such folder, or no shard in it.
    """
    parts = sorted(folder.glob("*.parquet"))
    if not parts:
        raise UserError(f"{folder}: holds no Parquet shard. Run the stage that writes it first: dvc repro")
    return parts


def read_records(folder: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a folder written by `write_records`, in order, a row group at a time.

    Raises:
        UserError: the folder holds no shard, a shard is damaged, or a row is no `kind`; names shard and field.
    """
    for path in parts_of(folder):
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(BATCH):
                    yield from from_arrow(batch, kind)
        except (OSError, pa.ArrowException) as error:
            raise UserError(f"{path}: cannot be read as Parquet ({error}). Run its stage again: dvc repro") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "a row"
            raise UserError(f"{path}: {where}: {first['msg']}; expected a {kind.__name__}") from error


def read_tables(folder: Path) -> Tables:
    """The five canonical tables of the folder that `collect` wrote, whole: for what is small."""
    return Tables.model_validate({name: list(read_records(folder / name, kind)) for name, kind in TABLES.items()})
