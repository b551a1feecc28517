"""Whose ids a source speaks of: sources of one shop share them, and two shops may each have a product called 1."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from ecom_llm.params import Form, Source
from ecom_llm.records import TABLES, Sourced, UserError

NUMBERED: tuple[Form, ...] = ("rnnlg", "item_windows", "jddc")
"""Published forms whose ids count rows, items or anonymised orders of one publication, and mean nothing in another."""
IDS = {table: ("id",) if table == "products" else ("product",) for table in TABLES} | {
    "interactions": ("product", "shopper")
}
"""Table -> its columns that hold ids."""
FIELDS = {kind: IDS[table] for table, kind in TABLES.items()}


def shops_of(sources: Sequence[Source], shops: Mapping[str, str]) -> list[str]:
    """The shop of each source, as `collect.shops` names it by path or folder; empty where the ids stand for themselves.

    Raises:
        UserError: a key is the path or folder of no source.
    """
    idle = next((key for key in shops if not any(key in folders(source.path) for source in sources)), None)
    if idle is not None:
        there = ", ".join(source.path for source in sources)
        raise UserError(
            f"collect.shops: {idle!r} is no source, nor a folder of one. Sources: {there}. Mend or remove it."
        )
    named = [next((shops[at] for at in folders(source.path) if at in shops), "") for source in sources]
    alike = Counter((source.form, shop) for source, shop in zip(sources, named, strict=True))
    return [
        shop or (source.path if source.form in NUMBERED and alike[source.form, shop] > 1 else "")
        for source, shop in zip(sources, named, strict=True)
    ]


def folders(path: str) -> list[str]:
    """A path and the folders it lies in, the nearest first; `.` holds all."""
    place = PurePosixPath(path)
    return [str(place), *(str(parent) for parent in place.parents)]


def ids_in(shop: str, record: Sourced) -> dict[str, str]:
    """The record's ids, told apart from those of other shops; nothing to change where the shop has no name."""
    return {name: f"{shop}/{getattr(record, name)}" for name in FIELDS[type(record)]} if shop else {}
