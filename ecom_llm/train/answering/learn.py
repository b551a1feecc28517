"""The training split's questions -> an answerer; of the other splits only what is known of products is taken over."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ecom_llm.records import SPLITS, Example
from ecom_llm.shards import read_records
from ecom_llm.skills.answer import known as listed
from ecom_llm.train.answering import support
from ecom_llm.train.answering.answerer import Answerer, Reader
from ecom_llm.train.answering.evidence import known_of
from ecom_llm.train.answering.fitting import fitted_probability, fitted_value
from ecom_llm.train.answering.lessons import FOLDS, choice_rows, folds, shelf_of, support_rows

MOST_QUESTIONS = 8000
"""Questions that probabilities are fitted on."""
MOST_CHOICES = 1500
"""And those that the choice of passages is fitted on: each has dozens."""
LEAST_QUESTIONS, LEAST_PRODUCTS = 100, 20
"""With fewer that have evidence, or about fewer products, nothing is learned in a locale."""
RIDGE = {"support": 30.0, "choice": 300.0}
"""What weights cost, squared: chosen by folds over the training products of Amazon's appliances (benchmarks/LOG.md)."""


def learned_from(prepared: Path, seed: int) -> Answerer | None:
    """Learn from the questions of the training split; None where there are none.

    A locale in which too few have earlier answers and no listing gets no reader: there the language model answers.

    Args:
        prepared: the folder that `prepare` wrote.
        seed: which products stand in which fold.
    """
    asked: dict[str, list[Example]] = {}
    questions = 0
    for example in read_records(prepared / "train", Example):
        questions += example.skill == "answer"
        if example.skill == "answer" and not listed(example):
            asked.setdefault(example.locale, []).append(example)
    if not questions:
        return None
    readers = {}
    for locale, examples in sorted(asked.items()):
        sizes = [len(told) for told in known_of(examples).answers.values() if len(told) > 1]
        if sum(sizes) >= LEAST_QUESTIONS and len(sizes) >= LEAST_PRODUCTS:
            readers[locale] = reader_of(locale, examples, seed)
    return Answerer(readers, known_of(one for split in SPLITS for one in read_records(prepared / split, Example)))


def reader_of(locale: str, examples: Sequence[Example], seed: int) -> Reader:
    """Learn from a locale's training questions, none of which has a listing."""
    parts = folds(examples, seed)
    held, holds = joined([support_rows(fold, MOST_QUESTIONS // FOLDS) for fold in parts])
    supported = fitted_probability(held, holds, support.CROSSED, RIDGE["support"])
    offered, worth = joined([row for fold in parts for row in choice_rows(fold, MOST_CHOICES // FOLDS)])
    chosen = fitted_value(offered, worth, (), RIDGE["choice"])
    shelf = shelf_of(known_of(examples), seed)
    return Reader(locale, shelf.lexicon, shelf.background, shelf.neighbours, supported, chosen)


def joined(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows, and what they should come to, one after the other."""
    rows, values = zip(*(part for part in parts if len(part[1])), strict=True)
    return np.concatenate(rows), np.concatenate(values)
