"""Which attribute values a text states: as they stand or in other words for the same, the longest value first.

This matcher scores. What reranks candidates or fills slots has one of its own (`skills.slots`), and a test holds that it
never uses this one: a model chosen by its judge would be judged by what it was chosen for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from typing import NamedTuple
from unicodedata import normalize

import regex

from ecom_llm.evaluate.quantities import (
    CURRENCIES,
    FRACTION,
    HAN_NUMBER,
    NUMBER,
    NUMBER_WORDS,
    SPACED,
    TABLE,
    fraction_of,
    han_number,
    number_key,
    number_of,
    quantity_key,
    singular,
    unit_at,
)
from ecom_llm.evaluate.synonyms import COLOURS, COMPOUNDS, PHRASES, SPELLINGS
from ecom_llm.prepare.words import segmenter
from ecom_llm.records import LIST_SEPARATOR, Example
from ecom_llm.skills import SKILLS

READING = 2
"""Counts up when this file or `quantities` reads texts otherwise: values counted by one are not compared with the other's."""
UNMATCHABLE = frozenset({"", "yes", "no", "true", "false", "none", "dontcare", "dont_care", "是", "否", "无"})
"""Values that no text states verbatim: "waterproof: yes" is said as "waterproof"."""
HAN_RUN = regex.compile(r"\p{Han}{2,}")
KANA = regex.compile(r"[\p{Hiragana}\p{Katakana}]")
STRETCH = regex.compile(
    rf"(?V1)(?P<money>[$¥€£]) ?(?={NUMBER.pattern})|(?P<word>{SPACED}+(?:(?<=\d)[.,](?=\d){SPACED}+)*)|(?P<sign>[\w%])"
)
"""Money's sign, a word or number of a script with spaces, or one character of another."""
ATTACHED = regex.compile(rf"({NUMBER.pattern})(\p{{L}}+)")
CLITIC = regex.compile(r"(?<=\p{L})['’](?:s|t|m|d|ll|re|ve)\b")
"""What English hangs on a word: the `s` of `women's` is no size."""
MEASURE = regex.compile(r"\d[ -]?((?!万$)[^\W\d_]+)$")

Meaning = tuple[str, ...]
"""A value as it is compared: its tokens' keys."""


class Token(NamedTuple):
    """A word, a quantity, or a character of a script without spaces."""

    key: str
    start: int
    end: int


def normal(text: str) -> str:
    """Text as it is compared: NFC, casefolded, white space collapsed."""
    return " ".join(normalize("NFC", text).casefold().split())


VULGAR = regex.compile(r"(?<=\d)(?=[¼½¾⅐-⅞])")
LISTED = regex.compile("(?<=[0-9])，(?=[0-9])")


def folded(text: str) -> str:
    """Normal text in compatibility forms: full width is half, `2½` is `2 1/2`, and every sign for inches is one.

    A full-width comma between digits lists two numbers: as a half one it would make one of them.
    """
    parted = LISTED.sub("， ", VULGAR.sub(" ", text))
    return normal(normalize("NFKC", parted)).replace("⁄", "/").replace("′′", '"').replace("''", '"')


def members(value: str) -> list[str]:
    """The values of an attribute, normal; those of a list apart, those that no text can state left out."""
    found = (normal(member) for member in value.split(LIST_SEPARATOR.strip()))
    return [member for member in found if member not in UNMATCHABLE]


def all_members(attributes: Mapping[str, str]) -> set[str]:
    """The values of several attributes together."""
    return {member for value in attributes.values() for member in members(value)}


def quantity(text: str, start: int, end: int, number: float, units: frozenset[str]) -> Token | None:
    """A number from `start` to `end` together with the unit behind it; None where there is none."""
    unit = unit_at(text, end, units)
    return Token(quantity_key(number, unit[0]), start, unit[1]) if unit else None


def divided(text: str, start: int, units: frozenset[str]) -> Token | None:
    """The token of a fraction and the unit behind it, `29 1/2 inches`; None where there is none: `24/7` counts nothing."""
    match = FRACTION.match(text, start)
    number = fraction_of(match) if match else None
    return quantity(text, start, match.end(), number, units) if match and number is not None else None


