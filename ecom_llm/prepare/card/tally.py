"""One pass over the examples, in memory that does not grow with their number -> the data card."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ecom_llm.prepare.card.card import Attribute, Card, Sample, SliceCard, SourceCard, TableCard
from ecom_llm.prepare.card.frequencies import FrequencyTally, hash_of
from ecom_llm.prepare.card.lengths import LengthTally
from ecom_llm.records import SPLITS, Example

if TYPE_CHECKING:  # it brings numpy, which who only reads a card should not pay for
    from ecom_llm.prepare.manifest import Manifest

IDEOGRAPHS = "\u3040-\u309f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Hiragana and Han: scripts without spaces, in which UAX #29 takes each character for a word."""
LETTERS = rf"[^\W_{IDEOGRAPHS}]+"
WORD = re.compile(rf"[{IDEOGRAPHS}]|{LETTERS}(?:(?:['’-]|(?<=\d)[.,](?=\d)){LETTERS})*")
"""A word; what joins letters or digits inside it stays (`don't`, `1.5`, `t-shirt`)."""
SAMPLES = 3
"""Examples shown for each slice."""
CATEGORIES, ATTRIBUTES, WORDS, SOURCES = 100, 50, 200, 200
"""How many of each a card names: the drift table compares them too, so more than a person would read."""
MANY, VERY_MANY = 50_000, 500_000
"""Different categories, attributes and sources, and different words, that are held in memory for each slice or locale."""
LONGEST_VALUE, LONGEST_TEXT = 80, 400
"""Characters of an attribute's value and of a text that a card shows."""

Languages = Mapping[str, Mapping[str, int]]
"""Locale -> identified language -> texts."""


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, without punctuation."""
    return WORD.findall(text.lower())


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and three dots."""
    return text if len(text) <= longest else text[: longest - 3].rstrip() + "..."


@dataclass
class SliceTally:
    """What was seen of one skill in one locale."""

    splits: Counter[str] = field(default_factory=Counter)
    characters: LengthTally = field(default_factory=LengthTally)
    words: LengthTally = field(default_factory=LengthTally)
    filled: FrequencyTally = field(default_factory=lambda: FrequencyTally(MANY))
    stated: FrequencyTally = field(default_factory=lambda: FrequencyTally(MANY))
    categories: FrequencyTally = field(default_factory=lambda: FrequencyTally(MANY))
    samples: dict[tuple[int, str], Example] = field(default_factory=dict)
    """(hash of the id, id) -> example: the few with the smallest hashes, whatever the order they come in."""

    def add(self, example: Example, words: list[str]) -> None:
        self.splits[str(example.split)] += 1
        self.characters.add(len(example.target))
        self.words.add(len(words))
        text = example.target.lower()
        named = [name for name, value in example.attributes.items() if value]
        self.filled.add(named)
        stated = [name for name in named if example.attributes[name].lower() in text]
        self.stated.add(stated)
        first = next(iter(example.attributes.values()), "")
        if first:
            self.categories.add([shortened(first, LONGEST_VALUE)])
        self.consider({(hash_of(example.id), example.id): example})

    def consider(self, examples: Mapping[tuple[int, str], Example]) -> None:
        """Keep those of the examples that are among the smallest by hash."""
        self.samples.update(examples)
        while len(self.samples) > SAMPLES:
            del self.samples[max(self.samples)]

    def merge(self, other: "SliceTally") -> None:
        self.splits.update(other.splits)
        for name in ("characters", "words", "filled", "stated", "categories"):
            getattr(self, name).merge(getattr(other, name))
        self.consider(other.samples)

    def close(self, skill: str, locale: str) -> SliceCard:
        filled = self.filled.close(ATTRIBUTES).top
        return SliceCard(
            skill=skill,
            locale=locale,
            examples=self.splits.total(),
            splits=in_order(self.splits),
            characters=self.characters.close(),
            words=self.words.close(),
            attributes={
                name: Attribute(filled=count, stated=self.stated.counts[name]) for name, count in filled.items()
            },
            categories=self.categories.close(CATEGORIES),
            samples=tuple(shown(self.samples[key]) for key in sorted(self.samples)),
        )


