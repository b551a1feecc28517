"""Text lengths in bounded memory: log-linear buckets of integers, as in Gil Tene's HdrHistogram."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ecom_llm.prepare.card.card import Lengths

BINS = 3
"""Leading bits, beyond the first, that tell apart the bins of a histogram: eight bins an octave."""
FINE = 9
"""The same for what is held in memory: exact below 2 ** 10, within 0.2 % above, and a few thousand numbers at most."""
QUANTILES = {"min": 0.0, "p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95, "max": 1.0}


def bucket(length: int, bits: int) -> int:
    """The smallest length that shares its first 1 + `bits` binary digits and its magnitude: integers alone, no rounding."""
    dropped = max(0, length.bit_length() - bits - 1)
    return length >> dropped << dropped


def next_bin(lower: int) -> int:
    """The lower end of the histogram bin after the one that begins at `lower`."""
    return lower + (1 << max(0, lower.bit_length() - BINS - 1))


def bins(histograms: Iterable[Mapping[int, int]]) -> list[int]:
    """The lower ends of all bins from the first filled one to the last, empty ones in between included."""
    ends = [lower for histogram in histograms for lower in histogram]
    found = [min(ends)] if ends else []
    while found and found[-1] < max(ends):
        found.append(next_bin(found[-1]))
    return found


@dataclass
class LengthTally:
    """Lengths seen so far."""

    counts: Counter[int] = field(default_factory=Counter)
    total: int = 0

    def add(self, length: int) -> None:
        self.counts[bucket(length, FINE)] += 1
        self.total += length

    def merge(self, other: "LengthTally") -> None:
        self.counts.update(other.counts)
        self.total += other.total

    def close(self) -> Lengths:
        histogram: Counter[int] = Counter()
        for length, texts in self.counts.items():
            histogram[bucket(length, BINS)] += texts
        return Lengths(
            total=self.total,
            mean=round(self.total / max(1, self.counts.total()), 2),
            quantiles=quantiles(self.counts),
            histogram=dict(sorted(histogram.items())),
        )


def quantiles(counts: Mapping[int, int]) -> dict[str, int]:
    """The smallest length that at least the asked share of texts does not exceed; 0 of nothing."""
    texts = sum(counts.values())
    found: dict[str, int] = {}
    seen, lengths = 0, iter(sorted(counts.items()))
    length = 0
    for name, share in QUANTILES.items():
        while seen < max(1, share * texts) and seen < texts:
            length, here = next(lengths)
            seen += here
        found[name] = length
    return found
