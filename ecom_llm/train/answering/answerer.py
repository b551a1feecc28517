"""The answerer: of each locale what was learned of its questions, and all evidence of the shop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecom_llm.skills.skill import Words
from ecom_llm.skills.skill import words as said
from ecom_llm.train.answering import choice, support
from ecom_llm.train.answering.evidence import Known, Told
from ecom_llm.train.answering.fitting import Curve
from ecom_llm.train.answering.lexicon import Lexicon
from ecom_llm.train.answering.neighbours import Neighbours

WORDS: Words = {
    "en": {
        "abstains": "I do not know, as it is not in what the shop has on this.",
        "rests": "Rests on: the answer to “{question}” ({source})",
    },
    "zh": {
        "abstains": "不清楚：本店关于这件商品的资料里没有相关信息。",
        "rests": "依据：对“{question}”的回答（{source}）",
    },
}


@dataclass(frozen=True)
class Answered:
    """An answer, or that there is none."""

    text: str
    locale: str
    rests_on: Told | None
    """The earlier answer it is quoted from; None where it says that it does not know."""

    @property
    def told(self) -> str:
        """As it may be shown: the answer, and in the last line what it rests on."""
        if self.rests_on is None:
            return self.text
        told = {"question": self.rests_on.question, "source": self.rests_on.source}
        return f"{self.text}\n{said(WORDS, self.locale)['rests'].format(**told)}"


@dataclass(frozen=True)
class Reader:
    """What one locale's training questions taught."""

    locale: str
    lexicon: Lexicon
    background: support.Background
    neighbours: Neighbours
    support: Curve
    """Whether evidence holds an answer."""
    choice: Curve
    """How much of a passage a person would say."""

    def chance(self, question: str, told: Sequence[Told]) -> float:
        """The probability that evidence holds the answer, where every other question's does."""
        row = support.features(question, told, self.lexicon, self.background)
        return float(self.support.probability(row[None])[0])

    def answer(self, question: str, told: Sequence[Told], min_support: float) -> Answered:
        """A passage of the evidence, or that the evidence does not hold the answer."""
        if question and told and self.chance(question, told) >= min_support:
            found = choice.candidates(question, told, self.lexicon)
            if found:
                worth = self.choice.value(choice.features(question, found, self.lexicon, self.neighbours))
                best = found[int(worth.argmax())]
                return Answered(best.passage, self.locale, best.told)
        return unanswered(self.locale)


def unanswered(locale: str) -> Answered:
    """That the shop's texts do not hold the answer."""
    return Answered(said(WORDS, locale)["abstains"], locale, None)


@dataclass(frozen=True)
class Answerer:
    """Locale -> reader, and what is known of products."""

    readers: Mapping[str, Reader]
    known: Known

    def answer(self, question: str, locale: str, told: Sequence[Told], min_support: float) -> Answered:
        """`Reader.answer`; nothing is known in a locale of which nothing was learned."""
        reader = self.readers.get(locale)
        return reader.answer(question, told, min_support) if reader else unanswered(locale)
