"""Exact similarity search among the few texts that may have a near-copy: inverted lists, and the count of what is shared.

Prefix filter: let every text list its shingles from the rarest to the commonest. When x and y have a Jaccard similarity of
t or more, they share at least a = ceil(t / (1 + t) * (|x| + |y|)) shingles, and the k-th of those stands at place
|x| - a + k of x at the latest. So a text is indexed by its rarest shingles only, and y is compared with x when k of the
rarest shingles of x are among those of y. Boilerplate is frequent, so it stands at no early place, and texts that
share nothing else are never compared.
Sources: Bayardo, Ma and Srikant, Scaling up all pairs similarity search (WWW 2007); Xiao et al., Efficient similarity
joins for near duplicate detection (WWW 2008); for k > 1, Wang, Li and Feng, Can we beat the prefix filtering? (SIGMOD 2012).
"""

import numpy as np

from ecom_llm.prepare.near.screen import least_common
from ecom_llm.prepare.near.shingles import Sets

NOTHING = np.empty(0, np.int32)
COMMON = 4
"""The k above. On texts from few templates 4 compares a hundredth of the pairs that 1 does; 8 gains no time."""
COMPARED_AT_ONCE = 256
"""Candidates whose shingles are counted in one go; the first near one ends the search."""


class PrefixIndex:
    """The rows that were added so far, findable by their rarest ids.

    Room for every row is set aside at the start, so a posting costs 4 bytes and no Python object.
    """

    def __init__(self, sets: Sets, counts: np.ndarray, threshold: float) -> None:
        """`sets` and `counts` as `by_rarity` returns them."""
        self.threshold = threshold
        self.sizes = sets.sizes()
        self.needed = least_common(self.sizes, threshold)
        self.prefixes, self.places = prefixes(sets, counts, self.needed)
        room = np.bincount(self.prefixes.ids, minlength=1)
        self.starts = np.cumsum(room) - room
        self.filled = np.zeros(len(room), np.int64)
        self.rows = np.empty(len(self.prefixes.ids), np.int32)

    def add(self, row: int) -> None:
        """Make a row findable."""
        ids = self.prefixes.row(row)
        self.rows[self.starts[ids] + self.filled[ids]] = row
        self.filled[ids] += 1

    def candidates(self, row: int) -> np.ndarray:
        """The added rows, ascending, that may be near this one; all that are near are among them."""
        ids = self.prefixes.row(row)
        filled = self.filled[ids]
        held = np.flatnonzero(filled)
        # Most lists of most rows are empty; leaving them out first made the whole search a third quicker.
        if not len(held):
            return NOTHING
        starts = self.starts[ids[held]]
        ends = starts + filled[held]
        found = np.concatenate(
            [self.rows[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
        )
        places = np.repeat(self.places[self.prefixes.offsets[row] + held], filled[held])
        return self.enough_common(row, found, places)

    def enough_common(self, row: int, found: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Of the rows found by an id that stands at `places` of this row, those found early and often enough."""
        share = self.threshold / (1 + self.threshold)
        least = least_common(self.sizes[found] + self.sizes[row], share)
        # A short text has fewer than COMMON shingles to share.
        wanted = np.minimum(np.minimum(self.needed[found], self.needed[row]), COMMON)
        early = places < self.sizes[row] - least + wanted
        rows, first, counts = np.unique(found[early], return_index=True, return_counts=True)
        return rows[counts >= wanted[early][first]]


class Comparison:
    """Jaccard similarities of one row with others."""

    def __init__(self, sets: Sets, threshold: float) -> None:
        self.sets = sets
        self.threshold = threshold
        self.sizes = sets.sizes()
        self.mine = np.zeros(int(sets.ids.max(initial=0)) + 1, bool)

    def first_near(self, row: int, others: np.ndarray) -> tuple[int, float] | None:
        """The lowest-numbered of `others` that is near `row`, with the similarity; None where none is."""
        for chunk in self.chunks(row, others):
            similarities = self.jaccard(row, chunk)
            if near := np.flatnonzero(similarities >= self.threshold).tolist():
                return int(chunk[near[0]]), float(similarities[near[0]])
        return None

    def all_near(self, row: int, others: np.ndarray) -> list[tuple[int, float]]:
        """All of `others` that are near `row`, ascending, each with the similarity."""
        found: list[tuple[int, float]] = []
        for chunk in self.chunks(row, others):
            similarities = self.jaccard(row, chunk)
            near = similarities >= self.threshold
            found += zip(chunk[near].tolist(), similarities[near].tolist(), strict=True)
        return found

    def chunks(self, row: int, others: np.ndarray) -> list[np.ndarray]:
        """The different ones that are long and short enough to be near, ascending, in small portions."""
        if not len(others):
            return []
        others = np.unique(others)
        shorter = np.minimum(self.sizes[others], self.sizes[row])
        longer = np.maximum(self.sizes[others], self.sizes[row])
        others = others[shorter >= least_common(longer, self.threshold)]
        return [others[start : start + COMPARED_AT_ONCE] for start in range(0, len(others), COMPARED_AT_ONCE)]

    def jaccard(self, row: int, others: np.ndarray) -> np.ndarray:
        """|x and y| / |x or y| of the row with each of the others, which hold at least one id each."""
        mine, theirs = self.sets.row(row), self.sets.gather(others)
        self.mine[mine] = True
        common = np.add.reduceat(self.mine[theirs.ids], theirs.offsets[:-1], dtype=np.int64)
        self.mine[mine] = False
        return common / (len(mine) + self.sizes[others] - common)


def by_rarity(sets: Sets) -> tuple[Sets, np.ndarray]:
    """Fingerprints -> (the same sets with ids 0, 1, ... from the rarest shingle to the commonest, rows holding each id).

    Equal frequencies are ordered by fingerprint, so that nothing rests on the order of the rows.
    """
    distinct, places, counts = np.unique(sets.ids, return_inverse=True, return_counts=True)
    order = np.argsort(counts, kind="stable")
    ids = np.empty(len(distinct), np.int64)
    ids[order] = np.arange(len(distinct))
    # Row and id in one number (fewer than 2^31 of each) sort several times quicker than two keys.
    rows = np.repeat(np.arange(len(sets), dtype=np.int64) << 32, sets.sizes())
    return Sets(sets.offsets, np.sort(rows | ids[places]) & 0xFFFFFFFF), counts[order]


def prefixes(sets: Sets, counts: np.ndarray, needed: np.ndarray) -> tuple[Sets, np.ndarray]:
    """The rarest ids of each row, as many as a search may ask for, and the place (from 0) of each in its row.

    Those that no other row holds are left out: nothing can be found by them.
    """
    sizes = sets.sizes()
    places = np.arange(len(sets.ids)) - np.repeat(sets.offsets[:-1], sizes)
    wanted = places < np.repeat(sizes - needed + np.minimum(needed, COMMON), sizes)
    wanted &= counts[sets.ids] > 1
    totals = np.concatenate([[0], np.cumsum(wanted)])
    return Sets(totals[sets.offsets], sets.ids[wanted]), places[wanted]
