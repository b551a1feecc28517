"""tables: a folder of files named after the canonical tables (products.*, reviews.* ...) -> records, each with its row.

The files may have any format, compression and encoding that `ecom_llm.collect.files` reads; their columns are the fields
of the tables, as the head of `recipes/tables.yaml` lists them. Files with columns of their own are read by `mapped`.
"""

import logging
import re
from collections.abc import Iterator
from contextlib import closing
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from ecom_llm.collect.files import Fault, Row, Shape, read_rows, shape_of
from ecom_llm.collect.forms.cells import members_of, stars_of, text_of
from ecom_llm.collect.forms.columns import known_fields, shows_all_columns
from ecom_llm.collect.forms.origins import Origin, files_of, there, without_columns
from ecom_llm.collect.forms.spool import Histories
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import LOCALE, TABLES, Interaction, Sourced, UserError

log = logging.getLogger(__name__)

REQUIRED: dict[str, tuple[str, ...]] = {
    "products": ("id", "title"),
    "reviews": ("product", "stars", "text"),
    "questions": ("product", "question", "answer"),
    "adverts": ("product", "goal", "audience", "text"),
    "interactions": ("shopper", "product"),
}
"""Columns a table cannot do without. The others are optional: `locale` falls back on the source's, `position` on the order
of the rows, and each further column of `products` is an attribute."""
MAY_BE_EMPTY = ("title",)
NONE_WHERE_EMPTY = ("description", "split")
LISTS = ("strengths", "flaws")
LAST_POSITION = 2**63 - 1
"""Positions are collected as integers of 64 bits."""
SHOWN = 20
"""Columns that an error lists: the keys of JSON rows may be without end."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read every canonical table of a folder, or of one file; each row is one record or one Rejected.

    Raises:
        UserError: there is no table, or there are two files for one; a required column is missing, or one is unknown;
            a file as a whole cannot be read; or `columns` are given.
    """
    without_columns(source)
    for table, path in table_files(place, source).items():
        yield from records_of(table, path, source)


def table_of(name: str) -> str | None:
    """The canonical table a file is named after, such as `reviews` for `Reviews.csv.gz`; None for other names."""
    # not `Path.stem`, which leaves the `.csv` of a compressed file
    stem = name.partition(".")[0].lower()
    return stem if stem in TABLES else None


def table_files(place: Path, source: Source) -> dict[str, Path]:
    """Canonical table -> its file, in the order of the tables.

    Raises:
        UserError: no file is named after a table, or two are named after the same one.
    """
    found: dict[str, Path] = {}
    for path in files_of(place, source):
        table = table_of(path.name)
        if table is None:
            # other sources of the run may lie in the same folder, so it is no mistake
            log.info("%s: not read, since it is not named after one of %s", path, ", ".join(TABLES))
        elif table in found:
            raise UserError(
                f"{place}: holds both {found[table].name} and {path.name} for the table {table}. Keep one of them, or give "
                "each a folder and a source of its own."
            )
        else:
            found[table] = path
    if not found:
        raise UserError(
            f"{place}: holds no table: found {there(place) if place.is_dir() else 'one file of another name'}, expected at "
            f"least one of {', '.join(table + '.csv' for table in TABLES)}, or the same in another format. Name your files "
            "like that, set the source's path to their folder, or read them by their columns with the form mapped."
        )
    return {table: found[table] for table in TABLES if table in found}


