"""How much of a text was copied from training, word for word."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, count

import evaluate
import numpy as np
from datasets import Features, Value

from ecom_llm.evaluate.metrics.metric import OfflineMetric, Result, mean, ratio, unit_signature
from ecom_llm.evaluate.ngrams import LONG, by_characters, percentile, units

FILTER_BITS = 22
"""Of the table that most training n-grams are turned away by: 4 MB."""


@dataclass(frozen=True)
class TrainingTexts:
    """The targets of training in one locale, to be asked for the longest stretch they share with a text."""

    texts: Sequence[str]
    locale: str

    @cached_property
    def indexed(self) -> tuple[dict[str, int], np.ndarray]:
        """Word -> its number, and the numbers of all different texts in a row, -1 after each."""
        numbers: dict[str, int] = defaultdict(count().__next__)
        rows = ([*map(numbers.__getitem__, units(text, self.locale)), -1] for text in dict.fromkeys(self.texts))
        return numbers, np.fromiter(chain.from_iterable(rows), dtype=np.int64)

    def longest(self, texts: Sequence[str]) -> list[int]:
        """For each text the words of its longest common substring with any training text; 0 where no word is shared.

        n-grams of both sides that are found on the other are made longer a word at a time, until none is left: the
        work falls with what is shared. They are told apart by a 64-bit polynomial hash (Karp & Rabin 1987): with 10^7
        training words a false match is less likely than 10^-6.
        """
        numbers, training = self.indexed
        rows = [[numbers.get(word, -1) for word in units(text, self.locale)] for text in texts]
        asked = np.fromiter(chain.from_iterable((*row, -1) for row in rows), dtype=np.int64)
        owner = np.repeat(np.arange(len(rows)), [len(row) + 1 for row in rows])
        best = np.zeros(len(rows), dtype=np.int64)
        for length, places in shared(asked, training, len(numbers)):
            best[owner[places]] = length
        return best.tolist()


def shared(asked: np.ndarray, training: np.ndarray, words: int) -> Iterator[tuple[int, np.ndarray]]:
    """(n, places in `asked` where an n-gram begins that `training` holds too), for n from 1 while there is any.

    Args:
        asked, training: numbers of words, -1 between texts; of `words` different ones.
    """
    values = np.random.default_rng(0).integers(1, 2**63, size=words + 1, dtype=np.uint64) | np.uint64(1)
    base = np.uint64(0x9E3779B97F4A7C15)
    mine, theirs = np.flatnonzero(asked >= 0), np.flatnonzero(training >= 0)
    my_hash, their_hash = values[asked[mine]], values[training[theirs]]
    for length in count(1):
        known, place = np.unique(my_hash, return_inverse=True)
        kept, found = members(their_hash, known)
        alive = found[place]
        mine, my_hash, theirs, their_hash = mine[alive], my_hash[alive], theirs[kept], their_hash[kept]
        if not len(mine):
            return
        yield length, mine
        mine, my_hash = longer(asked, mine, my_hash, length, values, base)
        theirs, their_hash = longer(training, theirs, their_hash, length, values, base)


def longer(
    row: np.ndarray, places: np.ndarray, hashes: np.ndarray, length: int, values: np.ndarray, base: np.uint64
) -> tuple[np.ndarray, np.ndarray]:
    """The n-grams that go on for another word, and their hashes with it."""
    following = row[places + length]
    alive = following >= 0
    return places[alive], hashes[alive] * base + values[following[alive]]


def members(hashes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(indices of `hashes` that are among the sorted `known`, which of `known` were found)."""
    shift = np.uint64(64 - FILTER_BITS)
    table = np.zeros(1 << FILTER_BITS, dtype=bool)
    table[known >> shift] = True
    likely = np.flatnonzero(table[hashes >> shift])
    place = np.minimum(np.searchsorted(known, hashes[likely]), max(0, len(known) - 1))
    same = known[place] == hashes[likely] if len(known) else np.zeros(len(likely), dtype=bool)
    found = np.zeros(len(known), dtype=bool)
    found[place[same]] = True
    return likely[same], found


class LongestOverlap(OfflineMetric):
    """Longest stretch of words that a text shares with any training text: mean, p50, p95, max, or the share of long ones.

    Words without punctuation and case, or characters where a language has no spaces. A fixed phrase of the shop counts
    like any other: read it beside the template's and the reference's. `_whole` takes the overlaps of texts that stand in a training
    text from their first word to their last, and 0 for the others.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Longest common substring, in words, of a text and any training target.",
            citation="Carlini et al. 2023, 'Quantifying Memorization Across Neural Language Models', ICLR (verbatim copies)",
            inputs_description="predictions: longest overlaps, one a text. locale: BCP 47 tag. value: which of VALUES.",
            features=Features({"predictions": Value("int64")}),
        )

    def _compute(self, predictions: Sequence[int], locale: str, value: str) -> Result:
        signature = f"train:all targets of the locale|{unit_signature(locale)}"
        name = f"longest_overlap{value}"
        if value == "":
            return mean(name, list(predictions), signature, "")
        if value in ("_long", "_whole"):
            least = LONG[by_characters(locale)]
            return ratio(name, [(float(one > least), 1.0) for one in predictions], f"{signature}|above:{least}")
        return {name: percentile(predictions, value), "signature": signature}
