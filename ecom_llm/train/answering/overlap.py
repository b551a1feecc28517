"""How much of a passage people's answers can be expected to have: the overlap with what was answered to alike questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecom_llm.train.answering.texts import tokens

BITS = 64
"""Tokens of a pooled answer that are looked at: one bit for each."""


@dataclass(frozen=True)
class Pool:
    """Answers that passages are compared with."""

    texts: tuple[str, ...]

    @cached_property
    def lengths(self) -> np.ndarray:
        """(texts,) tokens of each."""
        return np.array([len(tokens(text)) for text in self.texts], np.float64)

    @cached_property
    def postings(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Token -> (rows of the texts that hold it, where in them, as bits)."""
        found: dict[str, dict[int, int]] = {}
        for row, text in enumerate(self.texts):
            for place, token in enumerate(tokens(text)[:BITS]):
                rows = found.setdefault(token, {})
                rows[row] = rows.get(row, 0) | 1 << place
        return {
            token: (np.fromiter(rows, np.int64, len(rows)), np.fromiter(rows.values(), np.uint64, len(rows)))
            for token, rows in found.items()
        }

    def common(self, passage: Sequence[str]) -> np.ndarray:
        """(texts,) length of the longest common subsequence of a passage's tokens with each text.

        A token at a time over all texts at once (Hyyro 2004, bit-parallel LCS).
        """
        state = np.full(len(self.texts), ~np.uint64(0))
        for token in passage:
            if token in self.postings:
                rows, bits = self.postings[token]
                before = state[rows]
                met = before & bits
                state[rows] = (before + met) | (before - met)
        return np.bitwise_count(~state).astype(np.float64)

    def overlap(self, passage: Sequence[str]) -> np.ndarray:
        """(texts,) F1 of that subsequence, as in ROUGE-L (Lin 2004)."""
        return 2 * self.common(passage) / np.maximum(self.lengths + len(passage), 1)
