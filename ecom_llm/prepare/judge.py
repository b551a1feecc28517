"""What is decided over all buckets together: quality filters, equal examples, and near-copies."""

from dataclasses import dataclass
from pathlib import Path

import daft
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from daft import Expression, col
from daft.functions import when

from ecom_llm.params import Prepare
from ecom_llm.prepare.near.keep import near_copies
from ecom_llm.prepare.near.leaks import leaks
from ecom_llm.prepare.near.nearness import Nearness
from ecom_llm.prepare.quality import Limits, reasons

RANKS = {"test": 0, "validation": 1, "train": 2}
"""Of equal or nearly equal texts the one by which a model is judged stays: what is lost to training is not lost to the test."""


KEPT, DUPLICATE, COPY, FIRST_REASON = range(4)
"""Fates of an example; from FIRST_REASON on it is rejected, for the reason of that place."""


@dataclass(frozen=True)
class Verdicts:
    """What becomes of each example, in a byte or two for each, and what was found on the way."""

    fates: np.ndarray
    """uint16 (examples): by number, one of the fates above."""
    reasons: tuple[str, ...]
    """Reasons of quality filters, for the fates FIRST_REASON, FIRST_REASON + 1, ..."""
    equal_kept: int
    """Examples that equal another and stay all the same, because their publisher gave the split."""
    leaks: int
    """Kept texts of the train split that are near-copies of one in the test split."""

    def reason(self, number: int) -> str:
        """Why a quality filter turned the example down; nothing where none did."""
        fate = int(self.fates[number])
        return self.reasons[fate - FIRST_REASON] if fate >= FIRST_REASON else ""


def judge(made: Path, params: Prepare, scratch: Path) -> Verdicts:
    """Decide about all examples in the shards of `made` (records of `Made`); published ones are never let go as copies.

    `scratch` is a folder that does not exist yet, for what does not fit into memory.
    """
    examples = daft.read_parquet(str(made / "*.parquet"))
    fates = np.zeros(examples.count_rows(), np.uint16)
    numbers, reasons = poor_texts(examples, params)
    fates[numbers] = FIRST_REASON + reasons.indices.to_numpy()
    duplicates, equal_kept = equal_examples(standing(examples, fates))
    fates[duplicates] = DUPLICATE
    nearness = nearness_of(params)
    fates[copies_of(standing(examples, fates).where(col("skill") != "recommend"), nearness, scratch)] = COPY
    kept = standing(examples, fates).where(col("skill") != "recommend")
    kept = kept.select(col("number").alias("key"), col("target").alias("text"), "split")
    # measured, though `near_copies` promises none but between published texts: a promise is not a measurement
    leaked = {leak.train for leak in leaks(of_split(kept, "test"), of_split(kept, "train"), nearness)}
    return Verdicts(fates, tuple(reasons.dictionary.to_pylist()), equal_kept, len(leaked))


def standing(examples: daft.DataFrame, fates: np.ndarray) -> daft.DataFrame:
    """The examples that nothing has been found against so far."""
    gone = daft.from_arrow(pa.table({"number": np.flatnonzero(fates)}))
    return examples.join(gone, on="number", how="anti")


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


def poor_texts(examples: daft.DataFrame, params: Prepare) -> tuple[np.ndarray, pa.DictionaryArray]:
    """(Numbers of the texts that a quality filter turns down, the reason of each).

    Titles to recommend are names and not judged; nor are published rows, since results are compared with others' on just
    these.
    """
    found = (
        examples.where((col("skill") != "recommend") & ~col("published"))
        .select("number", reasons(col("target"), col("locale"), params.filters, limits_of(params)).alias("reason"))
        .where(col("reason").not_null())
        .to_arrow()
    )
    return found["number"].to_numpy(), found["reason"].combine_chunks().dictionary_encode()


def limits_of(params: Prepare) -> Limits:
    """What params allow a text."""
    return Limits(
        min_characters=params.min_characters,
        max_characters=params.max_characters,
        min_letters=params.min_letters,
        max_links=params.max_links,
        max_repetition=params.max_repetition,
    )


def equal_examples(examples: daft.DataFrame) -> tuple[np.ndarray, int]:
    """(Numbers of examples that equal a kept one, count of those that equal it and stay); equal is what has equal `content`.

    Of equal examples the published are kept, all of them, since results are compared with others' on just these rows; where
    there is none, the first of the test split, of validation, of train.
    """
    rows = examples.select("number", "content", rank_of(col("split")).alias("rank"), "published").to_arrow()
    number, rank, published = (rows[name].to_numpy(zero_copy_only=False) for name in ("number", "rank", "published"))
    content = digests(rows["content"])
    order = np.lexsort((number, rank, ~published, content[:, 1], content[:, 0]))
    sorted_ = content[order]
    again = np.concatenate([[False], (sorted_[1:] == sorted_[:-1]).all(axis=1)]) if len(order) else np.zeros(0, bool)
    stays = published[order]
    return number[order][again & ~stays], int((again & stays).sum())


def digests(content: pa.ChunkedArray) -> np.ndarray:
    """The 16 bytes of each row as two numbers, uint64 (rows, 2), without a Python object for each."""
    fixed = pc.cast(content, pa.binary(16)).combine_chunks()
    return np.frombuffer(fixed.buffers()[1], np.uint64).reshape(-1, 2)[fixed.offset : fixed.offset + len(fixed)]


def rank_of(split: Expression) -> Expression:
    """The split's place in RANKS."""
    rank = when(split == "test", RANKS["test"]).when(split == "validation", RANKS["validation"])
    return rank.otherwise(RANKS["train"]).cast(daft.DataType.int64())


def copies_of(texts: daft.DataFrame, nearness: Nearness, scratch: Path) -> np.ndarray:
    """Numbers of the examples whose text is nearly the same as a kept one's."""
    ranked = texts.select(
        col("number").alias("key"), col("target").alias("text"), rank_of(col("split")).alias("rank"), col("published")
    )
    return near_copies(ranked, nearness, scratch).column("key").to_numpy()
