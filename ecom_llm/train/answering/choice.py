"""Which passage of which earlier answer is said: by the overlap with a human answer that is to be expected."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log1p

import numpy as np

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.lexicon import Lexicon
from ecom_llm.train.answering.neighbours import Neighbours
from ecom_llm.train.answering.overlap import Pool
from ecom_llm.train.answering.texts import passages, tokens

MOST_TOLD = 5
"""Earlier answers that passages are taken from, those likest to the question: more would be worth little, and say less of it."""


@dataclass(frozen=True)
class Candidate:
    """Something that may be said."""

    passage: str
    told: Told


def alike(question: str, one: Told, lexicon: Lexicon) -> np.ndarray:
    """(3,) how like an earlier question, by words and by letters, and its answer are to a question."""
    asked, other, answer = lexicon.read(question), lexicon.read(one.question), lexicon.read(one.answer)
    return np.array(
        [
            lexicon.words.cosine(asked.words, other.words),
            lexicon.grams.cosine(asked.grams, other.grams),
            lexicon.words.cosine(asked.words, answer.words),
        ]
    )


def candidates(question: str, told: Sequence[Told], lexicon: Lexicon) -> list[Candidate]:
    """Every passage of the likest earlier answers, in the order of the evidence."""
    like = [float(alike(question, one, lexicon).sum()) for one in told]
    kept = sorted(np.argsort(-np.array(like), kind="stable")[:MOST_TOLD].tolist())
    return [Candidate(passage, told[place]) for place in kept for passage in passages(told[place].answer)]


def features(question: str, found: Sequence[Candidate], lexicon: Lexicon, neighbours: Neighbours) -> np.ndarray:
    """(candidates, features) float64: what speaks for each candidate, of which there are some."""
    asked, pool = lexicon.read(question), neighbours.pool(question)
    said = list({one.told.id: one.told for one in found}.values())
    peers, place = Pool(tuple(one.answer for one in said)), {one.id: row for row, one in enumerate(said)}
    likes = [alike(question, one, lexicon) for one in said]
    most = np.max(likes, axis=0)
    rows = []
    for one in found:
        words, passage, row = tokens(one.passage), lexicon.read(one.passage), place[one.told.id]
        among = np.delete(peers.overlap(words), row)
        rows.append(
            [
                float(pool.overlap(words).mean()),
                float(among.mean()) if len(among) else 0.0,
                log1p(len(words)),
                *likes[row],
                *(likes[row] - most),
                lexicon.words.cosine(asked.words, passage.words),
                lexicon.grams.cosine(asked.grams, passage.grams),
                lexicon.words.coverage(asked.words, passage.words.terms),
                float(asked.meaning @ passage.meaning),
            ]
        )
    return np.array(rows, np.float64)