def counted(text: str, start: int, end: int, number: float, units: frozenset[str]) -> Token:
    """The token of a number in digits or as a word, with 万 (ten thousand) and the unit behind it."""
    word = text[start:end]
    measured = quantity(text, start, end, number, units)
    if measured is None and text.startswith("万", end) and word[0].isdigit():
        many = number * 10_000
        return quantity(text, start, end + 1, many, units) or Token(number_key(many), start, end + 1)
    return measured or Token(word if word == "one" else number_key(number), start, end)


def spaced_token(text: str, start: int, end: int, units: frozenset[str]) -> Token:
    """The token of a stretch in a spaced script, and of the unit after it where it is a number."""
    word = text[start:end]
    number = number_of(word)
    spelled = NUMBER_WORDS.get(word) if number is None else number
    if spelled is not None:
        return divided(text, start, units) or counted(text, start, end, spelled, units)
    attached = ATTACHED.fullmatch(word)
    if attached:
        measured = quantity(text, start, start + attached.end(1), number_of(attached[1]) or 0.0, units)
        if measured and measured.end >= end:
            return measured
    single = singular(word)
    return Token(SPELLINGS.get(single, single), start, end)


def money_token(text: str, sign: str, start: int, end: int) -> Token:
    """The token of a currency's sign and the number behind it."""
    amount = NUMBER.match(text, end)
    return Token(quantity_key(number_of(amount[0]), CURRENCIES[sign]), start, amount.end())


def next_token(text: str, match: regex.Match[str], units: frozenset[str]) -> Token:
    """The token that begins where a stretch was found."""
    start, end = match.span()
    if match["money"]:
        return money_token(text, match["money"], start, end)
    if match["word"]:
        return spaced_token(text, start, end, units)
    numeral = HAN_NUMBER.match(text, start)
    measured = numeral and quantity(text, start, numeral.end(), han_number(numeral[0]), units)
    return measured or Token(text[start:end], start, end)


@lru_cache(maxsize=50_000)
def tokens(text: str, units: frozenset[str] = frozenset()) -> tuple[Token, ...]:
    """The tokens of a folded text in order; `units` are those beside the table's that make a number a quantity."""
    text = CLITIC.sub(lambda found: " " * len(found[0]), text)
    found: list[Token] = []
    place = 0
    while match := STRETCH.search(text, place):
        found.append(next_token(text, match, units))
        place = found[-1].end
    return tuple(found)


@cache
def phrases() -> dict[Meaning, tuple[Meaning, ...]]:
    """Each phrase that has others for the same -> all of them, its canonical one first."""
    groups = [tuple(tuple(token.key for token in tokens(folded(one))) for one in group) for group in PHRASES]
    return {one: group for group in groups for one in group}


def wordings(keys: Meaning) -> tuple[Meaning, ...]:
    """Every way in which a value is said, its canonical one first: a colour with 色 and without, and synonyms."""
    text = "".join(keys)
    bare = keys[:-1] if text.endswith("色") and text[:-1] in COLOURS else keys
    group = phrases().get(bare, (bare,))
    coloured = tuple((*one, "色") for one in group if "".join(one) in COLOURS)
    return (*group, *coloured)


@lru_cache(maxsize=20_000)
def dictionary_words(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) of the Chinese words of several characters in a text; none where kana say that it is Japanese."""
    if KANA.search(text):
        return ()
    found = []
    for run in HAN_RUN.finditer(text):
        place = run.start()
        for word in segmenter().cut(run[0], HMM=False):
            if len(word) > 1:
                found.append((place, place + len(word)))
            place += len(word)
    return tuple(found)


@cache
def reading() -> str:
    """How values are read, for the signatures of metrics: this code's count, and a digest of the tables it reads by."""
    tables = (TABLE, NUMBER_WORDS, CURRENCIES, PHRASES, sorted(COLOURS), COMPOUNDS, sorted(SPELLINGS.items()))
    return f"{READING}.{sha256(repr(tables).encode()).hexdigest()[:8]}"


