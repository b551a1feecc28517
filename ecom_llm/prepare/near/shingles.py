"""Texts as sets of shingles: runs of words, where a character of a script without spaces is a word of its own.

One definition serves English and Chinese. A text is case-folded; everything but letters, digits and their marks
separates words, and so does every boundary of a Han, kana or Thai character, since these scripts write no spaces and a
word segmenter would cut the same characters differently in two contexts. A shingle is `ngram_size` words in a row: it
keeps the order, so that a text made of the same stock words in another order is another text. Character n-grams would
have been the other choice; the same n cannot serve both languages, because five Latin letters are one word and five Han
characters are three. A text with fewer words than a shingle is one shingle. (Daft's `minhash` has the same notion of
words, shingles and short texts, so what it estimates is what is counted here.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

import daft
import numpy as np
import pyarrow as pa
from daft import Expression, col

WITHOUT_SPACES = r"([\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}])"
NO_WORD = r"[^\p{L}\p{N}\p{M}]+"
ROW_BITS = 12
"""Bits of a 64-bit number that hold a row within a batch; the other 52 hold a fingerprint, so both sort in one go."""
BATCH = 1 << ROW_BITS
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that multiplying by it modulo 2^64 loses nothing."""


@dataclass(frozen=True)
class Sets:
    """A ragged table: row i holds the distinct numbers ids[offsets[i]:offsets[i + 1]], ascending."""

    offsets: np.ndarray
    """int64 (rows + 1), from 0."""
    ids: np.ndarray
    """uint64 fingerprints of shingles, or int64 numbers that stand for them."""

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def row(self, index: int) -> np.ndarray:
        """The members of one row."""
        return self.ids[self.offsets[index] : self.offsets[index + 1]]

    def sizes(self) -> np.ndarray:
        """Members per row, int64 (rows)."""
        return np.diff(self.offsets)

    def gather(self, rows: np.ndarray) -> "Sets":
        """Those rows, in that order."""
        sizes = self.sizes()[rows]
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        shift = np.repeat(self.offsets[rows] - offsets[:-1], sizes)
        return Sets(offsets, self.ids[shift + np.arange(offsets[-1])])


def joined(parts: list[Sets]) -> Sets:
    """The rows of all parts, one below the other."""
    sizes = [part.sizes() for part in parts]
    ids = [part.ids for part in parts]
    return Sets(np.concatenate([[0], *sizes]).cumsum(), np.concatenate([np.empty(0, np.uint64), *ids]))


def normal_form(text: Expression) -> Expression:
    """Words in lower case with one space between two of them: what Daft's `minhash` cuts into shingles.

    Two replacements, because one `regexp_extract_all` over the same classes was 13 times slower (6 MB/s).
    """
    return text.lower().regexp_replace(WITHOUT_SPACES, " $1 ").regexp_replace(NO_WORD, " ").strip()


def worded(texts: daft.DataFrame, min_words: int) -> daft.DataFrame:
    """The texts with at least `min_words` words, with the columns `normal` and `words` in place of `text`."""
    normal = texts.with_column("normal", normal_form(col("text"))).exclude("text")
    # An empty string splits into one empty word, so it has to be named.
    return normal.with_column("words", col("normal").split(" ")).where(
        (col("normal") != "") & (col("words").length() >= min_words)
    )


def shingled(texts: daft.DataFrame, ngram_size: int, min_words: int) -> Iterator[tuple[np.ndarray, Sets]]:
    """Yield batches of (keys, sets of 52-bit fingerprints) of the texts that are not left alone; in no fixed order.

    A fingerprint is exact for all that matters here: the chance that a collision changes the similarity of two texts of
    100 shingles is 2e-12.
    """
    frame = worded(texts, min_words).select("key", col("words").list_map(daft.element().hash()).alias("words"))
    for batch in frame.to_arrow_iter():
        keys = batch.column("key").to_numpy()
        for start in range(0, len(keys), BATCH):
            yield keys[start : start + BATCH], fingerprints(batch.column("words")[start : start + BATCH], ngram_size)


def fingerprints(words: pa.LargeListArray, ngram_size: int) -> Sets:
    """At most BATCH rows of word hashes (uint64, at least one a row) -> the distinct fingerprints of their shingles."""
    values, edges = words.values.to_numpy(), words.offsets.to_numpy().astype(np.int64)
    counts = np.maximum(np.diff(edges) - ngram_size + 1, 1)
    rows = np.repeat(np.arange(len(counts)), counts)
    starts = edges[:-1][rows] + np.arange(len(rows)) - (np.cumsum(counts) - counts)[rows]
    ends = edges[1:][rows]
    mixed = np.zeros(len(rows), np.uint64)
    for step in range(ngram_size):
        # Where a short text has no further word, 0 stands for it: its one shingle equals no longer one.
        word = np.where(starts + step < ends, values[np.minimum(starts + step, len(values) - 1)], np.uint64(0))
        mixed = mixed * MULTIPLIER + word
    packed = np.sort(rows.astype(np.uint64) << np.uint64(64 - ROW_BITS) | mixed >> np.uint64(ROW_BITS))
    packed = packed[np.concatenate([[True], packed[1:] != packed[:-1]])] if len(packed) else packed
    sizes = np.bincount(packed >> np.uint64(64 - ROW_BITS), minlength=len(counts))
    return Sets(np.concatenate([[0], np.cumsum(sizes)]), packed & np.uint64((1 << (64 - ROW_BITS)) - 1))
