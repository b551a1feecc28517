"""Several texts for one example -> in order: what keeps to the facts first, then what most of the others agree with.

Minimum Bayes risk (Kumar & Byrne 2004, "Minimum Bayes-Risk Decoding for Statistical Machine Translation") with BLEU between
the candidates as gain: no reference is read.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import exp, log

from ecom_llm.evaluate.candidates import Candidate
from ecom_llm.skills.slots import SLOT, UNSPACED

ORDER = 4
"""Longest n-gram."""
PIECE = re.compile(rf"{SLOT.pattern}|{UNSPACED.pattern}|\w+|[^\w\s]")
"""What two texts are compared by: slots, words, characters of scripts without spaces, marks."""
Grams = tuple[Counter[tuple[str, ...]], ...]


def grams(text: str) -> Grams:
    """The n-grams of a text, n from 1 to `ORDER`."""
    pieces = [match.group() for match in PIECE.finditer(text)]
    return tuple(Counter(zip(*(pieces[at:] for at in range(n)), strict=False)) for n in range(1, ORDER + 1))


def agreement(one: Grams, other: Grams) -> float:
    """Sentence BLEU of one text against another, 0 to 1, with one added to the counts of bigrams and longer.

    Smoothing of Lin & Och 2004, "ORANGE", section 3.1 (sacrebleu's `add-k`).
    """
    length, wanted = (side[0].total() for side in (one, other))
    total = 0.0
    for n in range(ORDER):
        shared = sum(min(count, other[n][gram]) for gram, count in one[n].items())
        added = 1 if n else 0
        if shared + added == 0:
            return 0.0
        total += log((shared + added) / (max(length - n, 0) + added))
    return exp(total / ORDER) * min(1.0, exp(1 - wanted / length))


def consensus(texts: Sequence[str]) -> dict[str, float]:
    """Distinct text -> its mean agreement with all the texts, itself among them and repetitions counted."""
    counts = Counter(texts)
    known = {text: grams(text) for text in counts}
    return {
        text: sum(count * agreement(known[text], known[other]) for other, count in counts.items()) / len(texts)
        for text in counts
    }


def ranked(candidates: Sequence[Candidate], likelihood_weight: float) -> list[Candidate]:
    """The candidates of one example, best first: by faults, then by consensus + weight x log-probability per token."""
    agreed = consensus([candidate.written for candidate in candidates])

    def key(candidate: Candidate) -> tuple[float, float, str]:
        worth = agreed[candidate.written] + likelihood_weight * candidate.mean_log_probability
        return candidate.faults, -worth, candidate.written

    return sorted(candidates, key=key)
