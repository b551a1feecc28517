"""How much of a text stands in its reference: BLEU and chrF over the corpus, ROUGE text by text."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version

import evaluate
import numpy as np
from sacrebleu.metrics import BLEU, CHRF

from ecom_llm.evaluate.metrics.metric import (
    TEXTS,
    OfflineMetric,
    Result,
    by_characters,
    language,
    mean,
    ngrams,
    signed,
    units,
)
from ecom_llm.evaluate.totals import value_of
from ecom_llm.prepare.words import segmenter

ROUGE = {"rouge1": 1, "rouge2": 2, "rougeL": None}
"""rouge_score's names -> length of the n-grams; None: the longest common subsequence."""


def bleu_tokenizer(locale: str) -> str:
    """sacrebleu's tokenizer for a locale; its default, `13a`, scores 0 on Chinese."""
    if language(locale) == "zh":
        return "zh"
    return "char" if by_characters(locale) else "13a"


def corpus_result(name: str, scorer: BLEU | CHRF, predictions: Sequence[str], references: Sequence[str]) -> Result:
    """A corpus score by sacrebleu with what each example adds to it; equal to its `corpus_score`, as a test holds."""
    # its public functions give the sums alone
    rows = scorer._extract_corpus_statistics(list(predictions), [list(references)])
    statistics = [tuple(int(count) for count in row) for row in rows]
    return {
        name: float(value_of(name)(np.sum(statistics, axis=0, dtype=np.float64))),
        "statistics": statistics,
        "signature": f"nrefs:1|{str(scorer.get_signature()).split('|', 1)[1]}",
    }


class Bleu(OfflineMetric):
    """Corpus BLEU-4 by sacrebleu, one reference each, 0 to 100, with the signature that makes it reproducible."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Corpus BLEU, 0-100, tokenised as the locale needs.",
            citation="Papineni et al. 2002, ACL; Post 2018, 'A Call for Clarity in Reporting BLEU Scores', WMT (sacrebleu)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag that picks the tokenizer.",
            features=TEXTS,
            reference_urls=["https://github.com/mjpost/sacrebleu"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        # force: some data sets are tokenised; sacrebleu would warn about their full stops
        return corpus_result("bleu", BLEU(tokenize=bleu_tokenizer(locale), force=True), predictions, references)


class ChrF(OfflineMetric):
    """Corpus chrF by sacrebleu, 0 to 100: F2 of character n-grams to 6; it needs no tokenizer, in any language."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Character n-gram F-score of the corpus, 0-100: case counts, white space does not.",
            citation="Popovic 2015, 'chrF: character n-gram F-score for automatic MT evaluation', WMT (sacrebleu)",
            inputs_description="predictions, references: texts.",
            features=TEXTS,
            reference_urls=["https://github.com/mjpost/sacrebleu"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> Result:
        return corpus_result("chrf", CHRF(), predictions, references)


@lru_cache(maxsize=20_000)
def rouge_tokens(text: str, locale: str) -> tuple[str, ...]:
    """What ROUGE compares: rouge_score's own tokens in English, jieba's words in Chinese, elsewhere `units`."""
    if language(locale) == "en":
        return tuple(re.findall("[a-z0-9]+", text.lower()))
    if language(locale) == "zh":
        return tuple(word for word in segmenter().cut(text.casefold()) if re.search(r"\w", word))
    return tuple(units(text, locale))


def rouge_signature(rouge_type: str, locale: str) -> str:
    tokens = {"en": "[a-z0-9]+", "zh": f"jieba {version('jieba')}"}
    tok = tokens.get(language(locale), "characters" if by_characters(locale) else "words")
    return signed(level="sentence", average="mean", value="f1", tok=tok, case="folded", punct="no", stem="no")


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


def rouge(text: Sequence[str], reference: Sequence[str], n: int | None) -> float:
    """F1 of two tokenised texts over n-grams, or over their longest common subsequence when n is None."""
    if n is None:
        return f1(longest_common_subsequence(text, reference), len(text), len(reference))
    written, wanted = Counter(ngrams(text, n)), Counter(ngrams(reference, n))
    return f1((written & wanted).total(), written.total(), wanted.total())


class Rouge(OfflineMetric):
    """ROUGE-1, -2 or -L: mean F1 over the texts, 0 to 1; a reference without a word counts nowhere.

    In English it is rouge_score's without stemming, to 1e-9; that library keeps nothing of a Chinese text, which is why
    Chinese has words of its own, and takes 5 ms a text.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Mean F1 of n-grams, or of the longest common subsequence, with the reference.",
            citation="Lin 2004, 'ROUGE: A Package for Automatic Evaluation of Summaries', ACL workshop",
            inputs_description="predictions, references: texts. locale: BCP 47 tag. rouge_type: rouge1, rouge2 or rougeL.",
            features=TEXTS,
            reference_urls=["https://github.com/google-research/google-research/tree/master/rouge"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str, rouge_type: str) -> Result:
        scores = []
        for text, reference in zip(predictions, references, strict=True):
            wanted = rouge_tokens(reference, locale)
            scores.append(rouge(rouge_tokens(text, locale), wanted, ROUGE[rouge_type]) if wanted else None)
        return mean(rouge_type, scores, rouge_signature(rouge_type, locale), "no reference holds a word of this locale")
