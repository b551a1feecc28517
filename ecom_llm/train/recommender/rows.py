"""A sparse table by its rows. Training images and served models hold NumPy and no SciPy, so the few lines stand here."""

from dataclasses import dataclass

import numpy as np


def places(starts: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """The places starts[0], starts[0] + 1, ... of several stretches, one after the other."""
    ends = np.cumsum(lengths)
    return np.repeat(starts - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)


@dataclass(frozen=True)
class Rows:
    """Compressed sparse rows: the entries of row r stand from start[r] to start[r + 1], columns ascending."""

    start: np.ndarray
    """(rows + 1,) int64"""
    column: np.ndarray
    """(entries,) int32"""
    value: np.ndarray
    """(entries,) float32"""

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.start) - 1

    def weighted(self, rows: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The entries of some rows, times a weight for each row: (columns, values), a column as often as it stands there."""
        lengths = self.start[rows + 1] - self.start[rows]
        at = places(self.start[rows], lengths)
        return self.column[at], self.value[at] * np.repeat(weights, lengths)

    def total(self, rows: np.ndarray, weights: np.ndarray, columns: int) -> np.ndarray:
        """(columns,) float64: the weighted sum of some rows."""
        column, value = self.weighted(rows, weights)
        # the sum of no entries would be of integers
        return np.bincount(column, value, minlength=columns).astype(np.float64)

    def at(self, row: int, column: int) -> float:
        """One entry, 0 where there is none."""
        low, high = self.start[row], self.start[row + 1]
        place = low + np.searchsorted(self.column[low:high], column)
        return float(self.value[place]) if place < high and self.column[place] == column else 0.0

    def transposed(self, columns: int) -> "Rows":
        """The table with rows and columns exchanged."""
        row = np.repeat(np.arange(self.size), np.diff(self.start))
        return rows_of(self.column, row, self.value, columns)


def rows_of(row: np.ndarray, column: np.ndarray, value: np.ndarray, size: int) -> Rows:
    """The table of `size` rows in which entries of the same place are summed, in the order they are given."""
    width = int(column.max(initial=-1)) + 1
    key, where = np.unique(row.astype(np.int64) * max(width, 1) + column, return_inverse=True)
    summed = np.bincount(where, value, minlength=len(key)).astype(np.float32)
    start = np.searchsorted(key, np.arange(size + 1, dtype=np.int64) * max(width, 1))
    return Rows(start, (key % max(width, 1)).astype(np.int32), summed)
