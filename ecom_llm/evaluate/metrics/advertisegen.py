"""AdvertiseGen by ChatGLM's protocol, as the fine-tuning script of ChatGLM-6B scores it (`ptuning/main.py`)."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from math import exp, log

import evaluate

from ecom_llm.evaluate.metrics.metric import TEXTS, OfflineMetric, Result, mean, signed
from ecom_llm.evaluate.ngrams import longest_common_subsequence, ngrams
from ecom_llm.prepare.words import segmenter

LONGEST = 64
"""Tokens of a text that are read."""
TINY = 1e-8
"""What rouge_chinese adds below the fraction of its F1."""
CHATGLM = ("chatglm_bleu_4", "chatglm_rouge_1", "chatglm_rouge_2", "chatglm_rouge_l")


@lru_cache(maxsize=20_000)
def cut(text: str) -> tuple[str, ...]:
    """The first `LONGEST` of jieba's words."""
    return tuple(segmenter().cut(text))[:LONGEST]


def sentence_bleu(text: Sequence[str], reference: Sequence[str]) -> float:
    """BLEU-4 of one text, 0 to 1, as NLTK with smoothing method 3: the k-th order without a match has 1 / 2^k.

    Chen & Cherry 2014, "A Systematic Comparison of Smoothing Techniques for Sentence-Level BLEU"; an order of which the
    text has no n-gram counts as one n-gram that did not match.
    """
    logs, missed = 0.0, 0
    for n in range(1, 5):
        written, wanted = Counter(ngrams(text, n)), Counter(ngrams(reference, n))
        matched, counted = (written & wanted).total(), max(1, written.total())
        if not matched and n == 1:
            return 0.0
        missed += not matched
        logs += log((matched or 0.5**missed) / counted)
    return exp(min(0.0, 1 - len(reference) / len(text)) + logs / 4)


def chatglm_rouge(text: Sequence[str], reference: Sequence[str], name: str) -> float:
    """F1 as rouge_chinese: of distinct n-grams, or for `chatglm_rouge_l` of the longest common subsequence, over words."""
    text, reference = ([word for word in words if word.strip()] for words in (text, reference))
    if name == "chatglm_rouge_l":
        matched, written, wanted = longest_common_subsequence(text, reference), len(text), len(reference)
    else:
        grams, known = (set(ngrams(words, int(name[-1]))) for words in (text, reference))
        matched, written, wanted = len(grams & known), len(grams), len(known)
    precision, recall = (matched / size if size else 0.0 for size in (written, wanted))
    return 2 * precision * recall / (precision + recall + TINY)


class ChatGLM(OfflineMetric):
    """Mean over the texts of character BLEU-4 or of ROUGE over jieba's words, 0 to 100, both sides cut.

    ChatGLM cuts at 64 tokens of its own tokenizer, which is not here: text and reference are cut at 64 of jieba's words.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Sentence BLEU-4 of characters (NLTK smoothing 3), or F1 of rouge_chinese over jieba's words.",
            citation="Protocol: THUDM/ChatGLM-6B, ptuning/main.py; data: Shao et al. 2019, EMNLP (AdvertiseGen)",
            inputs_description="predictions, references: Chinese texts. name: one of CHATGLM.",
            features=TEXTS,
            reference_urls=["https://github.com/THUDM/ChatGLM-6B/tree/main/ptuning"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], name: str) -> Result:
        scores: list[float | None] = []
        for text, reference in zip(predictions, references, strict=True):
            written, wanted = cut(text), cut(reference)
            characters = sentence_bleu if name == "chatglm_bleu_4" else None
            if not wanted:
                scores.append(None)
            elif characters:
                scores.append(100 * characters("".join(written), "".join(wanted)))
            else:
                scores.append(100 * chatglm_rouge(written, wanted, name))
        tok = "characters" if name == "chatglm_bleu_4" else f"jieba {version('jieba')}"
        signature = signed(
            protocol="ChatGLM-6B",
            level="sentence",
            average="mean",
            tok=tok,
            cut=f"{LONGEST} words of jieba {version('jieba')}",
            case="kept",
        )
        return mean(name, scores, signature, "no reference holds a word")
