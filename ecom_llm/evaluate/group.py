"""One system's work on the test examples of one skill and locale: what the metrics are computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from ecom_llm.evaluate.judge import Judge, train_judge
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.metrics import TrainingTexts
from ecom_llm.evaluate.rnnlg.published import Published
from ecom_llm.evaluate.written import Written
from ecom_llm.records import Example
from ecom_llm.skills import SKILLS, answer, review
from ecom_llm.skills.skill import words
from ecom_llm.write.likelihood import Likelihood

PLACES = 10
"""Places of a ranking that count."""


@dataclass(frozen=True)
class Taught:
    """What training gives to the metrics: which texts could have been copied, and who judges stars."""

    texts: TrainingTexts | None = None
    judge: Judge | None = None


@dataclass(frozen=True)
class Group:
    """One system's work on the examples of one skill and locale, in the same order."""

    skill: str
    locale: str
    examples: Sequence[Example]
    written: Sequence[Written]
    matcher: Matcher
    masked: bool = False
    """Whether it was measured beside a masked model: then nobody writes, and likelihoods are pseudo-likelihoods."""
    taught: Taught = field(default_factory=Taught)
    are_references: bool = False
    """Whether the texts are the references themselves: then nothing is told by comparing them with these."""
    published: Published | None = None
    """The publisher's own scoring, where the examples have one."""
    earlier: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Id of an example -> what was answered to other questions about its product."""

    @property
    def texts(self) -> list[str]:
        return [written.text for written in self.written]

    @property
    def targets(self) -> list[str]:
        return [example.target for example in self.examples]

    @property
    def rankings(self) -> list[list[str]]:
        return [list(written.ranking) for written in self.written]

    @property
    def likelihoods(self) -> list[Likelihood]:
        return [written.likelihood for written in self.written if written.likelihood is not None]

    @cached_property
    def overlaps(self) -> list[int]:
        """Longest stretch of training text in each text, in words; empty where there is no training."""
        return self.taught.texts.longest(self.texts) if self.taught.texts else []

    @cached_property
    def judged(self) -> list[int]:
        """The stars the judge reads off each text, of a group that has one."""
        return self.taught.judge.stars(self.texts) if self.taught.judge else []


def evidence(example: Example, earlier: Sequence[str] = ()) -> str:
    """What an `answer` rests on: a line for each attribute beside the question; where there is none, for each earlier answer."""
    known = [f"{name} {value}" for name, value in answer.known(example).items()]
    return "\n".join(known or earlier)


def asked_stars(example: Example) -> int | None:
    """The stars a `review` example asks for, or None."""
    said = example.attributes.get(words(review.WORDS, example.locale)["stars"], "")
    return int(said) if said.isdecimal() else None


def taught(training: Sequence[Example]) -> dict[tuple[str, str], Taught]:
    """(skill, locale) -> what training gives to its metrics; texts may be copied from any skill of the locale."""
    written = [example for example in training if not any("@" in name for name in SKILLS[example.skill].metrics)]
    found = {}
    for locale in dict.fromkeys(example.locale for example in written):
        texts = TrainingTexts([example.target for example in written if example.locale == locale], locale)
        for skill in SKILLS:
            found[skill, locale] = Taught(texts, judge_of(written, locale) if skill == "review" else None)
    return found


def judge_of(training: Sequence[Example], locale: str) -> Judge | None:
    """The judge of a locale's reviews, where they tell their stars."""
    starred = [
        (example.target, stars)
        for example in training
        if example.skill == "review" and example.locale == locale and (stars := asked_stars(example))
    ]
    return train_judge([text for text, _ in starred], [stars for _, stars in starred], locale)
