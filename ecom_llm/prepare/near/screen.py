"""A quick and lossless sieve: which texts of a stream may be near one of a given set of texts."""

from dataclasses import dataclass

import numpy as np

from ecom_llm.prepare.near.shingles import Sets

SLOTS_PER_SHINGLE = 16
"""A shingle that is not there is taken for one that is in at most 1 of 16 cases."""


@dataclass(frozen=True)
class Screen:
    """The shingles of the given texts as a bit map, indexed by a fingerprint's lowest bits."""

    seen: np.ndarray
    """bool (a power of two)."""

    def passes(self, sets: Sets, threshold: float) -> np.ndarray:
        """Rows that may reach the threshold with a given text, bool (rows); none that does is left out.

        A Jaccard similarity of t needs at least t |x| common shingles, and those all stand in the map; a collision
        can only let a row through that is then compared for nothing.
        """
        known = self.seen[sets.ids & np.uint64(len(self.seen) - 1)]
        totals = np.concatenate([[0], np.cumsum(known)])
        return np.diff(totals[sets.offsets]) >= least_common(sets.sizes(), threshold)


def screen_of(sets: Sets) -> Screen:
    """The screen for near-copies of the rows of `sets`."""
    seen = np.zeros(1 << max(10, int(SLOTS_PER_SHINGLE * len(sets.ids) - 1).bit_length()), bool)
    seen[sets.ids & np.uint64(len(seen) - 1)] = True
    return Screen(seen)


def least_common(sizes: np.ndarray, threshold: float) -> np.ndarray:
    """The shingles a text of that many must share with a near-copy: ceil(threshold * size), safe against rounding."""
    return np.ceil(threshold * sizes - 1e-9).astype(np.int64)
