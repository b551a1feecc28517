"""MinHash-LSH on Daft: which texts share a bucket, that is, all the MinHash values of one band, with another text.

Sources: Broder, On the resemblance and containment of documents (1997); Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, chapter 3. Plain expressions, group-bys and joins, so that Ray can run it as it stands.
"""

from pathlib import Path
from typing import NamedTuple

import daft
import numpy as np
from daft import col
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ecom_llm.prepare.near.nearness import Nearness, banding_of
from ecom_llm.prepare.near.shingles import worded

LINKS = 1 << 24
"""Links between texts that are held before they are merged into groups: 256 MB of them."""


class Groups(NamedTuple):
    """The texts that share a bucket with another, and what hangs together: linked by shared buckets, if by many steps."""

    keys: np.ndarray
    """int64, ascending and each once."""
    firsts: np.ndarray
    """int64: the smallest key of each one's group."""

    def hold(self, keys: np.ndarray) -> np.ndarray:
        """bool: whether each of `keys` shares a bucket."""
        return among(keys, self.keys)

    def firsts_of(self, keys: np.ndarray) -> np.ndarray:
        """The smallest key of the group of each of `keys`; of one without a group itself."""
        firsts, held = keys.copy(), self.hold(keys)
        firsts[held] = self.firsts[np.searchsorted(self.keys, keys[held])]
        return firsts


def among(keys: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    """bool: whether each of `keys` is one of many that ascend; `np.isin` would go over all of those for every batch."""
    if not len(ascending):
        return np.zeros(len(keys), bool)
    return ascending[np.minimum(np.searchsorted(ascending, keys), len(ascending) - 1)] == keys


def write_band_hashes(texts: daft.DataFrame, nearness: Nearness, folder: Path) -> None:
    """Texts (key, text) -> Parquet in `folder`: key, and one 64-bit hash per band in the columns band0, band1, ...

    On disk and in columns, because only one band is looked at a time: of a hundred million texts all 18 are 14 GB.
    """
    banding = banding_of(nearness)
    values = col("normal").minhash(num_hashes=nearness.num_hashes, ngram_size=nearness.ngram_size, seed=nearness.seed)
    bands = values.slice(0, banding.bands * banding.rows).chunk(banding.rows).list_map(daft.element().hash())
    hashed = worded(texts, nearness.min_words).select("key", bands.alias("bands"))
    columns = [col("bands").get(band).alias(f"band{band}") for band in range(banding.bands)]
    hashed.select("key", *columns).write_parquet(str(folder))


def groups_in_shared_buckets(texts: daft.DataFrame, nearness: Nearness, folder: Path) -> Groups:
    """Texts (key, text) -> those that share a bucket with another text, by groups; `folder` holds the band hashes meanwhile."""
    write_band_hashes(texts, nearness, folder)
    known, links = Groups(np.empty(0, np.int64), np.empty(0, np.int64)), [np.empty((2, 0), np.int64)]
    # Band by band: one group-by over all bands would hold every (band, hash) of the corpus at once.
    for band in range(banding_of(nearness).bands):
        one = daft.read_parquet(f"{folder}/*.parquet").select("key", col(f"band{band}").alias("bucket"))
        counts = one.groupby("bucket").agg(col("key").min().alias("first"), col("key").count().alias("texts"))
        shared = counts.where(col("texts") > 1).select("bucket", "first")
        found = one.join(shared, on="bucket").select("first", "key").to_arrow()
        links.append(np.stack([found.column(name).to_numpy() for name in ("first", "key")]))
        if sum(part.shape[1] for part in links) > LINKS:
            known, links = merged(known, links), []
    return merged(known, links)


def merged(known: Groups, links: list[np.ndarray]) -> Groups:
    """The groups after those links (2, n) between keys: what was linked before stays so."""
    pairs = np.concatenate([np.stack([known.firsts, known.keys]), *links], axis=1)
    keys, places = np.unique(pairs, return_inverse=True)
    one, two = places.reshape(pairs.shape)
    graph = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(len(keys), len(keys)))
    _, labels = connected_components(graph, directed=False)
    # Keys ascend, so the first place of a label is its smallest key.
    _, first_places = np.unique(labels, return_index=True)
    return Groups(keys, keys[first_places][labels])
