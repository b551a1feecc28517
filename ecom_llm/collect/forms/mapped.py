"""mapped: any file of rows, read by `columns` -> records; one row may be a product, its review and a purchase at once.

Each row has one fate in each mapped table: a record, or a Rejected. A product that comes again is a record again, for
`prepare` to count as a duplicate; where a later row tells of it otherwise, the first row's content stands.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path

from pydantic import ValidationError

from ecom_llm.collect.files import Fault, Row, shape_of
from ecom_llm.collect.forms.cells import members_of, stars_of, text_of
from ecom_llm.collect.forms.columns import (
    CONSTANT,
    OPEN,
    QUANTITY,
    ROW,
    Mapping,
    check_columns,
    complaint,
    mapping_of,
    naming,
    needed_fields,
    shows_all_columns,
)
from ecom_llm.collect.forms.origins import Origin, files_of, row_id, rows_of
from ecom_llm.collect.forms.spool import FirstProducts, Histories
from ecom_llm.collect.forms.tables import LISTS
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import LIST_SEPARATOR, LOCALE, TABLES, Interaction, Product, Sourced, UserError

log = logging.getLogger(__name__)

Opener = Callable[[object], dict[str, str]]
"""A cell that holds all attributes of a product -> name and value of each; a ValueError says why it cannot."""

PROSE = ("description", "text", "question", "answer")
"""Fields that hold sentences: a list in one is of paragraphs, and not of values."""
MOST_COLUMNS = 1000
"""Columns that are remembered to be named in an error: the keys of JSON rows may be without end."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read one file, or every data file of a folder, by `source.columns`.

    Raises:
        UserError: the mapping or a column in it is wrong, or a file cannot be read.
    """
    yield from read_mapped(place, source, mapping_of(source), attributes_of_object)


def read_mapped(place: Path, source: Source, mapping: Mapping, opened: Opener) -> Iterator[Sourced | Rejected]:
    """Read the files of a source by a mapping; `opened` reads the column behind `products.attributes`."""
    for path in files_of(place, source):
        shape = shape_of(path)
        # a wrong name is told before the first row is read; JSON rows must all be seen to know that none has a key
        if shows_all_columns(shape):
            check_columns(source, mapping, shape.columns, path.name)
    yield from records_of(rows_of(place, source), source, mapping, opened)


def attributes_of_object(cell: object) -> dict[str, str]:
    """The attributes in a JSON object, as they are named there."""
    if cell is None or cell == "":
        return {}
    if not isinstance(cell, dict):
        raise ValueError("expected a JSON object; the form specifications reads Ruby hashes")
    spelt = ((text_of(name), value_of(value)) for name, value in cell.items())
    return {name: value for name, value in spelt if value}


def prose_of(cell: object) -> str:
    """A text; where it comes as a list of paragraphs, one behind the other."""
    return "\n".join(members_of(cell)) if isinstance(cell, list) else text_of(cell)


def value_of(value: object) -> str:
    """An attribute's value; an object in it, as Amazon's ranks are, is spelt as a list of `name: value`."""
    if not isinstance(value, dict):
        return text_of(value)
    return LIST_SEPARATOR.join(f"{text_of(name)}: {text_of(part)}" for name, part in value.items())


def records_of(
    rows: Iterable[tuple[Origin, Row | Fault]], source: Source, mapping: Mapping, opened: Opener
) -> Iterator[Sourced | Rejected]:
    """Rows -> the records of every mapped table, streaming; purchases come last, when their order is known."""
    unseen = set(mapping.columns)
    seen: dict[str, None] = {}
    with closing(FirstProducts()) as products, closing(Histories()) as histories:
        for origin, row in rows:
            if unseen and isinstance(row, dict):
                unseen -= row.keys()
                seen.update(dict.fromkeys(row) if len(seen) < MOST_COLUMNS else {})
            for table in mapping.fields:
                made = fate(table, origin, row, source, mapping, opened)
                if isinstance(made, Interaction):
                    histories.add(made, order_key(origin, row, source, mapping))
                else:
                    yield products.as_first(made) if isinstance(made, Product) else made
        if unseen and seen:
            check_columns(source, mapping, seen, source.path)
        yield from purchases(histories, source, mapping)
        if products.merged:
            log.info(
                "%s: %s rows give a product otherwise than an earlier row; the first one's content stands",
                source.path,
                f"{products.merged:,}",
            )


def fate(
    table: str, origin: Origin, row: Row | Fault, source: Source, mapping: Mapping, opened: Opener
) -> Sourced | Rejected:
    """What one row is in one table; a purchase has no position yet."""
    if isinstance(row, Fault):
        return origin.unreadable(table, row)
    if not any(cell is not None and cell != "" for cell in row.values()):
        return origin.rejected(table, "row: empty", row)
    try:
        values = values_of(table, origin, row, source, mapping.fields[table])
        if table == "products":
            values = {"title": "", **values, "attributes": attributes_of(origin, row, source, mapping, opened)}
        if table == "interactions":
            check_bought(values, mapping.fields[table])
            # the column that orders the history is a date more often than a position: see `Histories`
            values["position"] = 0
        return made_of(table, origin, values, mapping.fields[table])
    except ValueError as error:
        return origin.rejected(table, str(error), row)


def check_bought(values: dict[str, object], fields: dict[str, str]) -> None:
    """Refuse a return or a cancelled order, which an invoice writes as less than one piece; the quantity is used up.

    Raises:
        ValueError: as above, or the quantity is no number.
    """
    if QUANTITY not in fields:
        return
    name, spelt = named(fields[QUANTITY], QUANTITY), str(values.pop(QUANTITY, ""))
    try:
        bought = float(spelt.replace(",", "."))
    except ValueError as error:
        raise ValueError(f"{name}: no number") from error
    if not bought > 0:
        raise ValueError(f"{name}: not above 0, so a return and no purchase")


def cell_of(origin: Origin, row: Row, source: Source, spelling: str) -> object:
    """A column's cell, or the text of a constant."""
    if spelling.startswith(CONSTANT):
        return spelling.removeprefix(CONSTANT).replace(ROW, row_id(origin, source))
    return row.get(spelling)


