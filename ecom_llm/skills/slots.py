"""Slots: a stated value becomes its attribute's name in the text the model learns, and the value again in what it writes.

Delexicalisation (Wen et al. 2015, "Semantically Conditioned LSTM-based Natural Language Generation", 3.1): what the model
learns is where a text names the colour, not which colours there are. A value it has never seen is stated as well as a
frequent one, and it cannot state another product's.
"""

import re
from collections import Counter
from collections.abc import Container, Mapping
from typing import Annotated

from pydantic import PlainSerializer

from ecom_llm.records import LIST_SEPARATOR, Record
from ecom_llm.skills.asking import Asking
from ecom_llm.skills.scripts import UNSPACED

OPEN, CLOSE = "⟦", "⟧"
SLOT = re.compile(f"{OPEN}([^{OPEN}{CLOSE}]*){CLOSE}?")
UNSTATED = frozenset({"", "?", "yes", "no", "true", "false", "none", "dontcare", "dont_care", "是", "否", "无"})
"""Values that no text states word for word: "waterproof: yes" is said as "waterproof"."""
NUMBERED = re.compile(r" \d+$")
NUMERALS = frozenset("零一二两三四五六七八九十百千万")


Names = Annotated[frozenset[str], PlainSerializer(sorted)]
"""Equal ones are saved in equal bytes."""


class Slotting(Record):
    """How a model writes slots: decided by its training texts, and saved with its tokenizer."""

    names: Names | None = None
    """The slots it knows; None: every one."""
    capitals: bool = True
    """Whether its sentences begin with a capital; some data sets are lower-cased throughout."""
    shown: Names | None = None
    """The values, casefolded, that its prompts show beside their slots; None: every one."""
    mentions: Mapping[str, tuple[str, ...]] = {}
    """Attribute whose values are said in other words -> the words that its mentions were learned to hold."""
    marks: bool = False
    """Whether its prompts mark, by their brackets, the slots that a text is to state: in training those that it does."""
    most: Mapping[str, int] = {}
    """Slot -> how often a text may state it; one that is not here, once."""
    asking: Mapping[str, Asking] = {}
    """Locale -> how its questions tell which attribute they ask about."""

    def shows(self, value: str) -> bool:
        return self.shown is None or value.casefold() in self.shown

    def knows(self, slot: str) -> bool:
        return self.names is None or slot in self.names


EVERY = Slotting()


def never_stated(value: str) -> bool:
    """Whether no text states this value word for word, such as the `yes` of `waterproof: yes`."""
    return value.strip().casefold() in UNSTATED


def slots_of(attributes: Mapping[str, str]) -> dict[str, str]:
    """Slot -> value: the attribute's name, with a number for each member of a list; values that nobody states have none."""
    found: dict[str, str] = {}
    for name, value in attributes.items():
        members = [member for member in value.split(LIST_SEPARATOR) if member]
        found |= {name: value} if len(members) < 2 else {f"{name} {n}": member for n, member in enumerate(members, 1)}
    return {
        slot: value
        for slot, value in found.items()
        if value and not never_stated(value) and not re.search(f"[{OPEN}{CLOSE}]", slot + value)
    }


def wanted_mentions(facts: Mapping[str, str]) -> Counter[str]:
    """Attribute -> how often it is to be mentioned in words of one's own, since no text states its value.

    A repeated attribute (`memory`, `memory 2`) counts under its name without the number.
    """
    return Counter(NUMBERED.sub("", name) for name, value in facts.items() if never_stated(value))


def words_of(text: str) -> list[str]:
    """The words of a text with slots, casefolded, without the slots."""
    return re.findall(r"\w+", SLOT.sub(" ", text).casefold())


def written(slot: str) -> str:
    """A slot as it stands in a text."""
    return f"{OPEN}{slot}{CLOSE}"


def first_of_each_value(slots: Mapping[str, str]) -> dict[str, str]:
    """The slots without those whose value an earlier one has: a text states `style: retro` and `pattern: retro` at once."""
    seen: set[str] = set()
    return {
        slot: value for slot, value in slots.items() if not (value.casefold() in seen or seen.add(value.casefold()))
    }


