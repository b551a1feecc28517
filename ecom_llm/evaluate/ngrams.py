"""What texts are made of, and how much of one stands in another: what the metrics count, and the gate counts again.

None of the metrics' library here: importing that costs seconds and torch, and a decision needs neither. sacrebleu is imported
where it is used: it brings a client of Redis along, which an import of the gate need not wait for.
"""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from ecom_llm.evaluate.totals import ORDER
from ecom_llm.prepare.words import keywords, segmenter

if TYPE_CHECKING:
    from sacrebleu.metrics import BLEU, CHRF

CHARACTER_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces: texts are compared by characters."""
ROUGE = {"rouge1": 1, "rouge2": 2, "rougeL": None}
"""rouge_score's names -> length of the n-grams; None: the longest common subsequence."""
LONG = {False: 12, True: 20}
"""From how many words (or characters, where there are no spaces) on an overlap is more than a turn of phrase."""


def language(locale: str) -> str:
    return locale.split("-")[0].lower()


def by_characters(locale: str) -> bool:
    """Whether `units` are characters."""
    return language(locale) in CHARACTER_LANGUAGES


def units(text: str, locale: str) -> list[str]:
    """What n-grams are made of: words without punctuation, or characters where a language has no spaces."""
    words = re.findall(r"\w+", text.casefold())
    return list("".join(words)) if by_characters(locale) else words