def named(spelling: str, field: str) -> str:
    """What a reason calls a field: the file's column, which its owner knows, or for a constant the field."""
    return field if spelling.startswith(CONSTANT) else spelling


def values_of(table: str, origin: Origin, row: Row, source: Source, fields: dict[str, str]) -> dict[str, object]:
    """Field -> value of one row, without those that are empty and may be.

    Raises:
        ValueError: `column: what is wrong with it`.
    """
    values: dict[str, object] = {}
    for field, spelling in fields.items():
        if field == OPEN:
            continue
        try:
            cell = cell_of(origin, row, source, spelling)
            value = members_of(cell) if field in LISTS else prose_of(cell) if field in PROSE else text_of(cell)
        except ValueError as error:
            raise ValueError(f"{named(spelling, field)}: {error}") from error
        if value:
            values[field] = stars_of(value) if field == "stars" else value
        elif field in (*needed_fields(table), "position"):
            raise ValueError(f"{named(spelling, field)}: empty")
    locale = values.setdefault("locale", source.locale)
    if not re.fullmatch(LOCALE, str(locale)):
        raise ValueError(f"{named(fields['locale'], 'locale')}: not a language tag such as en or zh-TW")
    return values


def attributes_of(origin: Origin, row: Row, source: Source, mapping: Mapping, opened: Opener) -> dict[str, str]:
    """A product's attributes that are not empty: those of the open column, then each named one."""
    found: dict[str, str] = {}
    spelling = mapping.fields["products"].get(OPEN)
    if spelling:
        try:
            found = opened(cell_of(origin, row, source, spelling))
        except ValueError as error:
            raise ValueError(f"{named(spelling, OPEN)}: {error}") from error
    for spelt, column in mapping.attributes.items():
        try:
            value = text_of(cell_of(origin, row, source, column))
            name = text_of(row.get(naming(spelt))) if naming(spelt) else spelt
        except ValueError as error:
            raise ValueError(f"{named(column, spelt)}: {error}") from error
        if value and name and found.get(name, value) != value:
            found[name] += f"{LIST_SEPARATOR}{value}"
        elif value and name:
            found[name] = value
    return found


def made_of(table: str, origin: Origin, values: dict[str, object], fields: dict[str, str]) -> Sourced:
    """The record with these values.

    Raises:
        ValueError: a value is none of its field; `column: what is wrong with it`.
    """
    try:
        return TABLES[table].model_validate({**values, "source": origin.source, "row": origin.row})
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0])
        raise ValueError(f"{named(fields.get(field, CONSTANT), field)}: {first['msg']}") from error


def order_key(origin: Origin, row: Row | Fault, source: Source, mapping: Mapping) -> str:
    """The cell that orders a history; empty where no column does."""
    spelling = mapping.fields["interactions"].get("position")
    return text_of(cell_of(origin, row, source, spelling)) if spelling and isinstance(row, dict) else ""


def purchases(histories: Histories, source: Source, mapping: Mapping) -> Iterator[Interaction | Rejected]:
    """The interactions, each shopper's numbered from 0."""
    spelling = mapping.fields.get("interactions", {}).get("position", CONSTANT)
    try:
        for purchase, key, placed in histories.numbered():
            # the row itself is not kept until here: a history may be as long as the file
            content = {"shopper": purchase.shopper, "product": purchase.product, spelling: key}
            reason = f"{named(spelling, 'position')}: no number or date"
            origin = Origin(purchase.source, purchase.row)
            yield purchase if placed else origin.rejected("interactions", reason, content)
    except ValueError as error:
        raise order_complaint(source, spelling, error) from error


def order_complaint(source: Source, spelling: str, error: ValueError) -> UserError:
    """What to tell about a column that was to order histories and cannot."""
    return complaint(
        source,
        "interactions.position",
        f"the column {spelling!r} cannot order purchases: {error}. Expected numbers, or dates as in 2015-06-24; leave the "
        "key out where the rows are in order.",
    )
