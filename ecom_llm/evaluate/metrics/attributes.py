"""Whether a text states the values it should, and none of another product."""

from collections.abc import Sequence
from importlib.metadata import version

import evaluate

from ecom_llm.evaluate.matching import Matcher, reading
from ecom_llm.evaluate.metrics.metric import TEXT_AND_VALUES, OfflineMetric, Ratios, Result, ratio, signed


def matcher_signature() -> str:
    """What decides whether a value is stated."""
    return signed(
        match="words",
        tables=reading(),
        plural="S stemmer",
        clitics="left out",
        han=f"jieba {version('jieba')}",
        overlap="longest",
    )


class AttributeCoverage(OfflineMetric):
    """Expected values that a text states, over all expected values, 0 to 1; 1 - coverage is the missing-slot rate."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the expected attribute values that the texts state, in these or in other words.",
            citation="Slot error without delexicalisation: Wen et al. 2015, 'Semantically Conditioned LSTM-based NLG', EMNLP",
            inputs_description="predictions: texts. references: lists of normal expected values. matcher: a Matcher.",
            features=TEXT_AND_VALUES,
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[list[str]], matcher: Matcher) -> Result:
        pairs: Ratios = []
        for text, expected in zip(predictions, references, strict=True):
            wanted = matcher.named(expected)
            pairs.append((float(len(wanted & matcher.find(text))), float(len(wanted))))
        return ratio(
            "attribute_coverage",
            pairs,
            # ADR 36: an answer owes a list where the human one states every value of it
            f"{matcher_signature()}|lists:whole",
            "no example has an attribute its text is to state",
        )


class UnsupportedRate(OfflineMetric):
    """Stated values that are not the example's own, over all stated values, 0 to 1; lower is better."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the stated attribute values that belong to no attribute of the example.",
            citation="The redundant half of slot error: Wen et al. 2015; intrinsic hallucination: Ji et al. 2023, CSUR 55(12)",
            inputs_description="predictions: texts. references: lists of normal own values. matcher: a Matcher.",
            features=TEXT_AND_VALUES,
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[list[str]], matcher: Matcher) -> Result:
        pairs: Ratios = []
        for text, own in zip(predictions, references, strict=True):
            stated = matcher.find(text)
            pairs.append((float(len(stated - matcher.named(own))), float(len(stated))))
        return ratio("unsupported_rate", pairs, matcher_signature(), "no text states a value")
