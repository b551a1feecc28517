"""rnnlg: the published format of RNNLG (dialogue act, human sentence, rule baseline) -> products with a description.

Wen et al., "Semantically Conditioned LSTM-based Natural Language Generation for Spoken Dialogue Systems" (2015) and
"Multi-domain Neural Network Language Generation for Spoken Dialogue Systems" (2016); data: github.com/shawnwun/RNNLG.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.files import Fault, Row, read_rows, shape_of
from ecom_llm.collect.forms.origins import Origin, file_in, without_columns
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Product, Sourced, Split, UserError

FILES: dict[str, Split] = {"train.json": "train", "valid.json": "validation", "test.json": "test"}
ACT = re.compile(r"\s*(\??\w+)\s*\((.*)\)\s*", re.DOTALL)
SLOT = re.compile(
    r"\s*(?P<name>[^=;]*?)\s*"
    r"(?:=\s*(?:'(?P<quoted>.*?)'(?=\s*(?:;|$))|(?P<plain>[^;]*?))\s*)?(?:;|$)",
    re.DOTALL,
)
LONGEST_ACT = 2000
"""Characters; the longest published act has 282. SLOT takes quadratic time, so that one huge line would take hours."""
UNVALUED = "?"
"""Shown for a slot without a value, as in `?request(price)`: the act asks for it."""
PARTS = ("column_1", "column_2", "column_3")
"""What the reader calls the members of an entry, which is a list: act, sentence and rule baseline."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read `train.json`, `valid.json` and `test.json` of a folder; rows are counted from 1 within each file's list.

    Raises:
        UserError: a file is missing or malformed, or `columns` are given.
    """
    without_columns(source)
    # all three are looked at before the first is read: a split that is missing is told at once
    paths = [file_in(place, name, source) for name in FILES]
    for path in paths:
        check_kind(path)
    for path in paths:
        # not the line: ids such as `train:17` count entries, as those who cite this data do
        for number, (_, row) in enumerate(read_rows(path), start=1):
            yield fate(Origin(path.name, number), row, source.locale)


def check_kind(path: Path) -> None:
    """Refuse what is no JSON document: a file of another format would be rejected row by row, for reasons beside the point."""
    kind = shape_of(path).kind
    if kind != "json":
        raise UserError(
            f"{path}:1: found a file of the kind {kind}, expected comment lines, then one JSON list of [act, sentence, "
            "baseline]. Give the folder of the files as RNNLG published them."
        )


def fate(origin: Origin, row: Row | Fault, locale: str) -> Product | Rejected:
    """The product of one entry, or the reason why it is none."""
    if isinstance(row, Fault):
        return origin.unreadable("products", row)
    try:
        return to_product(origin, row, locale)
    except ValueError as error:
        return origin.rejected("products", str(error), row)


def to_product(origin: Origin, row: Row, locale: str) -> Product:
    """The product that one entry of a file stands for; its id is the split and the row, such as `train:17`.

    Raises:
        ValueError: the entry cannot be a product; says why.
    """
    if tuple(row) != PARTS or not all(isinstance(part, str) for part in row.values()):
        raise ValueError("row: expected [act, sentence, rule baseline], each a text")
    spelt, sentence = (str(row[part]) for part in PARTS[:2])
    act, slots = parse_act(spelt)
    if not sentence.strip():
        raise ValueError("sentence: empty")
    split = FILES[origin.source]
    return Product(
        source=origin.source,
        row=origin.row,
        id=f"{split}:{origin.row}",
        locale=locale,
        title=next((value for slot, value in slots if slot == "name" and value), ""),
        attributes=attributes_of(act, slots),
        description=sentence,
        split=split,
    )


def parse_act(text: str) -> tuple[str, list[tuple[str, str | None]]]:
    """Split `act(slot=value;slot='a;b';slot)` into the act and its slots in order; no value is None.

    A quoted value ends at the quote before the next `;`, so it may hold `;`, `=` and single quotes.

    Raises:
        ValueError: the text is not written like that, or too long to be one.
    """
    if len(text) > LONGEST_ACT:
        raise ValueError(f"act: longer than {LONGEST_ACT} characters")
    act = ACT.fullmatch(text)
    if act is None:
        raise ValueError("act: expected act(slot=value;...)")
    name, body = act.groups()
    slots: list[tuple[str, str | None]] = []
    place = 0
    while place < len(body.rstrip()):
        found = SLOT.match(body, place)
        if found is None or not found["name"]:
            raise ValueError("act: a slot has no name")
        quoted = found["quoted"]
        slots.append((found["name"], found["plain"] if quoted is None else quoted))
        place = found.end()
    return name, slots


def attributes_of(act: str, slots: list[tuple[str, str | None]]) -> dict[str, str]:
    """What the sentence is to say: the act first, then the slots; a repeated slot is numbered (`memory`, `memory 2`)."""
    attributes = {"act": act}
    for slot, value in slots:
        name, number = slot, 1
        while name in attributes:
            number += 1
            name = f"{slot} {number}"
        attributes[name] = value or UNVALUED
    return attributes
