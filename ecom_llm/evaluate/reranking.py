"""Several texts for one example -> in order: what keeps to the facts first, then what most of the others agree with.

Minimum Bayes risk (Kumar & Byrne 2004, "Minimum Bayes-Risk Decoding for Statistical Machine Translation") with BLEU between
the candidates as gain: no reference is read. The facts are counted in slots and in the words that training texts mention
them by, not by the matcher or the protocol that scores finished texts.
"""

import re
from collections import Counter
from collections.abc import Sequence
from math import exp, log

from ecom_llm.evaluate.candidates import Candidate, unstated
from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import SLOT, UNSPACED, Slotting, wanted_mentions, words_of

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


def faults(written: str, example: Example, slotting: Slotting | None) -> int:
    """Facts that a text as it was written owes and leaves out, and mentions it makes too few or too many."""
    skill, mentions = SKILLS[example.skill], slotting.mentions if slotting else {}
    if not skill.owes_all:
        return 0
    said, wanted = Counter(words_of(written)), wanted_mentions(skill.facts(example))
    wrong = sum(abs(wanted[name] - sum(said[word] for word in words)) for name, words in mentions.items())
    return unstated(written, example, slotting) + wrong


def ranked(
    candidates: Sequence[Candidate], example: Example, slotting: Slotting | None, likelihood_weight: float
) -> list[Candidate]:
    """The distinct candidates, best first: by faults, then by consensus + weight x log-probability per token.

    Args:
        slotting: how the model writes slots; None: it has none.
    """
    agreed = consensus([candidate.written for candidate in candidates])
    distinct = {candidate.written: candidate for candidate in reversed(candidates)}

    def key(candidate: Candidate) -> tuple[float, float, str]:
        worth = agreed[candidate.written] + likelihood_weight * candidate.mean_log_probability
        return faults(candidate.written, example, slotting), -worth, candidate.written

    return sorted(distinct.values(), key=key)
