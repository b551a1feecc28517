"""Names of columns -> fields of the canonical tables, by the synonyms of synonyms.yaml."""

import re
from functools import cache
from pathlib import Path

import yaml

SHORTEST_END = 5
"""Letters a synonym needs to be found at the end of a longer name: `id` ends half of all words. Chinese needs two."""


def normal(name: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", name).casefold()


@cache
def synonyms() -> dict[str, tuple[str, ...]]:
    """Field (or `personal`, `not attributes`) -> its normal names, the likeliest first."""
    spelt = yaml.safe_load(Path(__file__).with_name("synonyms.yaml").read_text(encoding="utf-8"))
    # `item id` and `itemid` are one after normalising
    return {field: tuple(dict.fromkeys(map(normal, names))) for field, names in spelt.items()}


def rank(field: str, name: str) -> int | None:
    """How likely a column of that name is the field, by name alone: 0 is likeliest, None says nothing."""
    names, found = synonyms()[field], normal(name)
    if found in names:
        return names.index(found)
    ends = [at for at, known in enumerate(names) if len(known) >= least(known) and found.endswith(known)]
    # a name that merely ends like a synonym is less sure than every exact one
    return len(names) + min(ends) if ends else None


def least(known: str) -> int:
    """Characters a synonym needs before it counts as the end of a longer name."""
    return SHORTEST_END if known.isascii() else 2


def is_named(field: str, name: str) -> bool:
    """Whether a column is called exactly like one of a list."""
    return normal(name) in synonyms()[field]
