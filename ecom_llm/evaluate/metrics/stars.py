"""Whether a review sounds like the stars it was asked for, as a judge that read the training reviews hears it."""

from collections.abc import Sequence
from importlib.metadata import version

import evaluate
from datasets import Features, Value

from ecom_llm.evaluate.judge import SILENT, Judge
from ecom_llm.evaluate.metrics.metric import OfflineMetric, Result, mean, signed

AGREEMENT = ("star_agreement", "star_agreement_within_1", "polarity_agreement")


def signature(judge: Judge) -> str:
    """What the judge is, and how much it read."""
    return signed(
        judge="tf-idf of units and pairs, logistic regression",
        train=f"{judge.read} reviews of the training split",
        sklearn=version("scikit-learn"),
    )


def polarity(star: int) -> int:
    """-1 for one or two stars, 0 for three, 1 for four or five."""
    return (star > 3) - (star < 3)


def agrees(name: str, judged: int, asked: int) -> bool:
    if judged == SILENT:
        return False
    if name == "polarity_agreement":
        return polarity(judged) == polarity(asked)
    return abs(judged - asked) <= (name == "star_agreement_within_1")


class StarAgreement(OfflineMetric):
    """Share of reviews in which a judge hears the stars asked for: exactly, within one, or the same side of three.

    The judge errs: read this beside what it finds in human reviews that it has not learned from (baseline `reference`). Those of
    the baseline `nearest_neighbour` are training texts, in which it errs less than in texts that are new to it.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Agreement of the stars a classifier reads off the texts with those that were asked for.",
            citation="Classifier-judged control as in Hu et al. 2017, 'Toward Controlled Generation of Text', ICML",
            inputs_description="predictions: stars read off the texts. references: stars asked for. name: one of AGREEMENT.",
            features=Features({"predictions": Value("int64"), "references": Value("int64")}),
        )

    def _compute(self, predictions: Sequence[int], references: Sequence[int], judge: Judge, name: str) -> Result:
        pairs = zip(predictions, references, strict=True)
        scores = [float(agrees(name, judged, asked)) for judged, asked in pairs]
        return mean(name, scores, signature(judge), "no review was asked for with stars")
