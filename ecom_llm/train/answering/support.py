"""A question beside evidence -> whether the evidence holds its answer, by what they share and what others would share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log1p

import numpy as np

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.lexicon import Bag, Lexicon, Space, Text, unit

BACKGROUND = 200
"""Other products whose evidence is looked at for comparison."""
MOST_COMPARED = 12
"""Answers of each of them, at most."""
CROSSED = (0, 1, 2, 3, 5, 7, 15, 18, 21, 24, 27, 37, 39, 40)
"""Features that are multiplied with one another."""


@dataclass(frozen=True)
class Heap:
    """Some answers with their questions, taken together."""

    words: frozenset[str]
    grams: frozenset[str]
    meaning: np.ndarray


def heap_of(told: Sequence[Told], lexicon: Lexicon) -> Heap:
    """All that some answers and their questions say."""
    texts = [lexicon.read(text) for one in told for text in (one.question, one.answer)]
    meaning = unit(np.sum([text.meaning for text in texts], axis=0))
    words, grams = ([getattr(text, name).terms for text in texts] for name in ("words", "grams"))
    return Heap(frozenset().union(*words), frozenset().union(*grams), meaning)


@dataclass(frozen=True)
class Crowd:
    """The heaps of several products, term by term."""

    words: dict[str, np.ndarray]
    """Term -> (products,) float32: 1 where it stands in the product's heap."""
    grams: dict[str, np.ndarray]
    meaning: np.ndarray
    """(products, topics)"""

    @property
    def size(self) -> int:
        return len(self.meaning)


def crowd_of(heaps: Sequence[Heap]) -> Crowd:
    """Heaps, to be asked all at once."""
    tables: list[dict[str, np.ndarray]] = []
    for name in ("words", "grams"):
        table: dict[str, np.ndarray] = {}
        for place, heap in enumerate(heaps):
            for term in getattr(heap, name):
                table.setdefault(term, np.zeros(len(heaps), np.float32))[place] = 1
        tables.append(table)
    return Crowd(*tables, np.stack([heap.meaning for heap in heaps]))


def coverages(wanted: Bag, space: Space, table: dict[str, np.ndarray], size: int) -> np.ndarray:
    """(products,) `Space.coverage` of what is wanted by each product of a crowd."""
    known = sorted(term for term in wanted.terms if term in table)
    whole = space.mass(wanted.terms)
    if not known or not whole:
        return np.zeros(size)
    return np.array([space.rarity(term) for term in known]) @ np.stack([table[term] for term in known]) / whole


@dataclass(frozen=True)
class Background:
    """The evidence of products that a question is not about."""

    products: Sequence[Sequence[Told]]
    lexicon: Lexicon
    crowds: dict[int, Crowd] = field(default_factory=dict, compare=False, repr=False)

    def of_size(self, count: int) -> Crowd:
        """Their first `count` answers, of as many as have them; of all where fewer than a fifth have."""
        count = min(count, MOST_COMPARED)
        if count not in self.crowds:
            enough = [told for told in self.products if len(told) >= count]
            chosen = enough if 5 * len(enough) >= len(self.products) else self.products
            self.crowds[count] = crowd_of([heap_of(told[:count], self.lexicon) for told in chosen])
        return self.crowds[count]


def best(values: Sequence[float]) -> list[float]:
    """The highest value, the mean of the three highest and the mean of all."""
    ordered = sorted(values, reverse=True)
    return [ordered[0], float(np.mean(ordered[:3])), float(np.mean(ordered))]


def against(own: float, others: Sequence[float]) -> list[float]:
    """How far a value stands above others: in standard deviations, and as the share of those it exceeds."""
    found = np.asarray(others)
    above = (own - found.mean()) / (found.std() + 0.02)
    return [float(np.clip(above, -4, 8)), float((found < own).mean() + 0.5 * (found == own).mean())]


def shared(asked: Text, told: Sequence[Told], lexicon: Lexicon) -> list[float]:
    """How much the question has in common with each earlier question, answer, and both: `best` of each."""
    found: list[list[float]] = []
    for one in told:
        question, answer = lexicon.read(one.question), lexicon.read(one.answer)
        both = question.words.terms | answer.words.terms
        found.append(
            [
                lexicon.words.cosine(asked.words, question.words),
                lexicon.words.cosine(asked.words, answer.words),
                lexicon.grams.cosine(asked.grams, question.grams),
                lexicon.grams.cosine(asked.grams, answer.grams),
                lexicon.words.coverage(asked.words, both),
                lexicon.grams.coverage(asked.grams, question.grams.terms | answer.grams.terms),
                float(asked.meaning @ question.meaning),
                float(asked.meaning @ answer.meaning),
            ]
        )
    return [value for column in zip(*found, strict=True) for value in best(column)]


def features(question: str, told: Sequence[Told], lexicon: Lexicon, background: Background) -> np.ndarray:
    """(features,) float64: what speaks for the answer to a question being in some earlier answers, of which there are any."""
    asked, own, others = lexicon.read(question), heap_of(told, lexicon), background.of_size(len(told))
    covered = lexicon.words.coverage(asked.words, own.words), lexicon.grams.coverage(asked.grams, own.grams)
    meant = float(asked.meaning @ own.meaning)
    missing = sorted((lexicon.words.rarity(word) for word in asked.words.terms - own.words), reverse=True)
    numbered = [word for word in asked.words.terms if any(sign.isdigit() for sign in word)]
    length = sum(lexicon.read(one.answer).length for one in told)
    return np.array(
        [
            *covered,
            meant,
            *against(covered[0], coverages(asked.words, lexicon.words, others.words, others.size)),
            *against(covered[1], coverages(asked.grams, lexicon.grams, others.grams, others.size)),
            *against(meant, others.meaning @ asked.meaning),
            *shared(asked, told, lexicon),
            *[*missing, 0.0, 0.0][:2],
            sum(word in own.words for word in numbered) / max(len(numbered), 1),
            float(len(numbered) > 0),
            log1p(len(told)),
            log1p(length),
            log1p(asked.length),
            lexicon.words.mass(asked.words.terms) / max(len(asked.words.terms), 1),
        ]
    )