@cache
def compounds() -> regex.Pattern[str]:
    """Words of which no part is a value."""
    return regex.compile("|".join(COMPOUNDS))


@dataclass(frozen=True)
class Matcher:
    """Finds the values of a vocabulary (normal forms) in texts. Values that mean the same are one, under one name."""

    values: frozenset[str]

    @cached_property
    def units(self) -> frozenset[str]:
        """What some value measures in: it makes a number before it another value (`4` is not stated by `4 slices`)."""
        return frozenset(singular(found[1]) for value in self.values if (found := MEASURE.search(folded(value))))

    def meaning(self, value: str) -> Meaning:
        """A value as it is compared; equal for values that say the same."""
        keys = tuple(token.key for token in tokens(folded(value), self.units))
        return wordings(keys)[0]

    @cached_property
    def names(self) -> dict[Meaning, str]:
        """Meaning -> the value it is called by, the shortest."""
        shortest_last = sorted(self.values, key=lambda value: (-len(value), value))
        return {meaning: value for value in shortest_last if (meaning := self.meaning(value))}

    @cached_property
    def trie(self) -> dict[str, dict]:
        """Token key -> the wordings that go on with it; the empty key holds the name of a value that ends there."""
        root: dict[str, dict] = {}
        for meaning, name in self.names.items():
            for wording in wordings(meaning):
                node = root
                for key in wording:
                    node = node.setdefault(key, {})
                node[""] = {name: {}}
        return root

    @cached_property
    def heads(self) -> frozenset[str]:
        """What values end with: 红 is stated by 红裙 where 裙 or 连衣裙 is a value, and not by 红包."""
        return frozenset(value[-size:] for value in self.values for size in (1, 2) if HAN_RUN.match(value[-size:] * 2))

    def parts_word(self, text: str, start: int, end: int) -> bool:
        """Whether a stretch tears a Chinese word apart: 和服 in 提供和服务, 蓝 in 蓝牙; 裙 ends 连衣裙 and does not.

        Asked of one character, or of a word that jieba knows and still cut otherwise; what it does not know, a brand or
        a material, it cannot cut rightly.
        """
        around = compounds().finditer(text, max(0, start - 3), min(len(text), end + 3))
        if any(word.start() < end and start < word.end() and end - start < len(word[0]) for word in around):
            return True
        value = text[start:end]
        if len(value) > 2 or (len(value) == 2 and value not in segmenter().FREQ):
            return False
        return any(self.tears(text, start, end, word) for word in dictionary_words(text))

    def tears(self, text: str, start: int, end: int, word: tuple[int, int]) -> bool:
        """Whether a stretch takes only a part of a dictionary word that means nothing by itself."""
        first, last = word
        if first < start < last:
            return last != end or text[start:end] in COLOURS
        return first < end < last and end - max(start, first) < 2 and text[end:last] not in self.heads

    def candidates(self, text: str) -> list[tuple[int, int, str]]:
        """(start, end, name) of every value stated in folded `text`, overlapping ones too."""
        found = []
        read = tokens(text, self.units)
        for first in range(len(read)):
            node, place = self.trie, first
            while place < len(read) and read[place].key in node:
                node, place = node[read[place].key], place + 1
                start, end = read[first].start, read[place - 1].end
                if "" in node and not self.parts_word(text, start, end):
                    found.append((start, end, next(iter(node[""]))))
        return found

    def find(self, text: str) -> set[str]:
        """The names of values that a text states; one that overlaps a longer one does not count (`blue` in `navy blue`)."""
        text = folded(text)
        found: set[str] = set()
        taken = bytearray(len(text))
        for start, end, name in sorted(self.candidates(text), key=lambda span: (span[0] - span[1], span[0])):
            if not any(taken[start:end]):
                taken[start:end] = b"\1" * (end - start)
                found.add(name)
        return found

    def named(self, values: Iterable[str]) -> set[str]:
        """Values under the names `find` gives them; one that the vocabulary lacks keeps its own, one without a word (`-`) is none."""
        meanings = ((value, self.meaning(value)) for value in values)
        return {self.names.get(meaning, value) for value, meaning in meanings if meaning}


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
