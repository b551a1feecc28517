"""rnnlg: the published format of RNNLG (dialogue act, human sentence, rule baseline) -> products with a description.

Wen et al., "Semantically Conditioned LSTM-based Natural Language Generation for Spoken Dialogue Systems" (2015) and
"Multi-domain Neural Network Language Generation for Spoken Dialogue Systems" (2016); data: github.com/shawnwun/RNNLG.
"""

import json
import re
from pathlib import Path

from ecom_llm.collect.reading import read_text
from ecom_llm.collect.rejected import Rejected, content_of
from ecom_llm.collect.tables import Collected, listing
from ecom_llm.records import Product, Split, UserError

FILES: dict[str, Split] = {"train.json": "train", "valid.json": "validation", "test.json": "test"}
LOCALE = "en"
ACT = re.compile(r"\s*(\??\w+)\s*\((.*)\)\s*", re.DOTALL)
SLOT = re.compile(
    r"\s*(?P<name>[^=;]*?)\s*"
    r"(?:=\s*(?:'(?P<quoted>.*?)'(?=\s*(?:;|$))|(?P<plain>[^;]*?))\s*)?(?:;|$)",
    re.DOTALL,
)
HALF_PAIR = re.compile("[\ud800-\udfff]")
UNVALUED = "?"
"""Shown for a slot without a value, as in `?request(price)`: the act asks for it."""


def parse_act(text: str) -> tuple[str, list[tuple[str, str | None]]]:
    """Split `act(slot=value;slot='a;b';slot)` into the act and its slots in order; no value is None.

    A quoted value ends at the quote before the next `;`, so it may hold `;`, `=` and single quotes.

    Raises:
        ValueError: the text is not written like that.
    """
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


def to_product(source: str, row: int, entry: object) -> Product:
    """The product that one entry of a file stands for; its id is the split and the row, such as `train:17`.

    Raises:
        ValueError: the entry cannot be a product; says why.
    """
    if not (isinstance(entry, list) and len(entry) == 3 and all(isinstance(part, str) for part in entry)):
        raise ValueError("row: expected [act, sentence, rule baseline], each a text")
    act, slots = parse_act(entry[0])
    if not entry[1].strip():
        raise ValueError("sentence: empty")
    if HALF_PAIR.search(entry[0] + entry[1]):
        raise ValueError("row: holds half of a surrogate pair")
    return Product(
        source=source,
        row=row,
        id=f"{FILES[source]}:{row}",
        locale=LOCALE,
        title=next((value for slot, value in slots if slot == "name" and value), ""),
        attributes=attributes_of(act, slots),
        description=entry[1],
        split=FILES[source],
    )


def read_entries(path: Path) -> list[object]:
    """The JSON list of a file, after any comment lines."""
    lines = read_text(path).splitlines(keepends=True)
    start = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    try:
        # blank lines stand in for the comments, so that the line in the error is that of the file
        entries = json.loads("\n" * start + "".join(lines[start:]))
    except (ValueError, RecursionError) as error:
        where = f"{error.lineno}:{error.colno}" if isinstance(error, json.JSONDecodeError) else "1"
        raise UserError(
            f"{path}:{where}: is not JSON ({error}). Expected comment lines, then one JSON list."
        ) from error
    if not isinstance(entries, list):
        raise UserError(
            f"{path}:{start + 1}: found a JSON {type(entries).__name__}, expected a list of [act, sentence, baseline]."
        )
    return entries


def collect_rnnlg(folder: Path) -> Collected:
    """Read RNNLG's three files; rows are counted from 1 within each file's list.

    Raises:
        UserError: a file is missing or malformed; names file and line.
    """
    missing = [name for name in FILES if name not in listing(folder)]
    if missing:
        raise UserError(
            f"{folder}: {missing[0]} is missing; rnnlg needs {', '.join(FILES)}. Set collect.location to their folder."
        )
    collected = Collected()
    for source in FILES:
        for row, entry in enumerate(read_entries(folder / source), start=1):
            try:
                collected.tables.products.append(to_product(source, row, entry))
            except ValueError as error:
                reason, content = str(error), content_of(entry)
                collected.rejected.append(
                    Rejected(source=source, row=row, table="products", reason=reason, content=content)
                )
    return collected
