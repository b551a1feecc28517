"""The metrics, each an `evaluate.Metric` that needs neither the network nor a cache folder.

Metrics whose value is a ratio of sums also return `ratios`, one (numerator, denominator) for each example: the gate
resamples those. Where a value cannot be computed its key is absent.
"""

import re
from collections.abc import Sequence
from math import exp, log2

import evaluate
from datasets import Features, List, Value
from sacrebleu.metrics import BLEU

from ecom_llm.evaluate.matching import Matcher
from ecom_llm.prepare.words import keywords, signature

Ratios = list[tuple[float, float]]
Result = dict[str, float | str | Ratios]

CHARACTER_LANGUAGES = frozenset({"zh", "ja", "th", "lo", "km", "my"})
"""Languages written without spaces: texts are compared by characters."""


def language(locale: str) -> str:
    return locale.split("-")[0].lower()


def bleu_tokenizer(locale: str) -> str:
    """sacrebleu's tokenizer for a locale; its default, `13a`, scores 0 on Chinese."""
    if language(locale) == "zh":
        return "zh"
    return "char" if language(locale) in CHARACTER_LANGUAGES else "13a"


def units(text: str, locale: str) -> list[str]:
    """What n-grams are made of: words without punctuation, or characters where a language has no spaces."""
    words = re.findall(r"\w+", text.casefold())
    return list("".join(words)) if language(locale) in CHARACTER_LANGUAGES else words


def ratio(name: str, pairs: Ratios) -> Result:
    """Name -> ratio of the sums, beside the pairs; no name where the denominators are 0."""
    total = sum(denominator for _, denominator in pairs)
    value: Result = {name: sum(numerator for numerator, _ in pairs) / total} if total else {}
    return {**value, "ratios": pairs}


class OfflineMetric(evaluate.Metric):
    """Keeps its inputs in memory: by default `evaluate` makes a folder and lock files in the user's cache."""

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def _build_data_dir(self) -> str:
        return ""


class Bleu(OfflineMetric):
    """Corpus BLEU-4 by sacrebleu, one reference each, 0 to 100, with the signature that makes it reproducible."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Corpus BLEU, 0-100, tokenised as the locale needs.",
            citation="Papineni et al. 2002, ACL; Post 2018, 'A Call for Clarity in Reporting BLEU Scores', WMT (sacrebleu)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag that picks the tokenizer.",
            features=Features({"predictions": Value("string"), "references": Value("string")}),
            reference_urls=["https://github.com/mjpost/sacrebleu"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        # force: some data sets are tokenised; sacrebleu would warn about their full stops
        scorer = BLEU(tokenize=bleu_tokenizer(locale), force=True)
        score = scorer.corpus_score(list(predictions), [list(references)])
        return {"bleu": score.score, "signature": str(scorer.get_signature())}


class DistinctN(OfflineMetric):
    """Distinct n-grams over all n-grams of all texts, 0 to 1; it falls as texts are added, so `texts` says how many."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of distinct n-grams, over words or (Chinese and the like) characters without punctuation.",
            citation="Li et al. 2016, 'A Diversity-Promoting Objective Function for Neural Conversation Models', NAACL",
            inputs_description="predictions: texts. locale: BCP 47 tag. n: length of the n-grams.",
            features=Features({"predictions": Value("string")}),
        )

    def _compute(self, predictions: Sequence[str], locale: str, n: int) -> Result:
        grams = [
            gram for text in predictions for gram in zip(*(units(text, locale)[i:] for i in range(n)), strict=False)
        ]
        size = {"texts": float(len(predictions))}
        return {f"distinct_{n}": len(set(grams)) / len(grams), **size} if grams else {**size}


class AttributeCoverage(OfflineMetric):
    """Expected values that a text states, over all expected values, 0 to 1; 1 - coverage is the missing-slot rate."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the expected attribute values that the texts state verbatim.",
            citation="Slot error without delexicalisation: Wen et al. 2015, 'Semantically Conditioned LSTM-based NLG', EMNLP",
            inputs_description="predictions: texts. references: lists of normal expected values. matcher: a Matcher.",
            features=Features({"predictions": Value("string"), "references": List(Value("string"))}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[list[str]], matcher: Matcher) -> Result:
        pairs: Ratios = []
        for text, expected in zip(predictions, references, strict=True):
            wanted = set(expected)
            pairs.append((float(len(wanted & matcher.find(text))), float(len(wanted))))
        return ratio("attribute_coverage", pairs)


class UnsupportedRate(OfflineMetric):
    """Stated values that are not the example's own, over all stated values, 0 to 1; lower is better."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the stated attribute values that belong to no attribute of the example.",
            citation="The redundant half of slot error: Wen et al. 2015; intrinsic hallucination: Ji et al. 2023, CSUR 55(12)",
            inputs_description="predictions: texts. references: lists of normal own values. matcher: a Matcher.",
            features=Features({"predictions": Value("string"), "references": List(Value("string"))}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[list[str]], matcher: Matcher) -> Result:
        pairs: Ratios = []
        for text, own in zip(predictions, references, strict=True):
            stated = matcher.find(text)
            pairs.append((float(len(stated - set(own))), float(len(stated))))
        return ratio("unsupported_rate", pairs)


