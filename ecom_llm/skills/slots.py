"""Slots: a stated value becomes its attribute's name in the text the model learns, and the value again in what it writes.

Delexicalisation (Wen et al. 2015, "Semantically Conditioned LSTM-based Natural Language Generation", 3.1): what the model
learns is where a text names the colour, not which colours there are. A value it has never seen is stated as well as a
frequent one, and it cannot state another product's.
"""

import re
from collections.abc import Mapping

from ecom_llm.records import LIST_SEPARATOR

OPEN, CLOSE = "⟦", "⟧"
SLOT = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}?")
UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]")
"""Scripts that write no spaces between words (kana, Han): beside their characters a word may begin and end anywhere."""


def slots_of(attributes: Mapping[str, str]) -> dict[str, str]:
    """Slot -> value: the attribute's name, with a number for each member of a list."""
    found: dict[str, str] = {}
    for name, value in attributes.items():
        members = [member for member in value.split(LIST_SEPARATOR) if member]
        found |= {name: value} if len(members) < 2 else {f"{name} {n}": member for n, member in enumerate(members, 1)}
    return {slot: value for slot, value in found.items() if value and not re.search(f"[{OPEN}{CLOSE}]", slot + value)}


def written(slot: str) -> str:
    """A slot as it stands in a text."""
    return f"{OPEN}{slot}{CLOSE}"


def shown_with_slots(attributes: Mapping[str, str], slotted: Mapping[str, str]) -> dict[str, str]:
    """What a prompt shows to a model with slots: the attributes in order, those that may be stated under their slots."""
    shown: dict[str, str] = {}
    for name, value in attributes.items():
        slots = slots_of({name: value}) if name in slotted else {}
        shown |= {written(slot): member for slot, member in slots.items()} or {name: value}
    return shown


def spaced(character: str) -> bool:
    """Whether this is a letter or digit of a script that parts words by spaces."""
    return character.isalnum() and not UNSPACED.match(character)


def is_word(text: str, start: int, end: int) -> bool:
    """Whether a stretch of text stands as a word: no letter of a spaced script goes on over its borders.

    Told character by character: a pattern that says so would be compiled anew for each text, at milliseconds apiece.
    """
    borders = [at for at in (start, end) if 0 < at < len(text)]
    return not any(spaced(text[at - 1]) and spaced(text[at]) for at in borders)


def starts_sentence(text: str, at: int) -> bool:
    """Whether a word at this place would be written with a capital."""
    return not text[:at].strip() or text[:at].rstrip()[-1] in ".!?:"


def open_slots(text: str, attributes: Mapping[str, str]) -> str:
    """Put slots in place of the values a text states; a text they would not give back exactly stays as it is."""
    slots = slots_of(attributes)
    by_value = {value.casefold(): slot for slot, value in reversed(slots.items())}
    if not by_value or OPEN in text:
        return text
    longest_first = sorted(by_value, key=len, reverse=True)
    stated = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def slot_for(match: re.Match[str]) -> str:
        slot = by_value.get(match.group().casefold())
        if slot is None or not is_word(text, match.start(), match.end()):
            return match.group()
        value = slots[slot]
        expected = capitalised(value) if starts_sentence(text, match.start()) else value
        return written(slot) if match.group() == expected else match.group()

    opened = stated.sub(slot_for, text)
    return opened if fill_slots(opened, attributes) == text else text


def capitalised(value: str) -> str:
    """The value with a capital first letter."""
    return value[:1].upper() + value[1:]


def fill_slots(text: str, attributes: Mapping[str, str]) -> str:
    """Put the values in place of slots; a slot that names nothing known is left out, since nobody should read it."""
    slots = slots_of(attributes)
    filled = ""
    end = 0
    for match in SLOT.finditer(text):
        filled += text[end : match.start()]
        value = slots.get(match.group(1), "")
        filled += capitalised(value) if starts_sentence(filled, len(filled)) else value
        end = match.end()
    return filled + text[end:]
