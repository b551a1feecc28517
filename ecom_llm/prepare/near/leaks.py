"""The leak check: every pair of a test text and a train text that are near-copies, exactly and without MinHash."""

from collections.abc import Iterator
from typing import NamedTuple

import daft
import numpy as np

from ecom_llm.prepare.near.nearness import Nearness
from ecom_llm.prepare.near.screen import screen_of
from ecom_llm.prepare.near.search import Comparison, PrefixIndex, by_rarity
from ecom_llm.prepare.near.shingles import Sets, joined, shingled


class Leak(NamedTuple):
    """A test text and a train text that are near-copies, by their keys."""

    test: int
    train: int
    jaccard: float


def leaks(test: daft.DataFrame, train: daft.DataFrame, nearness: Nearness) -> list[Leak]:
    """All near pairs of a test and a train text (both with the columns key and text), ordered by keys.

    The train texts stream by; held in memory are the shingles of the test texts and of the train texts that may be near
    one. Texts under `nearness.min_words` are left alone; `num_hashes`, `recall` and `seed` play no part.
    """
    held = list(shingled(test, nearness.ngram_size, nearness.min_words))
    tested = joined([sets for _, sets in held])
    screen = screen_of(tested)
    keys, found = [keys for keys, _ in held], [tested]
    for batch, sets in shingled(train, nearness.ngram_size, nearness.min_words):
        rows = np.flatnonzero(screen.passes(sets, nearness.threshold))
        keys.append(batch[rows])
        found.append(sets.gather(rows))
    return sorted(near_pairs(np.concatenate([np.empty(0, np.int64), *keys]), joined(found), len(tested), nearness))


def near_pairs(keys: np.ndarray, sets: Sets, tests: int, nearness: Nearness) -> Iterator[Leak]:
    """Yield the near pairs of one of the first `tests` rows with one of the others."""
    shingles, counts = by_rarity(sets)
    index = PrefixIndex(shingles, counts, nearness.threshold)
    comparison = Comparison(shingles, nearness.threshold)
    for row in range(tests):
        index.add(row)
    for row in range(tests, len(sets)):
        for near, jaccard in comparison.all_near(row, index.candidates(row)):
            yield Leak(int(keys[near]), int(keys[row]), jaccard)
