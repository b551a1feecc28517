"""How much two texts have to do with each other: by their words, by stretches of letters, and by what products are about."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import fsum, log, sqrt

import numpy as np

from ecom_llm.train.answering.texts import tokens
from ecom_llm.train.recommender.titles import words

GRAM = 4
"""Letters of a stretch: `filter` and `filters`, `whirlpool` and `whirpool` share most of theirs."""
MIN_PRODUCTS = 3
"""Products that must hold a word for its meaning to be told by them."""
TOPICS = 100
"""Dimensions of meaning: latent semantic analysis (Deerwester et al. 1990) of the products' questions and answers."""
REMEMBERED = 100_000
"""Texts whose terms are kept in memory."""


def grams(text: str) -> frozenset[str]:
    """Stretches of letters within words, short words whole."""
    found = set()
    for word in tokens(text):
        padded = f" {word} "
        found.update(padded[at : at + GRAM] for at in range(max(1, len(padded) - GRAM + 1)))
    return frozenset(found)


@dataclass(frozen=True)
class Bag:
    """The distinct terms of a text and the length of their vector of inverse document frequencies."""

    terms: frozenset[str]
    norm: float


@dataclass(frozen=True)
class Space:
    """One kind of terms, each with its rarity."""

    idf: dict[str, float]
    unknown: float
    """Rarity of a term nobody used: a model number is such more often than not."""

    def rarity(self, term: str) -> float:
        return self.idf.get(term, self.unknown)

    def bag(self, terms: frozenset[str]) -> Bag:
        return Bag(terms, sqrt(fsum(self.rarity(term) ** 2 for term in terms)))

    def mass(self, terms: Iterable[str]) -> float:
        return fsum(map(self.rarity, terms))  # exact: terms come in another order in each process

    def cosine(self, one: Bag, other: Bag) -> float:
        shared = fsum(self.rarity(term) ** 2 for term in one.terms & other.terms)
        return shared / (one.norm * other.norm) if shared else 0.0

    def coverage(self, wanted: Bag, there: frozenset[str]) -> float:
        """The share of what is wanted that is there, rare terms counting for more; 0 to 1."""
        whole = self.mass(wanted.terms)
        return self.mass(wanted.terms & there) / whole if whole else 0.0


def space_of(texts: Sequence[frozenset[str]]) -> Space:
    """The rarity of every term in some texts; terms of a single one are as rare as unknown ones, and not kept."""
    counts = Counter(term for terms in texts for term in terms)
    idf = {term: log((1 + len(texts)) / (1 + count)) for term, count in sorted(counts.items()) if count > 1}
    return Space(idf, log((1 + len(texts)) / 2))


@dataclass(frozen=True)
class Text:
    """A text as it is compared."""

    words: Bag
    grams: Bag
    meaning: np.ndarray
    """(topics,) float32 of length 1, or 0."""
    length: int
    """Tokens."""


@dataclass(frozen=True)
class Lexicon:
    """What a shop's texts tell of words."""

    words: Space
    grams: Space
    topics: dict[str, int]
    """Word -> its row of `axes`."""
    axes: np.ndarray
    """(words, TOPICS) float32"""
    memory: dict[str, Text] = field(default_factory=dict, compare=False, repr=False)

    def read(self, text: str) -> Text:
        """A text as it is compared."""
        if text not in self.memory:
            if len(self.memory) >= REMEMBERED:
                self.memory.clear()
            found = frozenset(words(text))
            bags = self.words.bag(found), self.grams.bag(grams(text))
            self.memory[text] = Text(*bags, self.meaning(found), len(tokens(text)))
        return self.memory[text]

    def meaning(self, terms: Iterable[str]) -> np.ndarray:
        """(topics,) float32: where terms stand among the topics; of length 1, or 0 where none is known."""
        known = sorted(term for term in terms if term in self.topics)
        if not known:
            return np.zeros(self.axes.shape[1], np.float32)
        weights = np.array([self.words.rarity(term) for term in known], np.float32)
        return unit(weights @ self.axes[[self.topics[term] for term in known]])


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors (their last axis) at length 1; 0 stays 0."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)


def lexicon_of(products: Sequence[Sequence[str]]) -> Lexicon:
    """Learn from the texts of each product."""
    texts = [text for product in products for text in product]
    by_words = space_of([frozenset(words(text)) for text in texts])
    counted = [Counter(word for text in product for word in words(text)) for product in products]
    holders = Counter(word for counts in counted for word in counts)
    topics = {word: place for place, word in enumerate(sorted(w for w, n in holders.items() if n >= MIN_PRODUCTS))}
    table = np.zeros((len(products), len(topics)), np.float32)
    for row, counts in enumerate(counted):
        for word, count in counts.items():
            if word in topics:
                table[row, topics[word]] = (1 + log(count)) * by_words.rarity(word)
    return Lexicon(by_words, space_of([grams(text) for text in texts]), topics, axes_of(unit(table)))


def axes_of(table: np.ndarray) -> np.ndarray:
    """(products, words) -> (words, topics) float32: the right singular vectors, each with the sign of its largest entry."""
    gram = (table @ table.T).astype(np.float64)
    values, vectors = np.linalg.eigh(gram)
    kept = np.argsort(-values)[: min(TOPICS, len(values))]
    kept = kept[values[kept] > 1e-6]
    axes = (table.T @ vectors[:, kept].astype(np.float32)) / np.sqrt(values[kept]).astype(np.float32)
    largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=0)[None], axis=0) if axes.size else axes[:1]
    return np.round(axes * np.sign(largest), 5).astype(np.float32)
