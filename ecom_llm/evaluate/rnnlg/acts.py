"""Dialogue acts, and sentences with slots in place of their values."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

from ecom_llm.evaluate.rnnlg.normalise import normalise
from ecom_llm.evaluate.rnnlg.protocol import Protocol
from ecom_llm.skills.slots import NUMBERED

ASKED = "?"
"""What stands for the value of a slot that is asked for, as in `?request(price)`."""
MOST_MEMBERS = 5
"""Members of an `a and b or c` up to which every order is looked for: 120 of them."""


@dataclass(frozen=True)
class Act:
    """A dialogue act: its name, and slots with values in order; special values under their one name."""

    name: str
    slots: tuple[tuple[str, str], ...]
    special: frozenset[str]
    """Values that no text states, `?` among them."""

    @property
    def values(self) -> list[tuple[str, str]]:
        """The slots whose values a text states."""
        return [(slot, value) for slot, value in self.slots if value not in self.special]

    @property
    def delexicalised(self) -> tuple[str, ...]:
        """What acts are grouped by: the name, and the sorted slots, each with its special value or the count of its kind."""
        seen: Counter[str] = Counter()
        features = []
        for slot, value in self.slots:
            stated = value not in self.special
            seen[slot] += stated
            features.append(f"{slot}={f'_{seen[slot]}' if stated else value}")
        return (self.name, *sorted(features))


def act_of(attributes: Mapping[str, str], protocol: Protocol) -> Act:
    """The act that `collect`'s form `rnnlg` made attributes of: `act` first, repeated slots numbered."""
    slots = []
    for name, value in attributes.items():
        if name != "act":
            slot = re.sub(r"[ _]", "", NUMBERED.sub("", name))
            slots.append((slot, protocol.special.get(value, value)))
    special = frozenset((*protocol.special.values(), ASKED))
    return Act(attributes.get("act", ""), tuple(slots), special)


def token(slot: str) -> str:
    """What stands for the value of a slot."""
    return f"SLOT_{slot.upper()}"


def replaced_once(sentence: str, words: str, replacement: str) -> str:
    """The sentence with the first occurrence of some words, as whole words, replaced."""
    return f" {sentence} ".replace(f" {words} ", f" {replacement} ", 1)[1:-1]


def spellings(value: str, protocol: Protocol) -> Iterator[str]:
    """A value as texts may state it: the members of `a and b` in any order, and as a normal text spells it."""
    members = value.replace(" or ", " and ").split(" and ")
    orders = list(permutations(members)) if len(members) <= MOST_MEMBERS else [tuple(members)]
    yield value
    for conjunction in (" and ", " or "):
        yield from (conjunction.join(order) for order in orders)
    yield normalise(value, protocol.mapping)


def delexicalise(sentence: str, act: Act, protocol: Protocol) -> str:
    """Put a token in place of each value of the act, the longest first, once for each slot that has it."""
    for slot, value in sorted(act.values, key=lambda pair: -len(pair[1])):
        for spelling in spellings(value, protocol):
            opened = replaced_once(sentence, spelling, token(slot))
            if opened != sentence:
                sentence = opened
                break
    return sentence


def lexicalise(sentence: str, act: Act, protocol: Protocol) -> str:
    """Put this act's values in place of tokens; those of a slot that stands twice in their order, as normal text."""
    for slot, value in sorted(act.values, key=lambda pair: -len(pair[0])):
        sentence = replaced_once(sentence, token(slot), normalise(value, protocol.mapping))
    return sentence