class KeywordCoverage(OfflineMetric):
    """Keywords of the references that the texts hold, over all of them, 0 to 1: what is said, however it is put.

    ROUGE-1 recall over distinct stems without stop words. It does not tell yes from no: both are said with stop words.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the references' distinct keywords (stemmed, stop words out) that the texts hold.",
            citation="Lin 2004, 'ROUGE: A Package for Automatic Evaluation of Summaries', ACL workshop (ROUGE-1, -m -s)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag that picks segmenter and stemmer.",
            features=Features({"predictions": Value("string"), "references": Value("string")}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        pairs: Ratios = []
        for text, reference in zip(predictions, references, strict=True):
            wanted = set(keywords(reference, locale))
            pairs.append((float(len(wanted & set(keywords(text, locale)))), float(len(wanted))))
        return {**ratio("keyword_coverage", pairs), "signature": signature(locale)}


class Perplexity(OfflineMetric):
    """exp of the mean negative log-likelihood per completion token; comparable between equal tokenizers only."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Token-weighted perplexity of the reference texts given their prompts.",
            citation="Jelinek et al. 1977, 'Perplexity - a measure of the difficulty of speech recognition tasks', JASA 62",
            inputs_description="predictions: negative log-likelihoods in nats. references: numbers of tokens.",
            features=Features({"predictions": Value("float64"), "references": Value("float64")}),
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        result = ratio("perplexity", list(zip(predictions, references, strict=True)))
        return {name: exp(value) if name == "perplexity" else value for name, value in result.items()}


class BitsPerByte(OfflineMetric):
    """Bits needed per UTF-8 byte of the reference texts; comparable between all tokenizers."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Negative log-likelihood in bits over the UTF-8 bytes of the reference texts.",
            citation="Gao et al. 2020, 'The Pile', section 3.1 (bits per UTF-8 encoded byte)",
            inputs_description="predictions: negative log-likelihoods in bits. references: numbers of bytes.",
            features=Features({"predictions": Value("float64"), "references": Value("float64")}),
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        return ratio("bits_per_byte", list(zip(predictions, references, strict=True)))


def place(ranking: Sequence[str], wanted: str, k: int) -> int | None:
    """1-based place of `wanted` among the first `k`, or None."""
    return next((rank for rank, title in enumerate(ranking[:k], start=1) if title == wanted), None)


class HitAtK(OfflineMetric):
    """Share of examples whose next item stands among the first k, 0 to 1 (recall@k with one relevant item)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Hit rate at k over the whole catalogue, without sampled negatives.",
            citation="Krichene & Rendle 2020, 'On Sampled Metrics for Item Recommendation', KDD",
            inputs_description="predictions: rankings of titles, best first. references: the title bought. k: places.",
            features=Features({"predictions": List(Value("string")), "references": Value("string")}),
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[str], k: int) -> Result:
        found = [place(ranking, wanted, k) for ranking, wanted in zip(predictions, references, strict=True)]
        return ratio(f"hit@{k}", [(1.0 if rank else 0.0, 1.0) for rank in found])


class NdcgAtK(OfflineMetric):
    """Mean of 1 / log2(place + 1) for a next item among the first k and 0 otherwise: NDCG with one relevant item."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Normalised discounted cumulative gain at k, one relevant item, over the whole catalogue.",
            citation="Jarvelin & Kekalainen 2002, 'Cumulated gain-based evaluation of IR techniques', TOIS 20(4)",
            inputs_description="predictions: rankings of titles, best first. references: the title bought. k: places.",
            features=Features({"predictions": List(Value("string")), "references": Value("string")}),
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[str], k: int) -> Result:
        found = [place(ranking, wanted, k) for ranking, wanted in zip(predictions, references, strict=True)]
        return ratio(f"ndcg@{k}", [(1 / log2(rank + 1) if rank else 0.0, 1.0) for rank in found])
