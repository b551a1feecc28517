"""Whether a review sounds like the stars it was asked for, as a judge that read the training reviews hears it."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version

import evaluate
import numpy as np
from datasets import Features, Value
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ecom_llm.evaluate.metrics.metric import OfflineMetric, Result, mean, signed
from ecom_llm.evaluate.ngrams import ngrams, units

MOST = 10_000
"""Training reviews a judge reads: more cost seconds and teach it little."""
SILENT = 0
"""The stars of a text without a word: it agrees with none."""
AGREEMENT = ("star_agreement", "star_agreement_within_1", "polarity_agreement")


def terms(text: str, locale: str) -> list[str]:
    """Words, or characters, and pairs of them: `not good` is no `good`."""
    found = units(text, locale)
    return [*found, *(" ".join(pair) for pair in ngrams(found, 2))]


@dataclass(frozen=True)
class Judge:
    """Reads the stars off a review."""

    locale: str
    vectorizer: TfidfVectorizer
    classifier: LogisticRegression
    read: int
    """Training reviews."""

    def stars(self, texts: Sequence[str]) -> list[int]:
        """1 to 5 for each text, or `SILENT`."""
        found = [terms(text, self.locale) for text in texts]
        judged = self.classifier.predict(self.vectorizer.transform(found)) if found else []
        return [int(star) if words else SILENT for star, words in zip(judged, found, strict=True)]

    @property
    def signature(self) -> str:
        return signed(
            judge="tf-idf of units and pairs, logistic regression",
            train=f"{self.read} reviews of the training split",
            sklearn=version("scikit-learn"),
        )


def as_they_are(terms: list[str]) -> list[str]:
    """Texts come to the vectorizer as terms."""
    return terms


def train_judge(texts: Sequence[str], stars: Sequence[int], locale: str) -> Judge | None:
    """A judge of one locale's reviews; None where they have fewer than two different stars.

    TF-IDF with logistic regression, as on the reviews of women's clothing: there it hears the stars of human reviews
    exactly in 63 %, and within one star in 92 %. Of many reviews the same `MOST` are read each time.
    """
    if len(set(stars)) < 2:
        return None
    order = sorted(range(len(texts)), key=lambda row: sha256(f"{row}:{texts[row]}".encode()).digest())[:MOST]
    vectorizer = TfidfVectorizer(analyzer=as_they_are, sublinear_tf=True, min_df=3 if len(order) > 200 else 1)
    vectors = vectorizer.fit_transform([terms(texts[row], locale) for row in order])
    classifier = LogisticRegression(C=4.0, max_iter=100, tol=1e-3)
    # several threads wait for each other over vectors this small: ten times as long, on two busy cores
    with threadpool_limits(1):
        classifier.fit(vectors, np.array([stars[row] for row in order]))
    return Judge(locale, vectorizer, classifier, len(order))


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

    The judge errs: what it finds in human reviews (baseline `reference`) is the ceiling to read this beside.
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
        return mean(name, scores, judge.signature, "no review was asked for with stars")
