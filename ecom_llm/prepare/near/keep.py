"""Which of near-copies stays: the best-ranked, so that every text that goes has a near-copy among those that stay.

Nearness is not transitive: with A near B and B near C, A and C may differ. Clusters as connected components would throw
C away for A, whose like is then nowhere. So texts are taken in order, best first, and one goes only when it is near a text
that was kept: in the example C goes with B where B is kept, and stays where B went with A.
"""

from pathlib import Path

import daft
import numpy as np
import pyarrow as pa
from daft import col

from ecom_llm.prepare.near.buckets import among, groups_in_shared_buckets
from ecom_llm.prepare.near.nearness import Nearness
from ecom_llm.prepare.near.portions import Contenders, Portions, together
from ecom_llm.prepare.near.screen import screen_of
from ecom_llm.prepare.near.search import Comparison, PrefixIndex, by_rarity
from ecom_llm.prepare.near.shingles import shingled

COPIES = pa.schema([("key", pa.int64()), ("kept", pa.int64()), ("jaccard", pa.float64())])
Going = list[tuple[int, int, float]]
"""Key of a text that goes, key of the kept text near it, their Jaccard similarity."""


class Standing:
    """What of the texts matters beside their words: what is taken first, and what cannot go."""

    def __init__(self, judges: pa.Table, published: np.ndarray) -> None:
        """`judges`: key, rank and published of the texts that judge; `published`: keys of the others that are published."""
        judges = judges.sort_by("key")
        self.judges, self.ranks, flags = (judges.column(name).to_numpy() for name in ("key", "rank", "published"))
        self.published = np.sort(np.concatenate([published, self.judges[flags.astype(bool)]]))
        self.last = np.iinfo(np.int64).max

    def order(self, keys: np.ndarray) -> np.ndarray:
        """Places of the keys in the order in which texts are kept: published, then by rank, then by key."""
        ranks = np.full(len(keys), self.last)
        judging = among(keys, self.judges)
        ranks[judging] = self.ranks[np.searchsorted(self.judges, keys[judging])]
        return np.lexsort((keys, ranks, ~among(keys, self.published)))


def near_copies(texts: daft.DataFrame, nearness: Nearness, scratch: Path) -> pa.Table:
    """The texts that go, and why: (key, kept: the best-ranked kept text near it, jaccard), ordered by key.

    `texts` has the columns key (int64, each once), text, rank (int64, lower is better, say 0 test, 1 validation, 2 train) and
    published (bool: is never let go, and goes before all others). It is read about four times, so it should be cheap to read.
    `scratch` is a folder that does not exist yet. The answer is the same however the rows are ordered or partitioned.

    Promised exactly: no kept text is near a kept text of a better rank than the last (test, validation), unless both are
    published. Of the texts of the last rank, two that are near are both looked at with at least the probability
    `nearness.recall`, since they share a bucket; what is looked at is compared exactly.

    Memory: about 100 bytes at most per shingle of a text that judges and of the texts compared at a time (`portions`);
    of the others numbers alone. `make proof-memory` measures what a whole preparation holds.
    """
    last = texts.agg(col("rank").max()).to_pydict()["rank"][0] or 0
    judging, others = texts.where(col("rank") < last), texts.where(col("rank") == last)
    published = others.where(col("published")).select("key").to_arrow().column("key").to_numpy()
    standing = Standing(judging.select("key", "rank", "published").to_arrow(), published)
    judges = together([Contenders(*batch) for batch in shingled(judging, nearness.ngram_size, nearness.min_words)])
    groups = groups_in_shared_buckets(texts.select("key", "text"), nearness, scratch / "bands")
    portions = Portions(scratch / "portions", groups)
    rivals = put_aside(others, judges, portions, standing, nearness)
    going = greedy(together([judges, rivals]), np.empty(0, np.int64), standing, nearness)
    judges = judges.chosen(np.flatnonzero(~np.isin(judges.keys, [key for key, _, _ in going])))
    for portion in portions:
        going += greedy(together([judges, portion]), judges.keys, standing, nearness)
    columns = zip(*sorted(going), strict=True) if going else ([], [], [])
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, COPIES, strict=True)], schema=COPIES
    )


def put_aside(
    others: daft.DataFrame, judges: Contenders, portions: Portions, standing: Standing, nearness: Nearness
) -> Contenders:
    """Add to the portions what shares a bucket or may be near a judge; return the published ones that may be near a judge.

    A published text stays, so the judge near it goes: that has to be known before any portion is compared with the judges.
    """
    screen, rivals = screen_of(judges.shingles), []
    for batch in shingled(others, nearness.ngram_size, nearness.min_words):
        texts = Contenders(*batch)
        may_be_near = screen.passes(texts.shingles, nearness.threshold)
        portions.add(texts.chosen(np.flatnonzero(portions.groups.hold(texts.keys) | may_be_near)))
        rivals.append(texts.chosen(np.flatnonzero(may_be_near & among(texts.keys, standing.published))))
    return together(rivals)


def greedy(contenders: Contenders, settled: np.ndarray, standing: Standing, nearness: Nearness) -> Going:
    """The texts that go because a kept one is near; those whose keys are `settled` stay, and so do published ones.

    A text is compared with kept ones only, so a thousand copies of one text cost a thousand comparisons.
    """
    contenders = contenders.chosen(standing.order(contenders.keys))
    stays = np.isin(contenders.keys, settled) | among(contenders.keys, standing.published)
    shingles, counts = by_rarity(contenders.shingles)
    index = PrefixIndex(shingles, counts, nearness.threshold)
    comparison = Comparison(shingles, nearness.threshold)
    going: Going = []
    for row, must_stay in enumerate(stays.tolist()):
        near = None if must_stay else comparison.first_near(row, index.candidates(row))
        if near:
            going.append((int(contenders.keys[row]), int(contenders.keys[near[0]]), near[1]))
        else:
            index.add(row)
    return going