def shown_with_slots(
    attributes: Mapping[str, str],
    slotted: Mapping[str, str],
    slotting: Slotting = EVERY,
    marked: Container[str] | None = None,
) -> dict[str, str]:
    """What a prompt shows to a model with slots: the attributes in order, those that may be stated under their slots.

    Of a model that reads marks, `marked` slots alone stand in brackets; without any told, the first of each value does.
    """
    if slotting.marks and marked is None:
        marked = first_of_each_value(slots_of(slotted))
    shown: dict[str, str] = {}
    for name, value in attributes.items():
        slots = slots_of({name: value}) if name in slotted else {}
        for slot, member in (slots or {name: value}).items():
            if slot in slots and slotting.knows(slot) and (marked is None or slot in marked):
                shown[written(slot)] = member if slotting.shows(member) else ""
            else:
                shown[slot] = member
    return shown


def spaced(character: str) -> bool:
    """Whether this is a letter or digit of a script that parts words by spaces."""
    return character.isalnum() and not UNSPACED.match(character)


def is_word(text: str, start: int, end: int) -> bool:
    """Whether a stretch of text stands as a word: no letter of a spaced script goes on over its borders.

    Told character by character: a pattern that says so would be compiled anew for each text, at milliseconds apiece.
    """
    borders = [at for at in (start, end) if 0 < at < len(text)]
    return not any(spaced(text[at - 1]) and spaced(text[at]) for at in borders) and not tears_number(text, start, end)


def tears_number(text: str, start: int, end: int) -> bool:
    """Whether a number goes on over a border of a stretch: 5 in `1.5`, in `-5` and in `5,000`, and 五 in 十五.

    A comma parts thousands where three digits stand behind it; otherwise it may part the members of a list.
    """
    before, after = text[max(0, start - 2) : start], text[end : end + 5]
    first, last = text[start : start + 1], text[end - 1 : end]
    if first.isdigit():
        thousand = re.match(r"\d{3}(?!\d)", text[start:])
        signed = before.endswith(("-", "−")) and not before[:-1].strip()
        if signed or re.search(r"\d\.$" if not thousand else r"\d[.,]$", before):
            return True
    if last.isdigit() and re.match(r"\.\d|,\d{3}(?!\d)", after):
        return True
    return (first in NUMERALS and before[-1:] in NUMERALS) or (last in NUMERALS and after[:1] in NUMERALS)


def states(text: str, value: str) -> bool:
    """Whether a value stands in a text word for word, in whatever case."""
    found = re.finditer(re.escape(value), text, re.IGNORECASE)
    return any(is_word(text, match.start(), match.end()) for match in found)


def starts_sentence(text: str, at: int) -> bool:
    """Whether a word at this place would be written with a capital."""
    return not text[:at].strip() or text[:at].rstrip()[-1] in ".!?:"


def open_slots(text: str, attributes: Mapping[str, str], slotting: Slotting = EVERY) -> str:
    """Put slots in place of the values a text states; a text they would not give back exactly stays as it is.

    Of two slots of one value the first stands for its first occurrence, the second for its second.
    """
    slots = {slot: value for slot, value in slots_of(attributes).items() if slotting.knows(slot)}
    by_value: dict[str, list[str]] = {}
    for slot, value in slots.items():
        by_value.setdefault(value.casefold(), []).append(slot)
    if not by_value or OPEN in text:
        return text
    longest_first = sorted(by_value, key=len, reverse=True)
    stated = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def slot_for(match: re.Match[str]) -> str:
        waiting = by_value.get(match.group().casefold())
        if waiting is None or not is_word(text, match.start(), match.end()):
            return match.group()
        value = slots[waiting[0]]
        capital = slotting.capitals and starts_sentence(text, match.start())
        if match.group() != (capitalised(value) if capital else value):
            return match.group()
        return written(waiting.pop(0) if len(waiting) > 1 else waiting[0])

    opened = stated.sub(slot_for, text)
    return opened if fill_slots(opened, attributes, slotting) == text else text


def capitalised(value: str) -> str:
    """The value with a capital first letter."""
    return value[:1].upper() + value[1:]


def fill_slots(text: str, attributes: Mapping[str, str], slotting: Slotting = EVERY) -> str:
    """Put the values in place of slots; a slot that names nothing known is left out, since nobody should read it."""
    slots = slots_of(attributes)
    filled = ""
    end = 0
    for match in SLOT.finditer(text):
        filled += text[end : match.start()]
        value = slots.get(match.group(1), "")
        capital = slotting.capitals and starts_sentence(filled, len(filled))
        filled += capitalised(value) if capital else value
        end = match.end()
    return filled + text[end:]
