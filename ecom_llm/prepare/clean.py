"""Text as it is learned from: one spelling for what looks the same, so that equal texts are found to be equal."""

import unicodedata
from typing import TypeVar

from ecom_llm.records import Advert, Interaction, Product, Question, Review

Row = Product | Review | Question | Advert | Interaction
"""A record of one of the five canonical tables: each has an origin and a locale."""
R = TypeVar("R", bound=Row)
ORIGIN = ("source", "row")
UNSEEN = dict.fromkeys(
    [place for place in range(0xA0) if unicodedata.category(chr(place)) == "Cc" and not chr(place).isspace()]
    + [0x200B, 0x2060, 0xFEFF]
)
"""Control characters, and those of no width that join nothing (U+200D is left: it holds emoji together)."""


def clean_text(text: str) -> str:
    """Unicode NFC, no control characters, every run of white space a single space, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", text.translate(UNSEEN)).split())


def clean_value(value: object) -> object:
    """Clean the texts in a field; empty members of a list and attributes without a value go."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, tuple):
        return tuple(filter(None, map(clean_text, value)))
    if isinstance(value, dict):
        cleaned = {clean_text(name): clean_text(text) for name, text in value.items()}
        return {name: text for name, text in cleaned.items() if text}
    return value


def clean_record(record: R) -> R:
    """The record with every text in it cleaned; its origin stays as it was."""
    fields = (name for name in type(record).model_fields if name not in ORIGIN)
    return record.model_copy(update={name: clean_value(getattr(record, name)) for name in fields})