def ngrams(tokens: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """Every n-gram in order, repeats kept."""
    return list(zip(*(tokens[place:] for place in range(n)), strict=False))


def repeated(text: str, locale: str, n: int) -> float | None:
    """Share of a text's n-grams that repeat earlier ones; None where it has no n-gram."""
    grams = ngrams(units(text, locale), n)
    return 1 - len(set(grams)) / len(grams) if grams else None


def distinct(texts: Sequence[str], locale: str, n: int) -> float | None:
    """Distinct n-grams over all n-grams of all texts; None where there is none."""
    grams = [gram for text in texts for gram in ngrams(units(text, locale), n)]
    return len(set(grams)) / len(grams) if grams else None


def lengths(text: str, reference: str, locale: str) -> tuple[float, float]:
    """Units of a text and of its reference."""
    return float(len(units(text, locale))), float(len(units(reference, locale)))


def keywords_held(text: str, reference: str, locale: str) -> tuple[float, float]:
    """Distinct keywords of the reference that the text holds, and all of them."""
    wanted = set(keywords(reference, locale))
    return float(len(wanted & set(keywords(text, locale)))), float(len(wanted))


def bleu_tokenizer(locale: str) -> str:
    """sacrebleu's tokenizer for a locale; its default, `13a`, scores 0 on Chinese."""
    if language(locale) == "zh":
        return "zh"
    return "char" if by_characters(locale) else "13a"


def bleu_scorer(locale: str, *, effective_order: bool = False) -> "BLEU":
    """sacrebleu's BLEU-4; `force`, since some data sets are tokenised and it would warn about their full stops."""
    from sacrebleu.metrics import BLEU

    return BLEU(tokenize=bleu_tokenizer(locale), force=True, effective_order=effective_order)


def chrf_scorer() -> "CHRF":
    """sacrebleu's chrF2: characters to 6, no words."""
    from sacrebleu.metrics import CHRF

    return CHRF()


def corpus_statistics(scorer: "BLEU | CHRF", texts: Sequence[str], references: Sequence[str]) -> list[tuple[int, ...]]:
    """What each text adds to the sums that make the corpus score (`totals`)."""
    # its public functions give the sums alone
    rows = scorer._extract_corpus_statistics(list(texts), [list(references)])
    return [tuple(int(count) for count in row) for row in rows]


@lru_cache(maxsize=20_000)
def rouge_tokens(text: str, locale: str) -> tuple[str, ...]:
    """What ROUGE compares: rouge_score's own tokens in English, jieba's words in Chinese, elsewhere `units`."""
    if language(locale) == "en":
        return tuple(re.findall("[a-z0-9]+", text.lower()))
    if language(locale) == "zh":
        return tuple(word for word in segmenter().cut(text.casefold()) if re.search(r"\w", word))
    return tuple(units(text, locale))


def longest_common_subsequence(one: Sequence[str], other: Sequence[str]) -> int:
    """Its length, a word of `other` at a time over all of `one` at once (Hyyro 2004, bit-parallel LCS)."""
    at: dict[str, int] = {}
    for place, token in enumerate(one):
        at[token] = at.get(token, 0) | 1 << place
    whole = (1 << len(one)) - 1
    state = whole
    for token in other:
        met = state & at.get(token, 0)
        state = (state + met | state - met) & whole
    return len(one) - state.bit_count()


def f1(matched: int, written: int, wanted: int) -> float:
    """Harmonic mean of matched / written and matched / wanted; 0 where nothing matches."""
    return 2 * matched / (written + wanted) if matched else 0.0


def overlap_f1(text: Sequence[str], reference: Sequence[str], n: int | None) -> float:
    """F1 of two tokenised texts over n-grams, or over their longest common subsequence when n is None."""
    if n is None:
        return f1(longest_common_subsequence(text, reference), len(text), len(reference))
    written, wanted = Counter(ngrams(text, n)), Counter(ngrams(reference, n))
    return f1((written & wanted).total(), written.total(), wanted.total())


def rouge(name: str, text: str, reference: str, locale: str) -> float | None:
    """`rouge1`, `rouge2` or `rougeL` of one text; None where its reference holds no word."""
    wanted = rouge_tokens(reference, locale)
    return overlap_f1(rouge_tokens(text, locale), wanted, ROUGE[name]) if wanted else None


OVERLAPS = ("", "_p50", "_p95", "_max", "_long", "_whole")
"""Endings of the names of what is said about the longest overlaps with training."""


def percentile(overlaps: Sequence[float], value: str) -> float:
    """`_p50`, `_p95` or `_max` of the longest overlaps."""
    share = {"_p50": 50, "_p95": 95, "_max": 100}[value]
    return float(np.percentile(overlaps, share, method="higher"))


def copied_whole(text: str, overlap: int, locale: str) -> int:
    """The longest overlap of a text that stands in a training text as a whole, else 0."""
    return overlap if overlap >= len(units(text, locale)) else 0


def highest_two(texts: Sequence[Counter]) -> dict[tuple[str, ...], tuple[int, int]]:
    """n-gram -> its highest count in any text, and the second highest: the most that *another* text holds."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for counts in texts:
        for gram, count in counts.items():
            first, second = found.get(gram, (0, 0))
            found[gram] = (count, first) if count > first else (first, max(second, count))
    return found


def closest(length: int, sizes: Counter) -> int:
    """The length of another text that is nearest, the shorter of two; `sizes` counts all texts."""
    others = [one for one, count in sizes.items() if count > (one == length)]
    return min(others, key=lambda one: (abs(one - length), one))


def against_others(
    scorer: "BLEU", grams: Sequence[Counter], highest: Sequence[dict], length: int, reference: int
) -> float:
    """BLEU of one text: its n-grams are clipped at the most any other text holds."""
    matched = [
        sum(min(count, known[gram][known[gram][0] == count]) for gram, count in counts.items())
        for counts, known in zip(grams, highest, strict=True)
    ]
    return scorer.compute_bleu(
        matched, [counts.total() for counts in grams], length, reference, smooth_method="exp", effective_order=True
    ).score


def self_bleu(texts: Sequence[str], locale: str) -> float | None:
    """Mean sentence BLEU-4 of each text with all the others as references, 0 to 100; None where there are no others, or no words."""
    scorer = bleu_scorer(locale, effective_order=True)
    words = [scorer.tokenizer(text.rstrip()).split() for text in texts]
    if len(texts) < 2 or not any(words):
        return None
    grams = [[Counter(ngrams(text, n)) for n in range(1, ORDER + 1)] for text in words]
    highest = [highest_two([one[order] for one in grams]) for order in range(ORDER)]
    sizes = Counter(map(len, words))
    scores = [
        against_others(scorer, one, highest, len(text), closest(len(text), sizes))
        for one, text in zip(grams, words, strict=True)
    ]
    return sum(scores) / len(scores)
