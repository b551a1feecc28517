"""Which passage of which earlier answer is said, and how it opens: by the overlap with a human answer that is to be expected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.fitting import Curve
from ecom_llm.train.answering.lexicon import Lexicon
from ecom_llm.train.answering.neighbours import Neighbours
from ecom_llm.train.answering.overlap import Pool
from ecom_llm.train.answering.stance import asks_yes_or_no, leaning, opening, stance, votes
from ecom_llm.train.answering.texts import passages, tokens

SURE = 0.7
"""Probability of yes (or of no) from which on an answer may open with it."""
MOST_TOLD = 20
"""Earlier answers that passages are taken from, those to the likest questions."""
CROSSED = (0, 2, 4, 6, 7, 13, 16, 18, 19, 23)
"""Features that are multiplied with one another."""


@dataclass(frozen=True)
class Candidate:
    """Something that may be said."""

    opening: str
    passage: str
    told: Told

    @property
    def text(self) -> str:
        return f"{self.opening} {self.passage}" if self.opening else self.passage


def candidates(question: str, told: Sequence[Told], yes: float, locale: str) -> Iterator[Candidate]:
    """Every passage, and those that do not speak for themselves also behind a yes or no that is likely and not denied.

    Args:
        question: the customer's.
        told: the evidence.
        yes: probability that the answer is yes rather than no.
        locale: openings are put into words in English alone.
    """
    says = 1 if yes >= SURE else -1 if yes <= 1 - SURE else 0
    opens = locale.split("-")[0] == "en" and says and asks_yes_or_no(question)
    for one in told:
        for passage in passages(one.answer):
            yield Candidate("", passage, one)
            if opens and not stance(passage) and leaning(one.answer) in (0, says) and leaning(passage) in (0, says):
                yield Candidate(opening(question, says), passage, one)


def nearest(question: str, told: Sequence[Told], lexicon: Lexicon) -> list[Told]:
    """At most MOST_TOLD earlier answers, in their order: those that share most with the question."""
    if len(told) <= MOST_TOLD:
        return list(told)
    asked = lexicon.read(question).words
    like = [
        lexicon.words.cosine(asked, lexicon.read(one.question).words)
        + lexicon.words.cosine(asked, lexicon.read(one.answer).words)
        for one in told
    ]
    kept = sorted(np.argsort(-np.array(like), kind="stable")[:MOST_TOLD].tolist())
    return [told[place] for place in kept]


def features(
    question: str,
    found: Sequence[Candidate],
    told: Sequence[Told],
    yes: float,
    lexicon: Lexicon,
    neighbours: Neighbours,
) -> np.ndarray:
    """(candidates, features) float64: what speaks for each candidate."""
    asked, weights = lexicon.read(question), neighbours.weights(question)
    peers, place = Pool(tuple(one.answer for one in told)), {one.id: row for row, one in enumerate(told)}
    likes = {one.id: alike(question, one, lexicon) for one in told}
    most = np.max(list(likes.values()), axis=0)
    closed = asks_yes_or_no(question)
    rows = []
    for one in found:
        words = tokens(one.text)
        passage = lexicon.read(one.passage)
        among = peers.overlap(words)
        among[place[one.told.id]] = np.nan
        agreed = float(np.nanmean(among)) if len(told) > 1 else 0.0
        like, says = likes[one.told.id], stance(one.text)
        rows.append(
            [
                *(weights @ neighbours.pool.overlap(words)),
                log1p(len(words)),
                agreed,
                *like,
                *(like - most),
                lexicon.words.cosine(asked.words, passage.words),
                lexicon.grams.cosine(asked.grams, passage.grams),
                lexicon.words.coverage(asked.words, passage.words.terms),
                float(asked.meaning @ passage.meaning),
                float(closed),
                closed * says * (2 * yes - 1),
                float(closed * abs(says)),
                float(bool(one.opening)),
                float(one.told.answer.startswith(one.passage[:20])),
                len(words) / (1 + len(tokens(one.told.answer))),
                float(words[0] in ("i", "mine", "my", "we")),
                log1p(asked.length),
                log1p(len(told)),
            ]
        )
    return np.array(rows, np.float64)


def alike(question: str, one: Told, lexicon: Lexicon) -> np.ndarray:
    """(3,) how like an earlier question, and its answer, are to a question."""
    asked, other, answer = lexicon.read(question), lexicon.read(one.question), lexicon.read(one.answer)
    return np.array(
        [
            lexicon.words.cosine(asked.words, other.words),
            lexicon.grams.cosine(asked.grams, other.grams),
            lexicon.words.cosine(asked.words, answer.words),
        ]
    )


def chance_of_yes(curve: Curve | None, question: str, told: Sequence[Told], lexicon: Lexicon) -> float:
    """The probability that a question is answered by yes rather than no; a half where nothing is known of that."""
    return float(curve.probability(votes(question, told, lexicon)[None])[0]) if curve else 0.5
