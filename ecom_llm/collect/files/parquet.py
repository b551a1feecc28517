"""Parquet -> rows, batch by batch, with pyarrow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.compression import opened
from ecom_llm.collect.files.header import columns_of
from ecom_llm.collect.files.plain import cell_of
from ecom_llm.collect.files.rows import Fault, Row, fault
from ecom_llm.records import UserError

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.parquet

ROWS = 1024
"""Rows of a batch, at most."""


@contextmanager
def parquet_file(path: Path) -> Iterator["pyarrow.parquet.ParquetFile"]:
    """Open a Parquet file, with every error of pyarrow told as the user's."""
    import pyarrow  # 0.2 s: only who reads Parquet pays for it
    import pyarrow.parquet

    try:
        with opened(path) as raw, pyarrow.parquet.ParquetFile(raw, pre_buffer=False, buffer_size=limits.CHUNK) as file:
            yield file
    # a damaged footer comes as any of these; ValueError covers text in it that is not UTF-8
    except (pyarrow.ArrowException, OSError, MemoryError, ValueError, OverflowError) as error:
        told = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{path}: is damaged or no Parquet file that can be read ({told[:300]}). Write it again."
        ) from error


def parquet_columns(path: Path) -> tuple[str, ...]:
    """The names of the top-level columns."""
    with parquet_file(path) as file:
        return checked_columns(path, file)


def checked_columns(path: Path, file: "pyarrow.parquet.ParquetFile") -> tuple[str, ...]:
    """The columns, after a look at the sizes that the footer declares.

    Raises:
        UserError: two columns have one name, or a column of a row group is larger than any honest one.
    """
    footer = file.metadata
    for group in range(footer.num_row_groups):
        for place in range(footer.num_columns):
            chunk = footer.row_group(group).column(place)
            size = chunk.total_uncompressed_size
            # one page may hold all of it, so it is as dangerous as any other packed file
            most = max(limits.RATIO_FROM, limits.RATIO * chunk.total_compressed_size)
            if size > min(most, limits.COLUMN_CHUNK):
                raise UserError(
                    f"{path}: column {place + 1} of row group {group + 1} unpacks from {chunk.total_compressed_size} to {size} "
                    f"bytes; expected at most {limits.COLUMN_CHUNK}, and {limits.RATIO} times what is packed. "
                    "Write the file with smaller row groups."
                )
    return columns_of(path, 1, file.schema_arrow.names)


def batch_rows(file: "pyarrow.parquet.ParquetFile") -> int:
    """Rows of a batch, fewer where they are long, so that a batch takes some 16 MiB."""
    footer = file.metadata
    size = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
    return max(1, min(ROWS, 2 * limits.LINE * footer.num_rows // max(1, size)))


def read_parquet(path: Path) -> Iterator[tuple[int, Row | Fault]]:
    """Yield each row with its number, from 1.

    Raises:
        UserError: the file is damaged, has two columns of one name, or too large a row group.
    """
    with parquet_file(path) as file:
        columns = checked_columns(path, file)
        number = 1
        # no threads: batches come in order, and other stages have the cores
        for batch in file.iter_batches(batch_size=batch_rows(file), use_threads=False):
            for row in rows_of(batch, columns):
                yield number, row
                number += 1


def rows_of(batch: "pyarrow.RecordBatch", columns: tuple[str, ...]) -> Iterator[Row | Fault]:
    """The rows of a batch."""
    readable = [as_text(column) for column in batch.columns]
    try:
        cells = [column.to_pylist() for column in readable]
    except (ValueError, OverflowError):
        # One bad cell, such as text that is not UTF-8, fails its whole column: look for the row it stands in
        yield from (one_row(readable, columns, place) for place in range(batch.num_rows))
        return
    for values in zip(*cells, strict=True):
        yield row_of(columns, values)


def as_text(column: "pyarrow.Array") -> "pyarrow.Array":
    """Dates and times as text: Python has no nanoseconds, and its dates end with the year 9999."""
    import pyarrow

    # one kernel call for the column, where Python would make an object of each cell
    return column.cast(pyarrow.string()) if pyarrow.types.is_temporal(column.type) else column


def one_row(readable: list["pyarrow.Array"], columns: tuple[str, ...], place: int) -> Row | Fault:
    """The row at a place of a batch that could not be converted as a whole."""
    try:
        values = tuple(column[place].as_py() for column in readable)
    except (ValueError, OverflowError) as error:
        return fault(f"a cell that cannot be read ({type(error).__name__})", "")
    return row_of(columns, values)


def row_of(columns: tuple[str, ...], values: tuple[object, ...]) -> Row | Fault:
    """A row of plain cells."""
    try:
        row = {name: cell_of(value) for name, value in zip(columns, values, strict=True)}
    except ValueError as error:
        return fault(str(error), "")
    if any(isinstance(cell, str) and len(cell) > limits.LINE for cell in row.values()):
        return fault(f"a cell of more than {limits.LINE} characters", "")
    return row
