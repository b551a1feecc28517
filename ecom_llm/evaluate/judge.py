"""The stars that a review sounds like, to a judge that read the training reviews.

None of the metrics' library here: a summary of reviews hears praise and blame by such a judge, and importing that library costs
seconds and torch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ecom_llm.evaluate.ngrams import ngrams, units

MOST = 10_000
"""Training reviews a judge reads: more cost seconds and teach it little."""
SILENT = 0
"""The stars of a text without a word: it agrees with none."""


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
