"""Titles as vectors of their words (TF-IDF), and how alike they are to what was bought."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log

import numpy as np

from ecom_llm.train.recommender.rows import Rows, rows_of

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
STRETCH = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
HAN_STRETCH = re.compile(rf"[{HAN}]+")


def words(title: str) -> list[str]:
    """The words of a title in lower case; of Chinese, which has no spaces, each character and each pair."""
    found: list[str] = []
    for stretch in STRETCH.findall(title.lower()):
        if HAN_STRETCH.fullmatch(stretch):
            found += [*stretch, *map("".join, pairwise(stretch))]
        else:
            found.append(stretch)
    return found


def terms(title: str) -> list[str]:
    """Words, and pairs of words that stand together."""
    single = words(title)
    return [*single, *map(" ".join, pairwise(single))]


@dataclass(frozen=True)
class Titles:
    """TF-IDF of titles (Salton & Buckley 1988; sublinear tf, smoothed idf, length 1), as scikit-learn computes it."""

    vocabulary: dict[str, int]
    idf: np.ndarray
    vectors: Rows
    """A row for each title."""
    holding: Rows
    """A row for each term: the titles that hold it."""

    @property
    def size(self) -> int:
        """Number of titles."""
        return self.vectors.size

    def rarity(self, term: str) -> float:
        """Its inverse document frequency; 0 where no title holds it."""
        place = self.vocabulary.get(term)
        return 0.0 if place is None else float(self.idf[place])

    def vector(self, title: str) -> tuple[np.ndarray, np.ndarray]:
        """(terms, values) of any title; terms that no item has are passed over."""
        counts = Counter(place for term in terms(title) if (place := self.vocabulary.get(term)) is not None)
        known = np.fromiter(counts, np.int64, len(counts))
        values = (1 + np.log(np.fromiter(counts.values(), np.float64, len(counts)))) * self.idf[known]
        return known, values / max(float(np.linalg.norm(values)), 1e-12)

    def likeness(self, known: np.ndarray, values: np.ndarray) -> np.ndarray:
        """(titles,) float64: the product of every title's vector with the given one."""
        return self.holding.total(known, values, self.size)

    def likeness_to(self, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(titles,) float64: the weighted sum of every title's cosines to some titles."""
        return self.likeness(*self.vectors.weighted(rows, weights))


def titles_of(texts: Sequence[str]) -> Titles:
    """The vectors of some titles; the vocabulary is in order of appearance."""
    vocabulary: dict[str, int] = {}
    row, column, count = [], [], []
    for place, text in enumerate(texts):
        for term, times in Counter(terms(text)).items():
            row.append(place)
            column.append(vocabulary.setdefault(term, len(vocabulary)))
            count.append(1 + log(times))
    rows, columns = np.array(row, np.int64), np.array(column, np.int64)
    holders = np.bincount(columns, minlength=len(vocabulary))
    idf = np.log((1 + len(texts)) / (1 + holders)) + 1
    values = np.array(count) * idf[columns]
    length = np.sqrt(np.bincount(rows, values**2, minlength=len(texts)))
    vectors = rows_of(rows, columns, values / np.maximum(length[rows], 1e-12), len(texts))
    return Titles(vocabulary, idf, vectors, vectors.transposed(len(vocabulary)))
