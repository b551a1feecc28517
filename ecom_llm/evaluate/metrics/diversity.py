"""What texts are like without their references: varied or alike, long or short, going in circles."""

from collections.abc import Sequence
from importlib.metadata import version

import evaluate

from ecom_llm.evaluate.metrics.metric import (
    TEXT,
    TEXTS,
    OfflineMetric,
    Ratios,
    Result,
    mean,
    not_applicable,
    ratio,
    signed,
    unit_signature,
)
from ecom_llm.evaluate.ngrams import bleu_tokenizer, distinct, lengths, repeated, self_bleu


class DistinctN(OfflineMetric):
    """Distinct n-grams over all n-grams of all texts, 0 to 1; it falls as texts are added, so `texts` says how many."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of distinct n-grams, over words or (Chinese and the like) characters without punctuation.",
            citation="Li et al. 2016, 'A Diversity-Promoting Objective Function for Neural Conversation Models', NAACL",
            inputs_description="predictions: texts. locale: BCP 47 tag. n: length of the n-grams.",
            features=TEXT,
        )

    def _compute(self, predictions: Sequence[str], locale: str, n: int) -> Result:
        size: Result = {"texts": float(len(predictions)), "signature": f"n:{n}|level:corpus|{unit_signature(locale)}"}
        found = distinct(predictions, locale, n)
        if found is None:
            return {**not_applicable(f"no text holds {n} words or characters"), **size}
        return {f"distinct_{n}": found, **size}


class RepetitionN(OfflineMetric):
    """seq-rep-n: share of a text's n-grams that repeat earlier ones, mean over the texts, 0 to 1; lower is better."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="1 - distinct n-grams / n-grams of a text, mean over the texts of at least n words.",
            citation="Welleck et al. 2020, 'Neural Text Generation with Unlikelihood Training', ICLR, equation 10",
            inputs_description="predictions: texts. locale: BCP 47 tag. n: length of the n-grams.",
            features=TEXT,
        )

    def _compute(self, predictions: Sequence[str], locale: str, n: int) -> Result:
        shares = [repeated(text, locale, n) for text in predictions]
        signature = f"n:{n}|level:text|average:mean|{unit_signature(locale)}"
        return mean(f"seq_rep_{n}", shares, signature, f"no text holds {n} words or characters")


class LengthRatio(OfflineMetric):
    """Words (or characters) of the texts over those of their references: 1 where both are as long."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Length of all texts over the length of all references.",
            citation="As sacrebleu's `sys_len / ref_len`, without punctuation (Post 2018)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag.",
            features=TEXTS,
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        pairs: Ratios = [
            lengths(text, reference, locale) for text, reference in zip(predictions, references, strict=True)
        ]
        return ratio("length_ratio", pairs, f"level:corpus|{unit_signature(locale)}", "the references hold no word")


class SelfBleu(OfflineMetric):
    """Mean BLEU-4 of each text with all the others as references, 0 to 100: high where texts are alike; lower is better.

    It rises with the number of texts. A text counts once in any order, so copies score 100: that is why no interval is
    to be had by drawing texts twice.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Sentence BLEU of every text against all others, as sacrebleu's sentence_score; mean, 0-100.",
            citation="Zhu et al. 2018, 'Texygen: A Benchmarking Platform for Text Generation Models', SIGIR",
            inputs_description="predictions: texts. locale: BCP 47 tag that picks sacrebleu's tokenizer.",
            features=TEXT,
        )

    def _compute(self, predictions: Sequence[str], locale: str) -> Result:
        signature = signed(
            level="text",
            average="mean",
            refs="others",
            case="mixed",
            eff="yes",
            tok=bleu_tokenizer(locale),
            smooth="exp",
            sacrebleu=version("sacrebleu"),
        )
        found = self_bleu(predictions, locale)
        if found is None:
            return {
                **not_applicable("one text has no others to be compared with, or no text holds a word"),
                "signature": signature,
            }
        return {"self_bleu": found, "signature": signature}