@dataclass
class CardTally:
    """What was seen of all examples; those of parts of the data can be merged, in any order."""

    slices: dict[tuple[str, str], SliceTally] = field(default_factory=lambda: defaultdict(SliceTally))
    vocabulary: dict[str, FrequencyTally] = field(
        default_factory=lambda: defaultdict(lambda: FrequencyTally(VERY_MANY))
    )
    sources: FrequencyTally = field(default_factory=lambda: FrequencyTally(MANY))

    def add(self, example: Example) -> None:
        """Count one example."""
        words = words_of(example.target)
        self.slices[example.skill, example.locale].add(example, words)
        self.vocabulary[example.locale].add(words)
        self.sources.add([example.source.rpartition(":")[0] or example.source])

    def merge(self, other: "CardTally") -> None:
        """Take in what another tally has seen."""
        for key, part in other.slices.items():
            self.slices[key].merge(part)
        for locale, part in other.vocabulary.items():
            self.vocabulary[locale].merge(part)
        self.sources.merge(other.sources)

    def close(self, manifest: "Manifest", licences: Mapping[str, str], languages: Languages) -> Card:
        """The card of everything seen; the arguments are those of `make_card`."""
        splits: Counter[str] = Counter()
        for part in self.slices.values():
            splits.update(part.splits)
        sources = self.sources.close(SOURCES)
        return Card(
            form=1,
            examples=splits.total(),
            splits=in_order(splits),
            groups=manifest.groups,
            items=manifest.items,
            slices=tuple(self.slices[key].close(*key) for key in sorted(self.slices)),
            sources={
                name: SourceCard(examples=count, licence=licence_of(name, licences))
                for name, count in sources.top.items()
            },
            more_sources=sources.distinct - len(sources.top),
            vocabulary={locale: self.vocabulary[locale].close(WORDS) for locale in sorted(self.vocabulary)},
            tables=tables_of(manifest),
            near_copies_of_test_in_train=manifest.near_copies_of_test_in_train,
            personal_data=dict(sorted(manifest.personal_data.items())),
            languages={locale: dict(sorted(languages[locale].items())) for locale in sorted(languages)},
        )


def make_card(
    examples: Iterable[Example], manifest: "Manifest", licences: Mapping[str, str], languages: Languages
) -> Card:
    """The card of a preparation; reads the examples once.

    Args:
        examples: all of them, scrubbed and each with its split, in any order.
        manifest: the account of the same preparation.
        licences: source as collected, or a folder of sources -> licence in words; `.` is every source.
        languages: locale -> identified language -> texts; empty where languages were not identified.
    """
    tally = CardTally()
    for example in examples:
        tally.add(example)
    return tally.close(manifest, licences, languages)


def in_order(splits: Counter[str]) -> dict[str, int]:
    """Train, validation, test, zeros included: an empty split is seen."""
    return {split: splits[split] for split in SPLITS}


def shown(example: Example) -> Sample:
    """An example as the card shows it."""
    return Sample(
        id=example.id,
        split=str(example.split),
        attributes={name: shortened(value, LONGEST_VALUE) for name, value in example.attributes.items()},
        target=shortened(example.target, LONGEST_TEXT),
    )


def licence_of(source: str, licences: Mapping[str, str]) -> str:
    """What is said of the source, else of the nearest folder that holds it, else of all (`.`), else nothing."""
    parts = source.split("/")
    names = ["/".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
    return next((licences[name] for name in [*names, "."] if name in licences), "")


def tables_of(manifest: "Manifest") -> dict[str, TableCard]:
    """The manifest's accounts in the card's form, which outlives changes of the manifest."""
    return {
        table: TableCard(
            rows_in=account.rows_in,
            kept=account.kept,
            duplicates=account.duplicates,
            near_duplicates=account.near_duplicates,
            rejected=account.rejected,
            reasons=account.reasons,
        )
        for table, account in manifest.tables.items()
    }
