"""Which passages of which earlier answers are said: by the overlap with a human answer that is to be expected."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.fitting import Curve
from ecom_llm.train.answering.lexicon import Lexicon
from ecom_llm.train.answering.neighbours import Neighbours
from ecom_llm.train.answering.overlap import Pool
from ecom_llm.train.answering.texts import MOST_TOKENS, joined, passages, tokens

MOST_TOLD = 6
"""Earlier answers that passages are taken from, those likest to the question: more would be worth little, and say less of it."""
BEST = 8
"""Passages that are joined two by two, the best by themselves; three together were worth no more."""


@dataclass(frozen=True)
class Passage:
    """A stretch of an earlier answer, and what speaks for it."""

    text: str
    told: Told
    shared: np.ndarray
    """How like the question are the earlier question, its answer and the passage; see `shared`."""


@dataclass(frozen=True)
class Candidate:
    """Something that may be said: passages, one after the other."""

    passages: tuple[Passage, ...]

    @property
    def text(self) -> str:
        return joined([one.text for one in self.passages])

    def takes(self, other: Passage) -> bool:
        """Whether another passage may follow: one that says nothing again, and makes it no longer than a passage may be."""
        again = any(other.text in one.text or one.text in other.text for one in self.passages)
        return not again and sum(len(tokens(one.text)) for one in (*self.passages, other)) <= MOST_TOKENS


@dataclass(frozen=True)
class Asked:
    """A question with the passages that may answer it."""

    question: str
    found: tuple[Passage, ...]
    neighbours: Neighbours

    def features(self, candidates: Sequence[Candidate]) -> np.ndarray:
        """(candidates, features) float64: what speaks for each."""
        pool = self.neighbours.pool(self.question)
        told = list(dict.fromkeys(one.told for one in self.found))
        peers, rows = Pool(tuple(one.answer for one in told)), []
        for candidate in candidates:
            words, own = tokens(candidate.text), {one.told.id for one in candidate.passages}
            others = [place for place, one in enumerate(told) if one.id not in own]
            agreed = peers.overlap(words)[others].mean() if others else 0.0
            shared = np.mean([one.shared for one in candidate.passages], axis=0)
            rows.append(np.r_[pool.overlap(words).mean(), agreed, np.log1p(len(words)), shared])
        return np.stack(rows)

    def singles(self) -> list[Candidate]:
        """Every passage by itself."""
        return [Candidate((one,)) for one in self.found]

    def longer(self, best: Sequence[Candidate], ends: Sequence[Candidate]) -> list[Candidate]:
        """Candidates with one of `ends`, which are single passages, behind them."""
        return [Candidate((*one.passages, *end.passages)) for one in best for end in ends if one.takes(end.passages[0])]

    def ordered(self, candidates: Sequence[Candidate], curve: Curve) -> tuple[list[Candidate], np.ndarray]:
        """The BEST of some candidates, and what they are worth; of equal ones the first."""
        worth = curve.value(self.features(candidates))
        order = np.argsort(-worth, kind="stable")[:BEST]
        return [candidates[place] for place in order], worth[order]

    def best(self, curve: Curve) -> Candidate:
        """What is said: a passage, or two where these are worth more."""
        ends, worth = self.ordered(self.singles(), curve)
        pairs = self.longer(ends, ends)
        if pairs:
            found, together = self.ordered(pairs, curve)
            if together[0] > worth[0]:
                return found[0]
        return ends[0]


def asked_of(question: str, told: Sequence[Told], lexicon: Lexicon, neighbours: Neighbours) -> Asked:
    """A question before the passages of the likest of some earlier answers, in the order of these."""
    like = [alike(question, one, lexicon) for one in told]
    kept = np.sort(np.argsort(-np.array([one.sum() for one in like]), kind="stable")[:MOST_TOLD])
    most = np.max([like[place] for place in kept], axis=0)
    found = [
        Passage(text, told[place], np.r_[like[place], like[place] - most, shared(question, text, lexicon)])
        for place in kept
        for text in passages(told[place].answer)
    ]
    return Asked(question, tuple(found), neighbours)


def alike(question: str, one: Told, lexicon: Lexicon) -> np.ndarray:
    """(3,) how like an earlier question, by words and by letters, and its answer are to a question."""
    asked, other, answer = lexicon.read(question), lexicon.read(one.question), lexicon.read(one.answer)
    cosines = lexicon.words.cosine(asked.words, other.words), lexicon.grams.cosine(asked.grams, other.grams)
    return np.array([*cosines, lexicon.words.cosine(asked.words, answer.words)])


def shared(question: str, text: str, lexicon: Lexicon) -> np.ndarray:
    """(4,) how like a passage is to a question: by words, by letters, by the question's words that it holds, by meaning."""
    asked, passage = lexicon.read(question), lexicon.read(text)
    return np.array(
        [
            lexicon.words.cosine(asked.words, passage.words),
            lexicon.grams.cosine(asked.grams, passage.grams),
            lexicon.words.coverage(asked.words, passage.words.terms),
            float(asked.meaning @ passage.meaning),
        ]
    )
