"""The token sequences a decoder may write, as a trie in flat arrays that a whole beam can walk at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Trie:
    """Node 0 is the root; the edges of node n are `first[n]:first[n + 1]` of `token` and `child`."""

    first: np.ndarray
    """(nodes + 1,) int64."""
    token: np.ndarray
    """(edges,) int64: the token written on an edge."""
    child: np.ndarray
    """(edges,) int64: the node an edge leads to."""
    sequence: np.ndarray
    """(nodes,) int64: index of the sequence that is complete here, or -1."""

    def expand(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """All edges of `nodes` (n,): for each edge the place in `nodes` it leaves from, and its index."""
        counts = self.first[nodes + 1] - self.first[nodes]
        parent = np.repeat(np.arange(len(nodes)), counts)
        within = np.arange(len(parent)) - np.repeat(counts.cumsum() - counts, counts)
        return parent, self.first[nodes][parent] + within

    def has_edges(self, nodes: np.ndarray) -> np.ndarray:
        """(n,) bool: whether anything follows these nodes."""
        return self.first[nodes + 1] > self.first[nodes]


def build_trie(sequences: Sequence[Sequence[int]]) -> Trie:
    """Build the trie of distinct, non-empty sequences."""
    edges: list[dict[int, int]] = [{}]
    complete = [-1]
    for index, sequence in enumerate(sequences):
        node = 0
        for token in sequence:
            if token not in edges[node]:
                edges[node][token] = len(edges)
                edges.append({})
                complete.append(-1)
            node = edges[node][token]
        complete[node] = index
    return Trie(
        first=np.cumsum([0, *(len(node) for node in edges)]),
        token=np.array([token for node in edges for token in node], dtype=np.int64),
        child=np.array([child for node in edges for child in node.values()], dtype=np.int64),
        sequence=np.array(complete, dtype=np.int64),
    )
