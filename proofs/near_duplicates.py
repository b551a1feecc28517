"""Near-duplicates against brute force: `python -m proofs.near_duplicates TEXTS [SEED]`.

English and Chinese texts with planted copies, edited from not at all to beyond recognition, in three splits. Fails when
fewer than 95 % of the pairs at or above the threshold share a bucket, when a text that goes has no kept near-copy, or when
a test or validation text is left with a near-copy in another split.
"""

import random
import sys
import time
import unicodedata
from itertools import combinations, pairwise, product
from pathlib import Path
from tempfile import TemporaryDirectory

import daft
import numpy as np
import pyarrow as pa
from scipy import sparse

from ecom_llm.prepare.near.buckets import write_band_hashes
from ecom_llm.prepare.near.keep import near_copies
from ecom_llm.prepare.near.leaks import leaks
from ecom_llm.prepare.near.nearness import Nearness, banding_of, share_bucket

NEARNESS = Nearness(threshold=0.8, ngram_size=3, min_words=8, num_hashes=112, recall=0.99, seed=1)
LEAST_RECALL = 0.95
LEVELS = (0.8, 0.82, 0.85, 0.9, 0.95, 1.01)
WITHOUT_SPACES = ("CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "THAI")
Pairs = dict[tuple[int, int], float]
"""Two keys, the smaller first -> the Jaccard similarity of their texts."""


def words_of(text: str) -> list[str]:
    """The words of the definition, a character at a time: nothing of this is shared with the code under proof."""
    spaced = ""
    for character in text.lower():
        if unicodedata.name(character, "").startswith(WITHOUT_SPACES) and unicodedata.category(character)[0] in "LM":
            spaced += f" {character} "
        else:
            spaced += character if unicodedata.category(character)[0] in "LMN" else " "
    return spaced.split()


def shingles_of(text: str, nearness: Nearness) -> set[tuple[str, ...]]:
    """The shingles of a text; none for a text that is left alone."""
    words, size = words_of(text), nearness.ngram_size
    if len(words) < nearness.min_words:
        return set()
    return {tuple(words[start : start + size]) for start in range(max(1, len(words) - size + 1))}


def brute_force_pairs(texts: list[str], nearness: Nearness) -> Pairs:
    """Every pair of texts (by place in the list) at or above the threshold, each text compared with all others."""
    sets = [shingles_of(text, nearness) for text in texts]
    numbers: dict[tuple[str, ...], int] = {}
    cells = [(row, numbers.setdefault(shingle, len(numbers))) for row, found in enumerate(sets) for shingle in found]
    rows, columns = np.array(cells, dtype=np.int64).reshape(-1, 2).T
    held = sparse.csr_matrix((np.ones(len(cells), np.int64), (rows, columns)), shape=(len(texts), len(numbers) + 1))
    common = sparse.triu(held @ held.T, k=1).tocoo()
    pairs: Pairs = {}
    for one, two, shared in zip(common.row.tolist(), common.col.tolist(), common.data.tolist(), strict=True):
        jaccard = shared / (len(sets[one]) + len(sets[two]) - shared)
        if jaccard >= nearness.threshold:
            pairs[one, two] = jaccard
    return pairs


def edited(words: list[str], share: float, vocabulary: list[str], rng: random.Random) -> list[str]:
    """A copy with about that share of its words replaced, left out or doubled, or with a run of new words at its end."""
    if rng.random() < 0.3:
        return words + rng.choices(vocabulary, k=round(3 * share * len(words)))
    copy: list[str] = []
    for word in words:
        if rng.random() < share:
            copy += rng.choice([[rng.choice(vocabulary)], [], [word, word]])
        else:
            copy.append(word)
    return copy


def planted_texts(count: int, rng: random.Random) -> list[str]:
    """Texts of 5 to 150 words, half of them English-like and half Chinese, of which about half are edited copies."""
    latin = ["".join(pair) for pair in product(("ka", "lo", "mi", "ne", "ru", "so", "té", "ü"), repeat=3)]
    han = [chr(place) for place in range(0x4E00, 0x4E00 + 600)]
    texts: list[str] = []
    while len(texts) < count:
        vocabulary, space = (latin, " ") if rng.random() < 0.5 else (han, "")
        words = rng.choices(vocabulary, k=rng.randint(5, 150))
        copies = rng.choice([0, 0, 1, 1, 2, 5])
        shares = [0.0, *(rng.uniform(0, 0.08) for _ in range(copies))]
        for copy in (edited(words, share, vocabulary, rng) for share in shares):
            text = space.join(copy)
            # Case and punctuation make no other text of it.
            texts.append(rng.choice([text, text.upper(), text + "!", "« " + text.replace(" ", ", ")]))
    rng.shuffle(texts)
    return texts[:count]


def table_of(texts: list[str], ranks: list[int]) -> daft.DataFrame:
    """The texts under their places in the list as keys, none published."""
    return daft.from_arrow(
        pa.table(
            {
                "key": pa.array(range(len(texts)), pa.int64()),
                "text": pa.array(texts, pa.string()),
                "rank": pa.array(ranks, pa.int64()),
                "published": pa.array([False] * len(texts), pa.bool_()),
            }
        )
    )


def bucket_mates(frame: daft.DataFrame, nearness: Nearness) -> set[tuple[int, int]]:
    """Pairs of keys, the smaller first, that share a bucket."""
    with TemporaryDirectory() as folder:
        write_band_hashes(frame.select("key", "text"), nearness, Path(folder))
        table = daft.read_parquet(f"{folder}/*.parquet").sort("key").to_arrow()
    members: dict[tuple[str, int], list[int]] = {}
    for row in table.to_pylist():
        key = row.pop("key")
        for place in row.items():
            members.setdefault(place, []).append(key)
    return {pair for found in members.values() for pair in combinations(found, 2)}


def faults_of(copies: pa.Table, pairs: Pairs, ranks: list[int]) -> list[str]:
    """What must not be, by brute force: a text that goes without a kept near-copy, or a leak between splits."""
    gone = dict(zip(copies.column("key").to_pylist(), copies.column("kept").to_pylist(), strict=True))
    faults = [
        f"text {key} went for {kept}, which is no kept near-copy of a better rank"
        for key, kept in gone.items()
        if kept in gone or (min(key, kept), max(key, kept)) not in pairs or (ranks[kept], kept) > (ranks[key], key)
    ]
    for one, two in pairs:
        if one not in gone and two not in gone and min(ranks[one], ranks[two]) < max(ranks):
            faults.append(f"kept texts {one} and {two} of ranks {ranks[one]} and {ranks[two]} are near-copies")
    return faults


def leaks_between(frame: daft.DataFrame, copies: pa.Table, nearness: Nearness) -> tuple[int, int]:
    """Near pairs of a text held out (rank 0 or 1) and a train text, before and after the copies went."""
    kept = frame.where(~daft.col("key").is_in(copies.column("key").to_pylist())) if len(copies) else frame
    held_out = daft.col("rank") < 2
    before, after = (len(leaks(some.where(held_out), some.where(~held_out), nearness)) for some in (frame, kept))
    return before, after


def report_recall(pairs: Pairs, found: set[tuple[int, int]]) -> int:
    """Print recall by level of similarity beside what the S-curve promises; return the pairs that were missed."""
    for low, high in pairwise(LEVELS):
        level = [pair for pair, jaccard in pairs.items() if low <= jaccard < high]
        hit = sum(pair in found for pair in level)
        promised = share_bucket(low, banding_of(NEARNESS))
        print(
            f"  Jaccard {low:.2f} to {min(high, 1):.2f}: {hit:,} of {len(level):,} found, promised from {promised:.4f}"
        )
    return sum(pair not in found for pair in pairs)


def main(count: int, seed: int) -> int:
    """Run the proof; return the exit code."""
    rng = random.Random(seed)
    texts = planted_texts(count, rng)
    ranks = rng.choices([0, 1, 2], weights=[1, 1, 8], k=count)
    frame = table_of(texts, ranks)
    started = time.perf_counter()
    with TemporaryDirectory() as folder:
        copies = near_copies(frame, NEARNESS, Path(folder) / "near")
    seconds = time.perf_counter() - started
    pairs = brute_force_pairs(texts, NEARNESS)
    print(f"{count:,} texts, seed {seed}, {banding_of(NEARNESS)}: {len(copies):,} went in {seconds:.1f} s")
    found = bucket_mates(frame, NEARNESS)
    missed = report_recall(pairs, found)
    print(f"  {len(found) - len(found & pairs.keys()):,} pairs below the threshold share a bucket")
    faults = faults_of(copies, pairs, ranks)
    before, after = leaks_between(frame, copies, NEARNESS)
    print(f"LEAKS held out against train: {before} before, {after} after")
    for fault in faults[:10]:
        print("FAULT", fault)
    recall = 1 - missed / max(len(pairs), 1)
    print(f"RECALL {recall:.4f} at Jaccard {NEARNESS.threshold} (at least {LEAST_RECALL})")
    print(f"PROOF near-duplicates tried={len(pairs)} failed={missed}")
    return int(recall < LEAST_RECALL or not pairs or not before or after > 0 or bool(faults))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
