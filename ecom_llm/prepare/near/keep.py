"""Which of near-copies stays: the best-ranked, so that every text that goes has a near-copy among those that stay.

Nearness is not transitive: with A near B and B near C, A and C may differ. Clusters as connected components would throw
C away for A, whose like is then nowhere. So texts are taken in order, best first, and one goes only when it is near a text
that was kept: in the example C goes with B where B is kept, and stays where B went with A.
"""

from collections.abc import Iterator
from typing import NamedTuple

import daft
import numpy as np
import pyarrow as pa
from daft import col

from ecom_llm.prepare.near.buckets import keys_in_shared_buckets
from ecom_llm.prepare.near.nearness import Nearness
from ecom_llm.prepare.near.screen import Screen, screen_of
from ecom_llm.prepare.near.search import Comparison, PrefixIndex, by_rarity
from ecom_llm.prepare.near.shingles import Sets, joined, shingled

COPIES = pa.schema([("key", pa.int64()), ("kept", pa.int64()), ("jaccard", pa.float64())])


class Contenders(NamedTuple):
    """The texts that may have a near-copy, in the order in which they are kept: published, then by rank, then by key."""

    keys: np.ndarray
    published: np.ndarray
    """bool: must be kept."""
    shingles: Sets


def kept(texts: daft.DataFrame, nearness: Nearness) -> tuple[np.ndarray, dict[int, int]]:
    """(Keys of the kept texts, ascending; key of each text that goes -> key of a kept text near it). See `near_copies`."""
    copies = near_copies(texts, nearness)
    keys = np.sort(texts.select("key").to_arrow().column("key").to_numpy())
    pairs = dict(zip(copies.column("key").to_pylist(), copies.column("kept").to_pylist(), strict=True))
    return keys[~np.isin(keys, copies.column("key").to_numpy())], pairs


def near_copies(texts: daft.DataFrame, nearness: Nearness) -> pa.Table:
    """The texts that go, and why: (key, kept: the best-ranked kept text near it, jaccard), ordered by key.

    `texts` has the columns key (int64, each once), text, rank (int64, lower is better, say 0 test, 1 validation, 2 train) and
    published (bool: is never let go, and goes before all others). It is read about four times, so it should be cheap to read.
    The answer is the same however the rows are ordered or partitioned.

    Promised exactly: no kept text is near a kept text of a better rank than the last (test, validation), unless both are
    published. Of the texts of the last rank, two that are near are both looked at with at least the probability
    `nearness.recall`, since they share a bucket; what is looked at is compared exactly.

    Memory: 8 bytes per band and text, and about 100 bytes at most per shingle of a text that may have a near-copy or judges.

    Raises:
        ValueError: a key stands twice.
    """
    contenders = contend(texts, nearness)
    going = [(contenders.keys[row], contenders.keys[near], value) for row, near, value in greedy(contenders, nearness)]
    columns = zip(*sorted(going), strict=True) if going else ([], [], [])
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, COPIES, strict=True)], schema=COPIES
    )


def contend(texts: daft.DataFrame, nearness: Nearness) -> Contenders:
    """Every text that shares a bucket, judges, or may be near one that judges, with its shingles."""
    bucketed = keys_in_shared_buckets(texts.select("key", "text"), nearness)
    keys, rank, published = facts_of(texts)
    last = int(rank.max(initial=0))
    judges = list(shingled(texts.where(col("rank") < last), nearness.ngram_size, nearness.min_words))
    screen = screen_of(joined([sets for _, sets in judges]))
    others = shingled(texts.where(col("rank") == last), nearness.ngram_size, nearness.min_words)
    found = judges + [chosen(batch, sets, bucketed, screen, nearness.threshold) for batch, sets in others]
    found_keys = np.concatenate([np.empty(0, np.int64), *(batch for batch, _ in found)])
    places = np.searchsorted(keys, found_keys)
    order = np.lexsort((found_keys, rank[places], ~published[places]))
    shingles = joined([sets for _, sets in found]).gather(order)
    return Contenders(found_keys[order], published[places[order]], shingles)


def facts_of(texts: daft.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys (ascending), rank and published of all texts."""
    facts = texts.select("key", "rank", "published").to_arrow().sort_by("key")
    keys, rank, published = (facts.column(name).to_numpy() for name in facts.column_names)
    if len(np.unique(keys)) < len(keys):
        raise ValueError("near_copies: a key stands twice; expected one text per key")
    return keys, rank, published.astype(bool)


def chosen(
    keys: np.ndarray, sets: Sets, bucketed: np.ndarray, screen: Screen, threshold: float
) -> tuple[np.ndarray, Sets]:
    """Of a batch, the texts that share a bucket or may be near one that judges."""
    rows = np.flatnonzero(np.isin(keys, bucketed) | screen.passes(sets, threshold))
    return keys[rows], sets.gather(rows)


def greedy(contenders: Contenders, nearness: Nearness) -> Iterator[tuple[int, int, float]]:
    """Yield (row, the first kept row near it, jaccard) for each row that goes.

    A row is compared with kept rows only, so a thousand copies of one text cost a thousand comparisons.
    """
    shingles, counts = by_rarity(contenders.shingles)
    index = PrefixIndex(shingles, counts, nearness.threshold)
    comparison = Comparison(shingles, nearness.threshold)
    for row, published in enumerate(contenders.published.tolist()):
        near = None if published else comparison.first_near(row, index.candidates(row))
        if near:
            yield row, *near
        else:
            index.add(row)