def records_of(table: str, path: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """The records and rejected rows of one file, streaming; purchases without positions come last, numbered from 0."""
    shape = shape_of(path)
    # a column that is there is believed: what it leaves empty is refused, and never guessed
    numbered = table == "interactions" and "position" not in shape.columns
    with closing(Histories()) as histories:
        for line, row in checked_rows(table, path, shape):
            made = fate(table, Origin(path.name, line), row, source.locale, numbered)
            # on disk, since a shopper's next purchase may stand anywhere in the file
            if numbered and isinstance(made, Interaction):
                histories.add(made, "")
            else:
                yield made
        yield from (purchase for purchase, _, _ in histories.numbered())


@cache
def optional(table: str) -> tuple[str, ...]:
    """The columns a table may have beside its required ones."""
    return tuple(name for name in known_fields(table) if name not in REQUIRED[table])


def checked_rows(table: str, path: Path, shape: Shape) -> Iterator[tuple[int, Row | Fault]]:
    """The rows of a file whose columns are those of the table.

    A header is checked before the first row is given. JSON rows bring their own keys: each is checked for unknown ones,
    and that a required one is in none of them is known at the end.
    """
    whole = shows_all_columns(shape)
    if whole:
        check_header(table, path, shape.columns)
    missing, seen = set(REQUIRED[table]), dict.fromkeys(shape.columns)
    for line, row in read_rows(path):
        if not whole and isinstance(row, dict):
            missing -= row.keys()
            check_keys(table, path, line, row, shape)
        yield line, row
    # without any row that could be read there is nothing to say of its columns
    if not whole and seen:
        for column in REQUIRED[table]:
            if column in missing:
                raise without_column(table, path, column, list(seen))


def check_header(table: str, path: Path, columns: tuple[str, ...]) -> None:
    """Refuse a header that lacks a required column, has a column without a name, or one that nobody would read."""
    for column in REQUIRED[table]:
        if column not in columns:
            raise without_column(table, path, column, list(columns))
    for place, column in enumerate(columns, start=1):
        # so the reader calls a column without a name, of which no attribute should be made
        if column == f"column_{place}":
            raise UserError(f"{path}:1: column {place} has no name. Name it, or remove it.")
        check_known(table, path, 1, column)


def check_keys(table: str, path: Path, line: int, row: Row, shape: Shape) -> None:
    """Refuse a JSON row with a key that nobody would read, or that would change how the rows before it were read."""
    for column in row:
        check_known(table, path, line, column)
    if table == "interactions" and "position" in row and "position" not in shape.columns:
        raise UserError(
            f"{path}:{line}: found the column 'position', which the first rows lack, so that purchases were numbered in the "
            "order of the rows. Give it in every row, or in none."
        )


def check_known(table: str, path: Path, line: int, column: str) -> None:
    """Every column is one of the table's; those of products are its attributes otherwise."""
    known = (*REQUIRED[table], *optional(table))
    if table != "products" and column not in known:
        raise UserError(
            f"{path}:{line}: {table} has no column {column[:80]!r}; expected {', '.join(known)}. Rename or remove it."
        )


def without_column(table: str, path: Path, column: str, found: list[str]) -> UserError:
    """What to tell about a file that lacks a required column."""
    folded = {name.casefold(): name for name in found}
    near = get_close_matches(column, folded, n=1)
    return UserError(
        f"{path}:1: the column {column!r} is missing; found {', '.join(found[:SHOWN])}{', ...' * (len(found) > SHOWN)}; "
        f"{table} needs {', '.join(REQUIRED[table])}.{f' Did you mean {folded[near[0]]!r}?' if near else ''} Add or rename "
        "the column, or read the file by its own columns with the form mapped."
    )


def fate(table: str, origin: Origin, row: Row | Fault, locale: str, numbered: bool) -> Sourced | Rejected:
    """What one row is: a record, or the reason why it is none; a purchase that is to be `numbered` stands at 0."""
    if isinstance(row, Fault):
        return origin.unreadable(table, row)
    if not any(cell is not None and cell != "" for cell in row.values()):
        return origin.rejected(table, "row: empty", row)
    try:
        values = values_of(table, row)
        if numbered:
            # a position must be there for the record to be valid; `Histories` gives the true one
            values["position"] = "0"
        check_values(table, values)
        # checked before: the source's own locale is valid by its params
        values["locale"] = values["locale"] or locale
        if table == "products":
            values["attributes"] = attributes_of(row)
        return made_of(table, origin, values)
    except ValueError as error:
        return origin.rejected(table, str(error), row)


def values_of(table: str, row: Row) -> dict[str, object]:
    """Field -> value of one row, but for a product's attributes."""
    fields = (*REQUIRED[table], *optional(table))
    return {name: value_of(name, row.get(name)) for name in fields if name != "attributes"}


def value_of(name: str, cell: object) -> str | tuple[str, ...] | None:
    """The value of one canonical column; None and () where the cell is empty and may be."""
    try:
        if name in LISTS:
            return members_of(cell)
        if isinstance(cell, list):
            raise ValueError("expected text, found a list")
        text = stars_of(text_of(cell)) if name == "stars" else text_of(cell)
        return text or (None if name in NONE_WHERE_EMPTY else "")
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error


def check_values(table: str, values: dict[str, object]) -> None:
    """Refuse values that the record's own types would let pass, or refuse in words about Python."""
    for name in (*REQUIRED[table], "position"):
        if values.get(name) == "" and name not in MAY_BE_EMPTY:
            raise ValueError(f"{name}: empty")
    if values["locale"] and not re.fullmatch(LOCALE, str(values["locale"])):
        raise ValueError("locale: not a language tag such as en or zh-TW")


def made_of(table: str, origin: Origin, values: dict[str, object]) -> Sourced:
    """The record with these values.

    Raises:
        ValueError: a value is none of its field; `column: what is wrong with it`.
    """
    try:
        made = TABLES[table].model_validate({**values, "source": origin.source, "row": origin.row})
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{first['loc'][0]}: {first['msg']}") from error
    if isinstance(made, Interaction) and made.position > LAST_POSITION:
        raise ValueError(f"position: expected at most {LAST_POSITION}")
    return made


def attributes_of(row: Row) -> dict[str, str]:
    """The attributes of a product: those of its own `attributes` object, then every further column that is not empty.

    Raises:
        ValueError: a name is given twice, or a value is no text, number or list of them.
    """
    columns = {name: cell for name, cell in row.items() if name not in ("id", "title", *optional("products"))}
    inner = object_of(row.get("attributes"))
    twice = sorted(inner.keys() & columns.keys())
    if twice:
        raise ValueError(f"attributes: {twice[0]} is given twice")
    named: dict[str, str] = {}
    for name, cell in (inner | columns).items():
        try:
            value, spelt = text_of(cell), text_of(name)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
        # names that differ by blanks around them only, of which one would silently win
        if spelt in named:
            raise ValueError("attributes: two names are the same")
        named[spelt] = value
    return {name: value for name, value in named.items() if name and value}


def object_of(cell: object) -> dict[str, object]:
    """The column `attributes`: an object, or pairs, as which Parquet's maps come; other cells are an attribute of that name."""
    if isinstance(cell, dict):
        return cell
    if isinstance(cell, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in cell):
        found = {text_of(name): value for name, value in cell}
        if len(found) < len(cell):
            raise ValueError("attributes: two names are the same")
        return found
    return {"attributes": cell}
