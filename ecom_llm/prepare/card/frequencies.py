"""Counting many values in bounded memory: exactly while they fit, then the frequent ones and an estimate of the rest."""

import hashlib
import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from ecom_llm.prepare.card.card import Frequencies

HASHES = 16384
"""Smallest hashes kept for the estimate: its standard error is 1 / sqrt(16382), 0.8 %."""
SPACE = 2**64


def hash_of(text: str) -> int:
    """64 bits that depend on nothing but the text; Python's own `hash` differs from process to process."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


@dataclass
class FrequencyTally:
    """Values seen so far, at most `limit` of them in memory.

    When there are more, the rarer half is forgotten, as in lossy counting (Manku & Motwani, VLDB 2002): a frequent value
    keeps its place, and its count is low by no more than it had when it was forgotten. The number of different
    values is then estimated from the smallest hashes (KMV; Bar-Yossef et al., RANDOM 2002; unbiased form of Beyer et al.,
    SIGMOD 2007).
    """

    limit: int
    counts: Counter[str] = field(default_factory=Counter)
    total: int = 0
    forgotten: set[int] = field(default_factory=set)
    """The smallest hashes of values that were forgotten at some time."""

    def add(self, values: Sequence[str]) -> None:
        """Count each of the values."""
        # for a handful of values the loop is several times faster than Counter.update, which asks first what it was given
        if len(values) > 8:
            self.counts.update(values)
        else:
            for value in values:
                self.counts[value] += 1
        self.total += len(values)
        if len(self.counts) > self.limit:
            self.forget()

    def forget(self) -> None:
        """Drop the values that are no more frequent than the median one; equal counts share one fate, so order is nothing."""
        bound = heapq.nlargest(self.limit // 2, self.counts.values())[-1]
        dropped = [value for value, count in self.counts.items() if count <= bound]
        self.forgotten = smallest(self.forgotten | {hash_of(value) for value in dropped})
        self.counts = Counter({value: count for value, count in self.counts.items() if count > bound})

    def merge(self, other: "FrequencyTally") -> None:
        self.forgotten = smallest(self.forgotten | other.forgotten)
        self.counts.update(other.counts)
        self.total += other.total
        if len(self.counts) > self.limit:
            self.forget()

    def distinct(self) -> int:
        """How many different values there were."""
        if not self.forgotten:
            return len(self.counts)
        kept = smallest(self.forgotten | {hash_of(value) for value in self.counts})
        if len(kept) < HASHES:
            return len(kept)
        return round((HASHES - 1) * SPACE / max(kept))

    def close(self, shown: int) -> Frequencies:
        """The `shown` most frequent values."""
        # most_common leaves equal counts in the order they came, which is not part of what the data says
        ranked = heapq.nsmallest(shown, self.counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return Frequencies(total=self.total, distinct=self.distinct(), exact=not self.forgotten, top=dict(ranked))


def smallest(hashes: set[int]) -> set[int]:
    """The smallest of them: as many as the estimate needs."""
    return hashes if len(hashes) <= HASHES else set(heapq.nsmallest(HASHES, hashes))
