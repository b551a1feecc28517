"""A file of any kind -> its rows or its lines."""

from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.files.delimited import read_delimited
from ecom_llm.collect.files.excel import read_excel
from ecom_llm.collect.files.json_document import read_json
from ecom_llm.collect.files.json_lines import read_json_lines
from ecom_llm.collect.files.lines import Bad, text_lines
from ecom_llm.collect.files.literals import read_literals
from ecom_llm.collect.files.parquet import read_parquet
from ecom_llm.collect.files.recognise import Recognised, recognise
from ecom_llm.collect.files.rows import Fault, Row
from ecom_llm.collect.files.spool import spooled
from ecom_llm.records import UserError

LINE_COLUMN = "text"
"""The one column of a file of plain lines."""


def read_rows(path: Path) -> Iterator[tuple[int, Row | Fault]]:
    """Yield each row, or the Fault in its place, with its 1-based line (row of the sheet for Excel, of the file for Parquet).

    Streams: at no time does more than a batch of rows stand in memory, but for spreadsheets (see `excel`). Blank lines are
    no rows of CSV, JSON lines and literals; of plain lines they are.

    Raises:
        UserError: the file as a whole cannot be read, or not further: missing, damaged, empty, a bomb, no known kind,
            two columns of one name; rows before the place may have been given by then.
    """
    yield from rows_of(path, recognise(path))


def rows_of(path: Path, found: Recognised) -> Iterator[tuple[int, Row | Fault]]:
    """The rows of a file that has been recognised."""
    if found.kind in ("parquet", "excel"):
        # both need random access
        with spooled(path, found.compression) as plain:
            yield from read_parquet(plain) if found.kind == "parquet" else read_excel(plain)
    elif found.kind == "json":
        yield from read_json(path, found.compression, found.encoding)
    else:
        lines = text_lines(path, found.compression, found.encoding)
        if found.kind == "csv":
            yield from read_delimited(path, lines, found.delimiter)
        elif found.kind == "jsonl":
            yield from read_json_lines(lines)
        elif found.kind == "literals":
            yield from read_literals(lines)
        else:
            yield from ((number, as_row(line)) for number, line in lines)


def as_row(line: str | Bad) -> Row | Fault:
    """A plain line as a row."""
    return line.fault if isinstance(line, Bad) else {LINE_COLUMN: line.rstrip("\r\n")}


def read_lines(path: Path) -> Iterator[tuple[int, str | Fault]]:
    """Yield the decoded lines of a text file, plain or compressed, with their 1-based numbers and without line ends.

    Raises:
        UserError: the file cannot be read or unpacked, is empty, or is not text.
    """
    found = recognise(path)
    if found.encoding is None:
        raise UserError(f"{path}: is a file of the kind {found.kind}, expected lines of text.")
    for number, line in text_lines(path, found.compression, found.encoding):
        yield number, line.fault if isinstance(line, Bad) else line.rstrip("\r\n")
