"""Which attribute values a text states: verbatim, case aside, the longest value first."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from unicodedata import category, normalize

from ecom_llm.records import LIST_SEPARATOR, Example
from ecom_llm.skills import SKILLS

UNMATCHABLE = frozenset({"", "yes", "no", "true", "false", "none", "dontcare", "dont_care", "是", "否", "无"})
"""Values that no text states verbatim: "waterproof: yes" is said as "waterproof"."""
UNSPACED = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Characters of scripts written without spaces: Thai, Lao, Burmese, Khmer, Kana, Han."""
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
NEVER = "(?!)"
MEASURE = re.compile(r"\d\s*([^\W\d_]+|[%°℃])$")


def normal(text: str) -> str:
    """Text as it is compared: NFC, casefolded, white space collapsed."""
    return " ".join(normalize("NFC", text).casefold().split())


def members(value: str) -> list[str]:
    """The values of an attribute, normal; those of a list apart, those that no text can state left out."""
    found = (normal(member) for member in value.split(LIST_SEPARATOR.strip()))
    return [member for member in found if member not in UNMATCHABLE]


def all_members(attributes: Mapping[str, str]) -> set[str]:
    """The values of several attributes together."""
    return {member for value in attributes.values() for member in members(value)}


def word(character: str) -> bool:
    """Whether a character continues a word in a script with spaces (letters with their marks, and digits)."""
    return category(character)[0] in "LMN" and not UNSPACED.match(character)


def inside_word(text: str, place: int) -> bool:
    """Whether `place`, between two characters, parts a word or a number such as 8.1."""
    if not 0 < place < len(text):
        return False
    before, after = text[place - 1], text[place]
    if word(before) and word(after):
        return True
    if after in ".," and before.isdigit():
        return text[place + 1 : place + 2].isdigit()
    return after.isdigit() and before in ".," and text[place - 2 : place - 1].isdigit()


@dataclass(frozen=True)
class Matcher:
    """Finds the values of a vocabulary (normal forms) in texts."""

    values: frozenset[str]

    @cached_property
    def trie(self) -> dict[str, dict]:
        """Character -> the values that go on with it; the empty key marks a complete value."""
        root: dict[str, dict] = {}
        for value in self.values:
            node = root
            for character in value:
                node = node.setdefault(character, {})
            node[""] = {}
        return root

    @cached_property
    def units(self) -> re.Pattern[str]:
        """White space and a unit that some value measures in: what makes a number before it another value."""
        units = {found[1] for value in self.values if (found := MEASURE.search(value))}
        longest_first = sorted(map(re.escape, units), key=lambda unit: (-len(unit), unit))
        return re.compile(rf"\s*(?:{'|'.join(longest_first) or NEVER})")

    def candidates(self, text: str) -> list[tuple[int, int]]:
        """(start, end) of every value in normal `text` that parts no word, overlapping ones too."""
        found = []
        for start in range(len(text)):
            if text[start] not in self.trie or inside_word(text, start):
                continue
            node, end = self.trie, start
            while end < len(text) and text[end] in node:
                node, end = node[text[end]], end + 1
                if "" in node and not inside_word(text, end) and not self.measured(text, start, end):
                    found.append((start, end))
        return found

    def measured(self, text: str, start: int, end: int) -> bool:
        """Whether a bare number stands before a unit: `4` is not stated by `4 gb`."""
        if not NUMBER.fullmatch(text, start, end):
            return False
        unit = self.units.match(text, end)
        return unit is not None and not inside_word(text, unit.end())

    def find(self, text: str) -> set[str]:
        """The values that a text states; one that overlaps a longer one does not count (`blue` in `navy blue`)."""
        text = normal(text)
        found: set[str] = set()
        taken = bytearray(len(text))
        for start, end in sorted(self.candidates(text), key=lambda span: (span[0] - span[1], span[0])):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.add(text[start:end])
        return found


def matchers(examples: Iterable[Example]) -> dict[tuple[str, str], Matcher]:
    """(skill, locale) -> the matcher of all values its texts may state.

    These are the values, over all of a locale's examples, of every attribute that the skill's `facts` ever returns:
    names that only give context (a goal, an audience, a question, the stars) are in no skill's facts.
    """
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    values: dict[tuple[str, str], set[str]] = defaultdict(set)
    for example in examples:
        names[example.skill, example.locale].update(SKILLS[example.skill].facts(example))
        for name, value in example.attributes.items():
            values[example.locale, name].update(members(value))
    return {
        (skill, locale): Matcher(frozenset().union(*(values[locale, name] for name in used)))
        for (skill, locale), used in names.items()
    }
