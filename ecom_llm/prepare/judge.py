"""What is decided over all buckets together: quality filters, equal examples, and near-copies."""

from dataclasses import dataclass
from pathlib import Path

import daft
import numpy as np
import pyarrow as pa
from daft import col
from daft.functions import when

from ecom_llm.params import Prepare
from ecom_llm.prepare.near.keep import near_copies
from ecom_llm.prepare.near.leaks import leaks
from ecom_llm.prepare.near.nearness import Nearness
from ecom_llm.prepare.quality import Limits, reasons

RANKS = {"test": 0, "validation": 1, "train": 2}
"""Of equal or nearly equal texts the one by which a model is judged stays: what is lost to training is not lost to the test."""


@dataclass(frozen=True)
class Verdicts:
    """The examples that go, by number, and what was found on the way."""

    rejected: dict[int, str]
    """Number -> the first quality filter's reason."""
    duplicates: set[int]
    """Numbers of examples that equal a kept one."""
    copies: dict[int, int]
    """Number -> number of the kept example whose text is nearly the same."""
    equal_kept: int
    """Examples that equal another and stay all the same, because their publisher gave the split."""
    leaks: int
    """Kept texts of the train split that are near-copies of one in the test split."""


def judge(made: Path, params: Prepare) -> Verdicts:
    """Decide about all examples in the shards of `made` (records of `Made`); published ones are never let go as copies."""
    rejected = poor_texts(daft.read_parquet(str(made / "*.parquet")), params)
    rows = daft.read_parquet(str(made / "*.parquet")).where(~col("number").is_in(list(rejected)))
    duplicates, equal_kept = equal_examples(rows.select("number", "content", "split", "published").to_arrow())
    texts = rows.where(~col("number").is_in(list(duplicates))).where(col("skill") != "recommend")
    nearness = nearness_of(params)
    copies = copies_of(texts, nearness)
    kept = texts.where(~col("number").is_in(list(copies))).select(
        col("number").alias("key"), col("target").alias("text"), "split"
    )
    # measured, though `near_copies` promises none but between published texts: a promise is not a measurement
    leaked = {leak.train for leak in leaks(of_split(kept, "test"), of_split(kept, "train"), nearness)}
    return Verdicts(rejected, duplicates, copies, equal_kept, len(leaked))


def of_split(texts: daft.DataFrame, split: str) -> daft.DataFrame:
    """Key and text of the examples of one split."""
    return texts.where(col("split") == split).select("key", "text")


def nearness_of(params: Prepare) -> Nearness:
    """What params call a near-copy."""
    return Nearness(
        threshold=params.near_threshold,
        ngram_size=params.near_ngram_size,
        min_words=params.near_min_words,
        num_hashes=params.near_num_hashes,
        recall=params.near_recall,
        seed=params.seed,
    )


def poor_texts(examples: daft.DataFrame, params: Prepare) -> dict[int, str]:
    """Number -> reason of each text that a quality filter turns down.

    Titles to recommend are names and not judged; nor are published rows, since results are compared with others' on just
    these.
    """
    found = (
        examples.where((col("skill") != "recommend") & ~col("published"))
        .select("number", reasons(col("target"), col("locale"), params.filters, limits_of(params)).alias("reason"))
        .where(col("reason").not_null())
        .to_arrow()
    )
    return dict(zip(found["number"].to_pylist(), found["reason"].to_pylist(), strict=True))


def limits_of(params: Prepare) -> Limits:
    """What params allow a text."""
    return Limits(
        min_characters=params.min_characters,
        max_characters=params.max_characters,
        min_letters=params.min_letters,
        max_links=params.max_links,
        max_repetition=params.max_repetition,
    )


def equal_examples(rows: pa.Table) -> tuple[set[int], int]:
    """(Numbers of examples that equal a kept one, count of those that equal it and stay); rows as 16-byte digests.

    Of equal examples the published are kept, all of them, since results are compared with others' on just these rows; where
    there is none, the first of the test split, of validation, of train.
    """
    number = rows["number"].to_numpy()
    content = np.frombuffer(b"".join(rows["content"].to_pylist()), dtype="<u8").reshape(-1, 2)
    published = rows["published"].to_numpy(zero_copy_only=False)
    rank = np.array([RANKS[split] for split in rows["split"].to_pylist()])
    order = np.lexsort((number, rank, ~published, content[:, 1], content[:, 0]))
    sorted_ = content[order]
    again = np.concatenate([[False], (sorted_[1:] == sorted_[:-1]).all(axis=1)]) if len(order) else np.zeros(0, bool)
    stays = published[order]
    return set(number[order][again & ~stays].tolist()), int((again & stays).sum())


def copies_of(texts: daft.DataFrame, nearness: Nearness) -> dict[int, int]:
    """Number -> number of the kept example whose text is nearly the same."""
    rank = when(col("split") == "test", RANKS["test"]).when(col("split") == "validation", RANKS["validation"])
    ranked = texts.select(
        col("number").alias("key"),
        col("target").alias("text"),
        rank.otherwise(RANKS["train"]).cast(daft.DataType.int64()).alias("rank"),
        col("published"),
    )
    found = near_copies(ranked, nearness)
    return dict(zip(found["key"].to_pylist(), found["kept"].to_pylist(), strict=True))
