"""Whether an answer rests on what is known, and is left ungiven where nothing is."""

from collections.abc import Sequence

import evaluate
import regex
from datasets import Features, Value

from ecom_llm.evaluate.matching import folded, reading, tokens
from ecom_llm.evaluate.metrics.metric import OfflineMetric, Ratios, Result, mean, ratio, signed
from ecom_llm.evaluate.ngrams import language
from ecom_llm.prepare.words import keywords, signature

ABSTENTIONS = {
    "en": r"\b(?:do(?:es)? not|don'?t|doesn'?t|can(?:no|')t|can not|could(?: not|n'?t)|unable to)"
    r" (?:know|say|tell|find|answer|confirm|state|mention)\b"
    r"(?! (?:an?|any|anything|one) (?:\w+ )?(?:better|nicer|faults?|complaints?|wrong)\b)"
    r"|\b(?:not|isn'?t|aren'?t) (?:sure|known|certain|stated|mentioned|specified)\b|\bwould(?: not|n'?t) know\b|\bunsure\b"
    r"|\bno (?:information|idea|details?)\b"
    r"|\bnot (?:have|enough) (?:\w+ )?information\b|\bsays nothing about\b"
    r"|\b(?:listing|page|description) (?:says nothing|is silent|has no word)\b",
    "zh": "不知道(?!有?多)|不清楚|不太了解|不好说|说不准|不确定"
    "|无法(?:确定|回答|判断|得知|确认)|没有(?:相关|这方面的|足够的)?(?:信息|资料|说明(?!书))"
    "|(?:没有?|未)(?:提及|提到|说明(?!书)|写明|写到|标注|标明|注明)|未提供|暂无|不太清楚",
}
"""Language -> how a text says that it does not know."""
PHRASES = 3
"""Counts up with `ABSTENTIONS`."""


def phrases(locale: str) -> str:
    """By which phrases a text abstains, for the signatures of what counts or leaves out abstentions."""
    return f"{language(locale)}.{PHRASES}"


def abstains(text: str, locale: str) -> bool | None:
    """Whether a text says that it does not know; None in languages whose words for it are not listed."""
    known = ABSTENTIONS.get(language(locale))
    return None if known is None else bool(regex.search(known, folded(text).replace("’", "'")))


def parted(text: str) -> tuple[set[str], str]:
    """The numbers and quantities of a text, in one unit for each dimension, and the text without them."""
    whole = folded(text)
    counted = [token for token in tokens(whole) if token.key.startswith("#")]
    for token in counted:
        whole = whole[: token.start] + " " * (token.end - token.start) + whole[token.end :]
    return {token.key for token in counted}, whole


class Groundedness(OfflineMetric):
    """Keywords and numbers of the answers that their evidence holds, over all of them, 0 to 1.

    Words may come from the question too; a number must stand in the evidence, as such or in another unit. A true word
    that the evidence does not hold counts as ungrounded, and a false sentence in its words as grounded.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of an answer's distinct stemmed keywords and numbers that stand in its evidence.",
            citation="Knowledge precision: Adlakha et al. 2024, 'Evaluating Correctness and Faithfulness', TACL (K-Precision)",
            inputs_description="predictions: answers. evidence ('' is none), questions: texts, one for each. locale: BCP 47 tag.",
            features=Features(
                {"predictions": Value("string"), "evidence": Value("string"), "questions": Value("string")}
            ),
        )

    def _compute(
        self, predictions: Sequence[str], evidence: Sequence[str], questions: Sequence[str], locale: str
    ) -> Result:
        pairs: Ratios = []
        for text, known, asked in zip(predictions, evidence, questions, strict=True):
            (counted, words), (proven, others) = parted(text), parted(known)
            said = set(keywords(words, locale))
            held = len(said & {*keywords(others, locale), *keywords(asked, locale)}) + len(counted & proven)
            silent = not known.strip() or abstains(text, locale)
            pairs.append((0.0, 0.0) if silent else (float(held), float(len(said) + len(counted))))
        lacking = "no example holds evidence beside its question, or none was answered"
        signs = signed(numbers=f"in the evidence, read {reading()}", words=signature(locale), phrases=phrases(locale))
        return ratio("groundedness", pairs, signs, lacking)


class AbstentionRate(OfflineMetric):
    """Share of texts that say they do not know, among the unanswerable questions (high is good) or the others (low is)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the answers that abstain, by the phrases for it in their language.",
            citation="Rajpurkar et al. 2018, 'Know What You Don't Know: Unanswerable Questions for SQuAD', ACL",
            inputs_description="predictions: answers. references: whether a question can be answered. answerable: which count.",
            features=Features({"predictions": Value("string"), "references": Value("bool")}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[bool], locale: str, answerable: bool) -> Result:
        kind = "answerable" if answerable else "unanswerable"
        said = [abstains(text, locale) for text in predictions]
        scores = [
            float(abstained) if known == answerable and abstained is not None else None
            for abstained, known in zip(said, references, strict=True)
        ]
        lacking = f"no test question is {kind}, or the language's words for not knowing are not listed"
        return mean(f"abstention_{kind}", scores, signed(phrases=phrases(locale)), lacking)


class AbstentionShare(OfflineMetric):
    """Share of texts that say they do not know, among those that count.

    `abstention_recall` counts the answers given when the evidence is another product's (high is good), `false_abstention`
    those given when it is the product's own (low is good).
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the answers that abstain, by the phrases for it in their language, by whose evidence was at hand.",
            citation="Rajpurkar et al. 2018, 'Know What You Don't Know: Unanswerable Questions for SQuAD', ACL",
            inputs_description="predictions: answers. references: whether each counts. name: of the metric.",
            features=Features({"predictions": Value("string"), "references": Value("bool")}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[bool], locale: str, name: str) -> Result:
        said = [abstains(text, locale) for text in predictions]
        scores = [
            float(abstained) if counts and abstained is not None else None
            for abstained, counts in zip(said, references, strict=True)
        ]
        lacking = "no question was asked with such evidence, or the language's words for not knowing are not listed"
        return mean(name, scores, signed(phrases=phrases(locale)), lacking)
