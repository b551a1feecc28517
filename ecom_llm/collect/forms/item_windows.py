"""item_windows: the published format of MiniOneRec's data (items, and windows of what was bought) -> products, interactions.

Amazon Reviews 2018 as prepared by MiniOneRec (github.com/AkaliKong/MiniOneRec): `items.json` holds the items by number;
each row of train.csv, valid.csv and test.csv is a user's latest purchases, ten at most, and the one that followed.

Each window is a shopper of its own, since a test window repeats the purchases of a train window of the same user. The
purchases that are to be predicted carry the published split, those that are only history carry none.
"""

import ast
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.files import Fault, Row, read_rows
from ecom_llm.collect.forms.cells import text_of
from ecom_llm.collect.forms.origins import Origin, file_in, there, without_columns
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Interaction, Product, Sourced, Split, UserError

ITEMS = "items.json"
NUMBER = "key"
"""Column under which the reader gives the name of a row in an object of objects: here the item's number."""
WINDOWS: dict[str, Split] = {"train.csv": "train", "valid.csv": "validation", "test.csv": "test"}
VALIDATION_USERS = 10
"""Without a train file, one user in so many validates and the others' windows are learned from."""

Learned = set[tuple[str, ...]]
"""(user, history, item) of each purchase that is already to be learned: a user's windows overlap."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read the items, then the windows of whichever of the three files there are.

    Raises:
        UserError: `items.json` or every file of windows is missing, a file cannot be read, or `columns` are given.
    """
    without_columns(source)
    items = file_in(place, ITEMS, source)
    files = [place / name for name in WINDOWS if (place / name).is_file()]
    if not files:
        raise UserError(
            f"collect.sources: path {source.path!r}: {place} holds none of {', '.join(WINDOWS)}, only {there(place)}. "
            "Give the folder with the windows."
        )
    known: set[str] = set()
    for number, row in read_rows(items):
        record = product_of(Origin(ITEMS, number), row, source)
        if isinstance(record, Product):
            known.add(record.id)
        yield record
    learned: Learned = set()
    has_train = (place / "train.csv").is_file()
    for path in files:
        for number, row in read_rows(path):
            yield from window_of(Origin(path.name, number), row, source, known, learned, has_train)


def product_of(origin: Origin, row: Row | Fault, source: Source) -> Product | Rejected:
    """An item with its brand and description; `categories` is empty in what was published."""
    if isinstance(row, Fault):
        return origin.unreadable("products", row)
    try:
        number, title, brand = (text_of(row.get(name)) for name in (NUMBER, "title", "brand"))
        description = paragraphs(text_of(row.get("description")))
    except ValueError as error:
        return origin.rejected("products", f"row: {error}", row)
    if not number or not title:
        return origin.rejected("products", f"{'title' if number else 'number'}: empty", row)
    return Product(
        source=origin.source,
        row=origin.row,
        id=number,
        locale=source.locale,
        title=title,
        attributes={"brand": brand} if brand else {},
        description=description or None,
    )


def paragraphs(text: str) -> str:
    """A description as text: it was published as the spelling of a Python list of paragraphs."""
    if not text.startswith("["):
        return text
    try:
        found = ast.literal_eval(text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        # a description of this kind begins with a bracket by chance
        return text
    return " ".join(filter(None, map(text_of, found)))


def window_of(
    origin: Origin, row: Row | Fault, source: Source, known: set[str], learned: Learned, has_train: bool
) -> Iterator[Interaction | Rejected]:
    """The purchases of one window in order, or the reason why it is none."""
    if isinstance(row, Fault):
        yield origin.unreadable("interactions", row)
        return
    try:
        user, items = bought(row)
    except ValueError as error:
        yield origin.rejected("interactions", str(error), row)
        return
    # a window with a gap would teach that what follows the gap follows what stands before it
    if not known.issuperset(items):
        yield origin.rejected("interactions", f"history_item_id: an item that {ITEMS} does not hold", row)
        return
    split = split_of(WINDOWS[origin.source], user, has_train)
    for position, (item, given) in enumerate(zip(items, splits(user, items, split, learned), strict=True)):
        yield Interaction(
            source=origin.source,
            row=origin.row,
            shopper=f"{user}:{origin.source.removesuffix('.csv')}:{origin.row}",
            locale=source.locale,
            product=item,
            position=position,
            split=given,
        )


def bought(row: Row) -> tuple[str, list[str]]:
    """The user of a window, and the items bought: the history, oldest first, then the next one.

    Raises:
        ValueError: a cell is missing or not written like that.
    """
    user, spelt, following = (text_of(row.get(name)) for name in ("user_id", "history_item_id", "item_id"))
    if not user or not following:
        raise ValueError(f"{'item_id' if user else 'user_id'}: empty")
    try:
        history = json.loads(spelt)
    except (ValueError, RecursionError) as error:
        raise ValueError("history_item_id: expected a list of numbers such as [3, 14]") from error
    if not isinstance(history, list) or not all(isinstance(item, int | str) for item in history):
        raise ValueError("history_item_id: expected a list of numbers such as [3, 14]")
    return user, [*map(str, history), following]


def split_of(published: Split, user: str, has_train: bool) -> Split:
    """A window's split: the published one, or where the train windows are not at hand a share of the validation users'.

    Facts learned from a user's windows would help with that user's others, so users are parted and not windows.
    """
    if published == "test" or has_train:
        return published
    place = int.from_bytes(hashlib.blake2b(user.encode(), digest_size=8).digest(), "big")
    return "train" if place % VALIDATION_USERS else "validation"


def splits(user: str, items: list[str], split: Split, learned: Learned) -> list[Split | None]:
    """Which purchases of a window are to be predicted: the last; of train windows each that no earlier window has."""
    if split != "train":
        return [None] * (len(items) - 1) + [split]
    keys = [(user, *items[: place + 1]) for place in range(len(items))]
    found: list[Split | None] = [None if place == 0 or key in learned else split for place, key in enumerate(keys)]
    learned.update(keys)
    return found
