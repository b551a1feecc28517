"""Several texts for one example -> in order: what keeps to the facts first, then what most of the others agree with.

Minimum Bayes risk (Kumar & Byrne 2004, "Minimum Bayes-Risk Decoding for Statistical Machine Translation") with BLEU, or F-score, between
the candidates as gain: no reference is read.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import exp, log

from ecom_llm.skills.scripts import UNSPACED
from ecom_llm.skills.slots import SLOT
from ecom_llm.write.candidates import Candidate

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


def f_score(one: Grams, other: Grams, beta: float) -> float:
    """Mean over n of the F-score of one text's n-grams against another's, 0 to 1; recall counts beta times as much as precision.

    Popovic 2015, "chrF: character n-gram F-score", of words (sacrebleu's CHRF of `char_order=0, word_order=4, eps_smoothing=True`).
    A text shorter than n has no n-grams: of such an n nothing is asked.
    """
    scores = []
    for mine, wanted in zip(one, other, strict=True):
        if mine and wanted:
            shared = sum(min(count, wanted[gram]) for gram, count in mine.items())
            scores.append((1 + beta**2) * shared / (mine.total() + beta**2 * wanted.total()))
    return sum(scores) / len(scores) if scores else 0.0


def gain(one: Grams, other: Grams, beta: float) -> float:
    """What one text is worth where another is right, 0 to 1: the F-score of this beta; of 0, sentence BLEU."""
    return f_score(one, other, beta) if beta else agreement(one, other)


def consensus(texts: Sequence[str], beta: float) -> dict[str, float]:
    """Distinct text -> its mean agreement with all the texts, itself among them and repetitions counted.

    Args:
        beta: agreement is the F-score of this beta; 0 takes sentence BLEU.
    """
    counts = Counter(texts)
    known = {text: grams(text) for text in counts}
    return {
        text: sum(count * gain(known[text], known[other], beta) for other, count in counts.items()) / len(texts)
        for text in counts
    }


def ranked(candidates: Sequence[Candidate], likelihood_weight: float, beta: float) -> list[Candidate]:
    """The candidates of one example, best first: by faults, then by consensus + weight x log-probability per token."""
    agreed = consensus([candidate.written for candidate in candidates], beta)

    def key(candidate: Candidate) -> tuple[float, float, str]:
        worth = agreed[candidate.written] + likelihood_weight * candidate.mean_log_probability
        return candidate.faults, -worth, candidate.written

    return sorted(candidates, key=key)
