"""tables: a folder of CSV or JSON lines named after the canonical tables -> records, each with its file and line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from ecom_llm.collect.reading import Row, Sheet, as_text, read_sheet
from ecom_llm.collect.rejected import Rejected, content_of
from ecom_llm.records import TABLES, Sourced, Tables, UserError

REQUIRED: dict[str, tuple[str, ...]] = {
    "products": ("id", "title"),
    "reviews": ("product", "stars", "text"),
    "questions": ("product", "question", "answer"),
    "adverts": ("product", "goal", "audience", "text"),
    "interactions": ("shopper", "product"),
}
"""Columns a table cannot do without. The others are optional: `locale` falls back on `collect.locale`, `position` on the
order of the rows, and each further column of `products` is an attribute."""
MAY_BE_EMPTY = ("title",)
LISTS = ("strengths", "flaws")
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
SUFFIXES = (".csv", ".jsonl")


@dataclass
class Collected:
    """What a source gave: the records, and the rows that could not become one."""

    tables: Tables = field(default_factory=Tables)
    rejected: list[Rejected] = field(default_factory=list)


def collect_tables(folder: Path, locale: str) -> Collected:
    """Read every table there is in `folder`; `locale` is that of rows which name none.

    A row that cannot be a record is rejected with a reason; a file that is malformed as a whole stops the stage.

    Raises:
        UserError: the folder is missing or holds no table, or a file is malformed; names file and line.
    """
    collected = Collected()
    for table, path in table_files(folder).items():
        sheet = read_sheet(path)
        check_columns(path, table, sheet)
        if table == "interactions" and "position" not in sheet.columns:
            number_positions(sheet, locale)
        collect_rows(collected, table, path.name, sheet, locale)
    return collected


def table_files(folder: Path) -> dict[str, Path]:
    """Canonical table -> its file."""
    names = listing(folder)
    found = {table: [folder / (table + suffix) for suffix in SUFFIXES if table + suffix in names] for table in TABLES}
    for table, paths in found.items():
        if len(paths) > 1:
            raise UserError(f"{folder}: holds both {table}.csv and {table}.jsonl. Keep one of them.")
    if not any(found.values()):
        there = ", ".join(names[:5]) + (", ..." if len(names) > 5 else "") if names else "nothing"
        raise UserError(
            f"{folder}: holds no table: found {there}, expected at least one of "
            f"{', '.join(table + '.csv' for table in TABLES)}, or the same as .jsonl. Name your files like that, "
            "or set collect.location to their folder."
        )
    return {table: paths[0] for table, paths in found.items() if paths}


def listing(folder: Path) -> list[str]:
    """The names of the files in a folder, sorted."""
    try:
        return sorted(path.name for path in folder.iterdir() if path.is_file())
    except OSError as error:
        raise UserError(
            f"collect.location: {folder}: cannot be read as a folder ({error.strerror}). "
            "Set collect.location to the folder that holds your files."
        ) from error


def optional(table: str) -> tuple[str, ...]:
    """The columns a table may have beside its required ones."""
    return tuple(name for name in TABLES[table].model_fields if name not in ("source", "row", *REQUIRED[table]))


def check_columns(path: Path, table: str, sheet: Sheet) -> None:
    """Refuse a table that lacks a required column, or (but for products) has one that nobody would read."""
    if not sheet.columns and not sheet.rows:
        return
    for column in REQUIRED[table]:
        if column not in sheet.columns:
            raise UserError(
                f"{path}:1: the column {column!r} is missing; found {', '.join(sheet.columns)}; "
                f"{table} needs {', '.join(REQUIRED[table])}, separated by commas. Add or rename the column."
            )
    known = (*REQUIRED[table], *optional(table))
    unknown = [column for column in sheet.columns if column not in known]
    if unknown and table != "products":
        line = next((line for line, row in sheet.rows if unknown[0] in row), 1) if path.suffix == ".jsonl" else 1
        raise UserError(
            f"{path}:{line}: {table} has no column {unknown[0]!r}; expected {', '.join(known)}. Rename or remove it."
        )


def number_positions(sheet: Sheet, locale: str) -> None:
    """Number each shopper's purchases in the order of the file, from 0, in each locale."""
    count: dict[tuple[str, str], int] = {}
    for _, row in sheet.rows:
        key = str(row.get("shopper")), str(row.get("locale") or locale)
        row["position"] = str(count.get(key, 0))
        count[key] = count.get(key, 0) + 1


def collect_rows(collected: Collected, table: str, source: str, sheet: Sheet, locale: str) -> None:
    """Add each row of a sheet to the table, or to the rejected ones."""
    records = getattr(collected.tables, table)
    for line, row in sheet.rows:
        record = to_record(table, source, line, row, locale)
        if isinstance(record, str):
            collected.rejected.append(
                Rejected(source=source, row=line, table=table, reason=record, content=content_of(row))
            )
        else:
            records.append(record)


def to_record(table: str, source: str, line: int, row: Row, locale: str) -> Sourced | str:
    """The record a row stands for, or the reason why it cannot be one."""
    try:
        values = {
            name: cell(name, row.get(name)) for name in (*REQUIRED[table], *optional(table)) if name != "attributes"
        }
    except ValueError as error:
        return str(error)
    for name in REQUIRED[table]:
        if not values[name] and name not in MAY_BE_EMPTY:
            return f"{name}: empty"
    values["locale"] = values["locale"] or locale
    if not LOCALE.fullmatch(str(values["locale"])):
        return "locale: not a language tag such as en or zh-TW"
    try:
        return TABLES[table].model_validate({**values, **attributes_of(table, row), "source": source, "row": line})
    except ValidationError as error:
        first = error.errors()[0]
        return f"{first['loc'][0]}: {first['msg']}"
    except ValueError as error:
        return str(error)


def cell(name: str, value: object) -> str | tuple[str, ...] | None:
    """The value of one canonical column; None and () where the cell is empty and may be."""
    if name in LISTS:
        return members(name, value)
    if isinstance(value, list):
        raise ValueError(f"{name}: expected text, found a list")
    return checked_text(name, value) or (None if name in ("description", "split") else "")


def checked_text(name: str, value: object) -> str:
    """A cell as stripped text that UTF-8 can spell; `name` goes into the error."""
    try:
        text = as_text(value).strip()
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(f"{name}: holds half of a surrogate pair") from error
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    return text


def members(name: str, value: object) -> tuple[str, ...]:
    """A list cell: a JSON list, or text whose members are separated by semicolons."""
    parts = value if isinstance(value, list) else checked_text(name, value).split(";")
    return tuple(filter(None, (checked_text(name, part) for part in parts)))


def attributes_of(table: str, row: Row) -> dict[str, dict[str, str]]:
    """`attributes` of a product: those of its own `attributes` object, then every further column that is not empty."""
    if table != "products":
        return {}
    columns = {name: value for name, value in row.items() if name not in ("id", "title", *optional("products"))}
    inner = row.get("attributes")
    if isinstance(inner, Mapping):
        twice = sorted(set(inner) & set(columns))
        if twice:
            raise ValueError(f"attributes: {twice[0]} is given twice")
        columns = {**inner, **columns}
    elif inner not in (None, ""):
        columns["attributes"] = inner
    named = {checked_text("attributes", name): checked_text(name, value) for name, value in columns.items()}
    if len(named) < len(columns):
        raise ValueError("attributes: two names are the same")
    return {"attributes": {name: value for name, value in named.items() if name and value}}
