"""Training's questions and answers: what people answered to questions like a customer's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ecom_llm.train.answering.evidence import Told
from ecom_llm.train.answering.overlap import Pool
from ecom_llm.train.answering.stance import asks_yes_or_no
from ecom_llm.train.recommender.titles import Titles, titles_of

COOL, HOT = 0.1, 0.05
"""Temperatures of the weights: how much liker a question must be to count e times as much."""


@dataclass(frozen=True)
class Neighbours:
    """Answered questions of many products."""

    told: Sequence[Told]

    @cached_property
    def pool(self) -> Pool:
        return Pool(tuple(one.answer for one in self.told))

    @cached_property
    def questions(self) -> Titles:
        return titles_of([one.question for one in self.told])

    @cached_property
    def closed(self) -> np.ndarray:
        """(told,) bool: which questions ask for yes or no."""
        return np.array([asks_yes_or_no(one.question) for one in self.told], bool)

    def weights(self, question: str) -> np.ndarray:
        """(4, told): how much each answer says about what will be answered: all alike; those to questions of the same kind;
        the liker the question the more, in two degrees."""
        like = self.questions.likeness(*self.questions.vector(question))
        same = (self.closed == asks_yes_or_no(question)).astype(np.float64)
        rows = np.stack([np.ones(len(same)), same + 1e-6, np.exp(like / COOL + same), np.exp(like / HOT + same)])
        return rows / rows.sum(axis=1, keepdims=True)
