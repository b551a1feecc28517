"""MinHash-LSH on Daft: which texts share a bucket, that is, all the MinHash values of one band, with another text.

Sources: Broder, On the resemblance and containment of documents (1997); Leskovec, Rajaraman and Ullman, Mining of
Massive Datasets, chapter 3. Plain expressions, group-bys and joins, so that Ray can run it as it stands.
"""

import daft
import numpy as np
from daft import col

from ecom_llm.prepare.near.nearness import Nearness, banding_of
from ecom_llm.prepare.near.shingles import worded


def band_hashes(texts: daft.DataFrame, nearness: Nearness) -> daft.DataFrame:
    """Texts (key, text) -> (key, bands: one 64-bit hash per band), held in memory.

    The MinHash values themselves are let go at once: 112 of them take 448 bytes a text, 18 band hashes 144.
    """
    banding = banding_of(nearness)
    values = col("normal").minhash(num_hashes=nearness.num_hashes, ngram_size=nearness.ngram_size, seed=nearness.seed)
    bands = values.slice(0, banding.bands * banding.rows).chunk(banding.rows).list_map(daft.element().hash())
    return worded(texts, nearness.min_words).select("key", bands.alias("bands")).collect()


def keys_in_shared_buckets(texts: daft.DataFrame, nearness: Nearness) -> np.ndarray:
    """Texts (key, text) -> the keys, int64, ascending and each once, of those that share a bucket with another text."""
    hashes = band_hashes(texts, nearness)
    keys = [np.empty(0, np.int64)]
    # Band by band: one group-by over all bands would hold every (band, hash) of the corpus at once.
    for band in range(banding_of(nearness).bands):
        one = hashes.select("key", col("bands").get(band).alias("bucket"))
        counts = one.groupby("bucket").agg(col("key").count().alias("texts"))
        shared = counts.where(col("texts") > 1).select("bucket")
        keys.append(one.join(shared, on="bucket", how="semi").select("key").to_arrow().column("key").to_numpy())
    return np.unique(np.concatenate(keys))
