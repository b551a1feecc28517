"""How much of a text repeats itself: prepare turns such texts down, and what writes takes them last. Needs nothing to be installed."""

import re
from collections import Counter

UNPARTED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Kana and Han: scripts that do not part words."""
SENTENCE_ENDS = ".!?。！？；;…\n"
TOKEN = rf"[{UNPARTED}]|[^\W_{UNPARTED}]+"
"""A word, or a character of the scripts that do not part words, in Python's syntax."""
REPEATS = 3
"""An n-gram is no repetition below this many times: short texts say a product's name twice."""


def repetition(text: str) -> float:
    """The largest share of a text's words that repetition covers: in one n-gram (2 to 4 words), or in repeated sentences.

    After the repetition filters of Gopher (Rae et al. 2021, arXiv:2112.11446, table A1), scaled to a few sentences: words
    are counted and not characters; an n-gram must stand `REPEATS` times, and lines are sentences.
    """
    text = text.lower()
    return max(in_ngrams(re.findall(TOKEN, text)), in_sentences(text))


def in_ngrams(words: list[str]) -> float:
    """Overlapping occurrences share words, so places are counted and not occurrences."""
    shares = [0.0]
    for size in (2, 3, 4):
        grams = list(zip(*(words[start:] for start in range(size)), strict=False))
        for gram, count in Counter(grams).most_common(1):
            if count >= REPEATS:
                places = {at + step for at, other in enumerate(grams) if other == gram for step in range(size)}
                shares.append(len(places) / len(words))
    return max(shares)


def in_sentences(text: str) -> float:
    """The share of words in sentences that stand earlier in the text already."""
    sentences = [tuple(re.findall(TOKEN, sentence)) for sentence in re.split(f"[{SENTENCE_ENDS}]", text)]
    total = sum(map(len, sentences))
    return (total - sum(map(len, set(sentences)))) / total if total else 0.0
