"""`columns` of a source -> which canonical field is filled from which column of the file, checked against both."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from ecom_llm.collect.files import Shape
from ecom_llm.params import Source
from ecom_llm.records import TABLES, UserError

CONSTANT = "="
"""Begins a value that is no column but a text for every row."""
ROW = "{row}"
"""In a constant: the row's own file and number, for files that have no ids."""
OPEN = "attributes"
"""`products.attributes` without a name: a column that holds all attributes of a product at once."""
QUANTITY = "quantity"
"""Of `interactions`, though no field of theirs: rows with less than one are returns, and no purchases."""
FALLS_BACK = ("source", "row", "locale", "title", "attributes", "position")
"""Fields a mapping may leave out though a record has them: form and source fill them."""


@dataclass(frozen=True)
class Mapping:
    """A checked `columns`: fields and named attributes, each with its spelling: a column, or `=text`."""

    fields: dict[str, dict[str, str]]
    """Table -> field -> spelling, for each table that is mapped."""
    attributes: dict[str, str]
    """Attribute's name -> spelling."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The file's columns that are read, each once."""
        spelt = [spelling for fields in self.fields.values() for spelling in fields.values()]
        spelt += [column for name in self.attributes if (column := naming(name))]
        return tuple(dict.fromkeys(one for one in (*spelt, *self.attributes.values()) if not one.startswith(CONSTANT)))


def naming(name: str) -> str:
    """The column that holds an attribute's name, of `{Option1 Name}`; empty for a name that stands for itself."""
    return name[1:-1] if name.startswith("{") and name.endswith("}") else ""


def known_fields(table: str) -> list[str]:
    """The fields of a canonical table that a column may fill."""
    return [name for name in TABLES[table].model_fields if name not in ("source", "row", "weight")]


def mapped_fields(table: str) -> list[str]:
    """The same, and what else of a row `mapped` asks for."""
    return [*known_fields(table), *([QUANTITY] if table == "interactions" else [])]


@cache
def needed_fields(table: str) -> tuple[str, ...]:
    """The fields without which a row is no record of the table."""
    fields = TABLES[table].model_fields
    return tuple(name for name, field in fields.items() if field.is_required() and name not in FALLS_BACK)


def complaint(source: Source, key: str, found: str, columns: Iterable[str] = ()) -> UserError:
    """A mistake in `columns`, with the key, what was found and the columns there are."""
    there = ", ".join(repr(column) for column in columns)
    return UserError(
        f"collect.sources: path {source.path!r}: columns: {key}: {found}{f' The file has {there}.' if there else ''}"
    )


def mapping_of(source: Source) -> Mapping:
    """Read `source.columns`.

    Raises:
        UserError: a table or field is unknown, or one that a mapped table needs is missing; names the key.
    """
    fields: dict[str, dict[str, str]] = {}
    attributes: dict[str, str] = {}
    for key, spelling in source.columns.items():
        table, _, field = key.partition(".")
        if not spelling.strip():
            raise complaint(source, key, "is empty; expected a column of the file, or =text for a constant.")
        if table == "products" and field.startswith(OPEN + ".") and field.removeprefix(OPEN + ".").strip():
            attributes[field.removeprefix(OPEN + ".").strip()] = spelling
            fields.setdefault(table, {})
        else:
            check_field(source, key, table, field)
            fields.setdefault(table, {})[field] = spelling
    check_needed(source, fields)
    # the order of the tables, and not of the keys: a row's product is given before what is said about it
    return Mapping({table: fields[table] for table in TABLES if table in fields}, attributes)


def check_field(source: Source, key: str, table: str, field: str) -> None:
    """A key names a canonical table and one of its fields."""
    if table not in TABLES:
        raise complaint(source, key, f"there is no table {table!r}; expected TABLE.FIELD with {', '.join(TABLES)}.")
    if field not in mapped_fields(table):
        more = ", attributes.NAME" if table == "products" else ""
        raise complaint(
            source, key, f"{table} has no field {field!r}; expected one of {', '.join(mapped_fields(table))}{more}."
        )


def check_needed(source: Source, fields: dict[str, dict[str, str]]) -> None:
    """Every mapped table has the fields it cannot do without."""
    if not fields:
        raise complaint(
            source,
            "{}",
            "nothing is mapped. Name at least one table's fields, such as {reviews.product: Item, reviews.stars: Rating, "
            "reviews.text: Review}; `ecom-llm inspect FILE` proposes them.",
        )
    for table, mapped in fields.items():
        missing = [name for name in needed_fields(table) if name not in mapped]
        if missing:
            raise complaint(
                source,
                f"{table}.{missing[0]}",
                f"is missing; {table} needs {', '.join(needed_fields(table))}. Add the column, or a constant: =text "
                f"(={ROW} stands for each row's own number).",
            )


def check_columns(source: Source, mapping: Mapping, columns: Iterable[str], where: str) -> None:
    """Every column that is read is in the file.

    Raises:
        UserError: names the key, the file, the nearest column and all there are.
    """
    there = list(columns)
    named = {key: naming(key.removeprefix("products.attributes.")) for key in source.columns}
    asked = [*source.columns.items(), *((key, column) for key, column in named.items() if column)]
    for key, spelling in asked:
        if spelling in mapping.columns and spelling not in there:
            near = get_close_matches(spelling, there, n=1)
            meant = f" Did you mean {near[0]!r}?" if near else ""
            raise complaint(source, key, f"{where} has no column {spelling!r}.{meant}", there)


def shows_all_columns(shape: Shape) -> bool:
    """Whether the shape of a file lists all of its columns; JSON rows may bring new ones later."""
    return shape.kind not in ("json", "jsonl", "literals")
