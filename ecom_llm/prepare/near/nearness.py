"""What counts as a near-copy, and the bands of MinHash values that find one with a wanted probability."""

from dataclasses import dataclass
from typing import NamedTuple

from ecom_llm.records import UserError


@dataclass(frozen=True)
class Nearness:
    """When two texts are near-copies, and how surely they are found."""

    threshold: float
    """Jaccard similarity of two sets of shingles, in (0, 1], from which on the texts are near-copies."""
    ngram_size: int
    """Words in a shingle; in scripts without spaces a character is a word (see `shingles`)."""
    min_words: int
    """Texts with fewer words, at least 1, are stock phrases such as "Yes." and are left alone."""
    num_hashes: int
    """MinHash values per text; more of them separate near-copies from others more sharply, and take longer."""
    recall: float
    """Least probability, in (0, 1), that two texts exactly at the threshold share a bucket."""
    seed: int
    """Seed of the MinHash permutations."""


class Banding(NamedTuple):
    """How a text's MinHash values are cut: `bands` x `rows` of them are used."""

    bands: int
    rows: int


def share_bucket(jaccard: float, banding: Banding) -> float:
    """The S-curve 1 - (1 - J^rows)^bands: the probability that two texts of this similarity share a bucket.

    Source: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, section 3.4.2.
    """
    return 1 - (1 - jaccard**banding.rows) ** banding.bands


def banding_of(nearness: Nearness) -> Banding:
    """The steepest S-curve that still reaches the recall at the threshold: the longest bands that do.

    At threshold .8, recall .99 and 112 hashes that is 18 bands of 6. (28 bands of 4 would find 99.99999 % instead of
    99.6 %, but would have to compare 84 % of the pairs that share half their shingles; 18 bands of 6 compare 25 %.)

    Raises:
        UserError: not even bands of one value reach the recall.
    """
    for rows in range(nearness.num_hashes, 0, -1):
        banding = Banding(nearness.num_hashes // rows, rows)
        if share_bucket(nearness.threshold, banding) >= nearness.recall:
            return banding
    raise UserError(
        f"near-duplicates: {nearness.num_hashes} MinHash values cannot find pairs at Jaccard {nearness.threshold} with "
        f"probability {nearness.recall}. Take more values (num_hashes), a higher threshold, or a lower recall."
    )
