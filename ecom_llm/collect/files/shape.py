"""The Shape of a file: what it was recognised as, and its columns, from a bounded look at its beginning."""

from itertools import islice
from pathlib import Path

from ecom_llm.collect.files.delimited import header_of, records
from ecom_llm.collect.files.excel import excel_columns
from ecom_llm.collect.files.lines import text_lines
from ecom_llm.collect.files.parquet import parquet_columns
from ecom_llm.collect.files.reading import LINE_COLUMN, rows_of
from ecom_llm.collect.files.recognise import Recognised, recognise
from ecom_llm.collect.files.rows import Shape
from ecom_llm.collect.files.spool import spooled

ROWS = 100
"""Rows whose keys are the columns of a file that has no header."""


def shape_of(path: Path) -> Shape:
    """Recognise a file by its beginning.

    Raises:
        UserError: as `read_rows` does, as far as the beginning shows it.
    """
    found = recognise(path)
    return Shape(*found, columns_of(path, found))


def columns_of(path: Path, found: Recognised) -> tuple[str, ...]:
    """The columns of a file that has been recognised."""
    if found.kind == "lines":
        return (LINE_COLUMN,)
    if found.kind == "csv":
        return header_of(path, records(text_lines(path, found.compression, found.encoding), found.delimiter))
    if found.kind in ("parquet", "excel"):
        with spooled(path, found.compression) as plain:
            return parquet_columns(plain) if found.kind == "parquet" else excel_columns(plain)
    # not only the first row: JSON leaves out what is missing
    rows = [row for _, row in islice(rows_of(path, found), ROWS) if isinstance(row, dict)]
    return tuple(dict.fromkeys(name for row in rows for name in row))
