"""Files -> rows: CSV and JSON lines, each row with the line it starts on, and one clear error for a malformed file."""

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.records import LIST_SEPARATOR, UserError

Row = dict[str, object]
"""Column -> cell. Scalars are text, spelt as in the file; JSON lines may also hold lists and objects of them."""


@dataclass(frozen=True)
class Sheet:
    """One file's columns in order, and its rows with the 1-based line on which each starts."""

    columns: tuple[str, ...]
    rows: list[tuple[int, Row]]


def read_text(path: Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark.

    Raises:
        UserError: the file cannot be read, or is not UTF-8; names the line of the first wrong byte.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the path and your rights.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path}:{line}: found the byte 0x{data[error.start]:02x}, expected UTF-8 text. Save the file as UTF-8, "
            f"for example: iconv -f GB18030 -t UTF-8 {path.name}"
        ) from error


def read_sheet(path: Path) -> Sheet:
    """Read a `.csv` or `.jsonl` file.

    Raises:
        UserError: the file as a whole is malformed; names file, line, what was found and what was expected.
    """
    text = read_text(path)
    return read_csv(path, text) if path.suffix == ".csv" else read_json_lines(path, text)


def csv_lines(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each record of a CSV file that is not a blank line, with the line on which it starts."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for cells in reader:
            if cells:
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise UserError(
            f"{path}:{line}: the row that starts here is not valid CSV: {error}. A cell that holds a comma, a quote or a "
            'line break stands in double quotes, and a quote in it is written twice ("").'
        ) from error


def header(path: Path, cells: list[str]) -> tuple[str, ...]:
    """The column names of a CSV file, stripped; each must be there once."""
    columns = tuple(cell.strip() for cell in cells)
    for place, column in enumerate(columns, start=1):
        if not column:
            raise UserError(f"{path}:1: column {place} has no name. Name every column, or remove it.")
        if column in columns[: place - 1]:
            raise UserError(f"{path}:1: two columns are called {column!r}. Rename or remove one of them.")
    return columns


def read_csv(path: Path, text: str) -> Sheet:
    """Comma-separated values with a header line, quoted as in RFC 4180; blank lines are no rows."""
    lines = csv_lines(path, text)
    first = next(lines, None)
    if first is None:
        raise UserError(f"{path}:1: the file is empty, expected a header line with the names of the columns.")
    columns = header(path, first[1])
    rows: list[tuple[int, Row]] = []
    for line, cells in lines:
        if len(cells) != len(columns):
            raise UserError(
                f"{path}:{line}: found {len(cells)} cells, expected {len(columns)} ({', '.join(columns)}). "
                "Put cells that hold commas in double quotes, and give every row all its cells."
            )
        rows.append((line, dict(zip(columns, cells, strict=True))))
    return Sheet(columns, rows)


def once(pairs: list[tuple[str, object]]) -> Row:
    """A JSON object whose keys each stand once: `json` alone would silently keep the last."""
    found: Row = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} stands twice")
        found[key] = value
    return found


def refuse_constant(name: str) -> object:
    """NaN and Infinity, which `json` would read and JSON does not know."""
    raise ValueError(f"{name} is not JSON")


def parse_object(path: Path, line: int, text: str) -> Row:
    """One line of JSON lines; numbers stay as they are spelt, so that 1.10 is not turned into 1.1."""
    try:
        found = json.loads(text, object_pairs_hook=once, parse_float=str, parse_int=str, parse_constant=refuse_constant)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}:{line}:{error.colno}: is not JSON: {error.msg}. Expected one JSON object a line."
        ) from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}:{line}: is not a row: {error}. Expected one JSON object a line.") from error
    if not isinstance(found, dict):
        raise UserError(f"{path}:{line}: found a JSON {type(found).__name__}, expected one JSON object a line.")
    return found


def read_json_lines(path: Path, text: str) -> Sheet:
    """One JSON object a line; the columns are all keys there are, in order of appearance."""
    # not splitlines(): a JSON string may hold U+2028 and its like unescaped
    lines = enumerate(io.StringIO(text, newline=""), start=1)
    rows = [(number, parse_object(path, number, line)) for number, line in lines if line.strip()]
    return Sheet(tuple(dict.fromkeys(key for _, row in rows for key in row)), rows)


def as_text(value: object) -> str:
    """A cell as text: null is empty, members of a list are joined by LIST_SEPARATOR.

    Raises:
        ValueError: the cell is an object, or a list within a list.
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if isinstance(value, list) and not any(isinstance(member, list | dict) for member in value):
        return LIST_SEPARATOR.join(filter(None, map(as_text, value)))
    raise ValueError("expected text, a number or a list of them")
