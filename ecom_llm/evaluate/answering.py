"""Who answers a question: the answerer that training learned, from earlier answers, or the language model, from a listing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.evaluate.written import Written
from ecom_llm.records import Example
from ecom_llm.skills.answer import known as listed
from ecom_llm.skills.answer import question
from ecom_llm.train.answering.answerer import Answered, Answerer
from ecom_llm.train.answering.evidence import Known, Told, known_of
from ecom_llm.train.answering.files import load
from ecom_llm.write.decoding import Decoding

Earlier = dict[str, tuple[Told, ...]]
"""Id of an example -> the answers to other questions about its product."""


def quotes(answerer: Answerer | None, example: Example, decoding: Decoding) -> bool:
    """Whether an example is answered from earlier answers: one with a listing is not."""
    able = answerer is not None and decoding.answer_by == "evidence" and example.locale in answerer.readers
    return able and example.skill == "answer" and not listed(example)


def answered(answerer: Answerer, example: Example, told: Sequence[Told], decoding: Decoding) -> Answered:
    """The answer to an example's question from evidence."""
    return answerer.answer(question(example), example.locale, told, decoding.min_support)


def earlier_answers(examples: Iterable[Example], known: Known) -> Earlier:
    """The evidence of each question about a product without a listing; absent where there is none."""
    asked = (one for one in examples if one.skill == "answer" and not listed(one))
    return {one.id: told for one in asked if (told := known.about(one))}


@dataclass(frozen=True)
class Answering:
    """An answerer under test."""

    answerer: Answerer | None
    earlier: Earlier
    held_out: Known
    """The evidence about the products of the test split, of which another's is taken for an unanswerable question."""
    decoding: Decoding

    def covers(self, example: Example) -> bool:
        return quotes(self.answerer, example, self.decoding)

    def write(self, example: Example) -> Written:
        """The answer from the example's own evidence, and the one from another product's."""
        own = self.earlier.get(example.id, ())
        other = self.held_out.elsewhere(example, len(own))
        text = answered(self.answerer, example, own, self.decoding).text
        elsewhere = answered(self.answerer, example, other, self.decoding).text if other else None
        return Written(text, elsewhere=elsewhere)


def answering_of(
    folder: Path, decoding: Decoding, examples: Iterable[Example], prepared: Iterable[Example], test: Iterable[Example]
) -> Answering:
    """The answerer of a model's folder before the test's examples.

    Raises:
        UserError: it is damaged.

    Args:
        folder: the model's.
        decoding: whether, and how readily, it answers.
        examples: those that are measured.
        prepared: examples of all splits: what is known of products, whatever the model's folder holds.
        test: those of the test split.
    """
    earlier = earlier_answers(examples, known_of(prepared))
    return Answering(load(folder), earlier, known_of(test), decoding)
