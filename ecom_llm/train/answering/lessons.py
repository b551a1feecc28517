"""Training's questions -> rows to fit on. What is counted for a question's row is counted of other products than its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from ecom_llm.records import Example
from ecom_llm.skills.answer import question as asked_in
from ecom_llm.train.answering import choice, support
from ecom_llm.train.answering.evidence import Known, Told, known_of
from ecom_llm.train.answering.lexicon import Lexicon, lexicon_of
from ecom_llm.train.answering.neighbours import Neighbours
from ecom_llm.train.answering.overlap import Pool
from ecom_llm.train.answering.texts import tokens

FOLDS = 5
MOST_PRODUCTS = 2000
"""Products that rarities and meanings are learned of, drawn where there are more."""
MOST_NEIGHBOURS = 2000
"""Answers kept to compare passages with."""


def drawn(seed: int, name: str) -> int:
    """A number that hangs on the seed and a name alone."""
    return int.from_bytes(sha256(f"{seed}\n{name}".encode()).digest()[:8], "big")


def some(found: Sequence[Example], most: int, seed: int) -> list[Example]:
    """At most so many examples, drawn by their ids."""
    return sorted(sorted(found, key=lambda one: drawn(seed, one.id))[:most], key=lambda one: one.id)


@dataclass(frozen=True)
class Shelf:
    """What counts of some products make."""

    lexicon: Lexicon
    background: support.Background
    neighbours: Neighbours


def shelf_of(known: Known, seed: int) -> Shelf:
    """Learn rarities and meanings from the answers about some products, and keep some of them to compare with."""
    products = sorted(known.answers.values(), key=lambda told: drawn(seed, told[0].product))[:MOST_PRODUCTS]
    lexicon = lexicon_of([[text for one in told for text in (one.question, one.answer)] for told in products])
    longest = sorted(products, key=lambda told: -min(len(told), support.MOST_COMPARED))[: support.BACKGROUND]
    answers = sorted((one for told in products for one in told), key=lambda one: drawn(seed, one.id))
    return Shelf(lexicon, support.Background(tuple(longest), lexicon), Neighbours(tuple(answers[:MOST_NEIGHBOURS])))


@dataclass(frozen=True)
class Fold:
    """Some products' questions, and what the other products teach."""

    inside: Sequence[Example]
    known: Known
    """The evidence about the products inside."""
    shelf: Shelf
    seed: int

    def asked(self, most: int) -> Iterator[tuple[Example, tuple[Told, ...]]]:
        """At most so many questions with their evidence, of those that have any."""
        held = [one for one in self.inside if self.known.about(one)]
        return ((one, self.known.about(one)) for one in some(held, most, self.seed))


def folds(examples: Sequence[Example], seed: int) -> list[Fold]:
    """The questions in five parts, a product in one."""
    found = []
    for number in range(FOLDS):
        inside, outside = [], []
        for one in examples:
            (inside if drawn(seed, one.product) % FOLDS == number else outside).append(one)
        found.append(Fold(inside, known_of(inside), shelf_of(known_of(outside), seed), seed))
    return found


def support_rows(fold: Fold, most: int) -> tuple[np.ndarray, np.ndarray]:
    """(rows, features), (rows,): each question beside its own evidence, 1, and beside another product's, 0."""
    rows, holds = [], []
    for example, own in fold.asked(most):
        for told, value in ((own, 1.0), (fold.known.elsewhere(example, len(own)), 0.0)):
            if told:
                rows.append(support.features(asked_in(example), told, fold.shelf.lexicon, fold.shelf.background))
                holds.append(value)
    return np.array(rows), np.array(holds)


def choice_rows(fold: Fold, most: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(candidates, features), (candidates,) of each question: what could be said, and its overlap with what a person said."""
    for example, own in fold.asked(most):
        question, shelf = asked_in(example), fold.shelf
        if found := choice.candidates(question, own, shelf.lexicon):
            wanted = Pool((example.target,))
            worth = [float(wanted.overlap(tokens(one.passage))[0]) for one in found]
            yield choice.features(question, found, shelf.lexicon, shelf.neighbours), np.array(worth)
