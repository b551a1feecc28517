"""Which examples are judged: spread over skills and locales, more of those whose texts differ much, none that do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ecom_llm.evaluate.evidence import Output
from ecom_llm.skills import SKILLS

GRAM = 3
"""Characters in the pieces by which two texts are compared."""


@dataclass(frozen=True)
class Subject:
    """A test example with the texts that may be judged, as they would be published."""

    id: str
    skill: str
    locale: str
    facts: Mapping[str, str]
    reference: str
    texts: tuple[str, ...]
    """The candidate's, then the other's; the candidate's alone where texts are rated."""

    @property
    def slice(self) -> tuple[str, str]:
        return self.skill, self.locale

    @property
    def identical(self) -> bool:
        """Whether there is nothing to choose between."""
        return len(self.texts) == 2 and self.texts[0].split() == self.texts[1].split()


def published(text: str, output: Output) -> str:
    """The text with the label its skill demands, on both sides alike: a label on one alone would tell whose it is."""
    text = text.strip()
    return SKILLS[output.skill].finish(text, output.locale) if output.skill in SKILLS else text


def subjects(candidate: Sequence[Output], other: Mapping[str, str] | None) -> list[Subject]:
    """The examples that both sides wrote for.

    Args:
        candidate: the outputs of the side under judgement.
        other: example id -> the other side's text; None where the candidate's are rated alone.
    """
    return [
        Subject(
            id=output.id,
            skill=output.skill,
            locale=output.locale,
            facts=output.attributes,
            reference=published(output.reference, output),
            texts=tuple(
                published(text, output) for text in (output.text, *([] if other is None else [other[output.id]]))
            ),
        )
        for output in candidate
        if other is None or output.id in other
    ]


def difference(texts: Sequence[str]) -> float:
    """How much two texts differ, 0 to 1: one minus the Jaccard similarity of their character trigrams."""
    first, second = ({text[at : at + GRAM] for at in range(max(1, len(text) - GRAM + 1))} for text in texts)
    return 1 - len(first & second) / len(first | second)


def weight(subject: Subject) -> float:
    """1 for texts that hardly differ up to 2 for those that share nothing.

    Bounded, because results are weighted back: what is gained on telling pairs must not be lost on unequal weights
    (Kish 1965, "Survey Sampling", 11.7: at most an eighth of the judgements with a ratio of 2).
    """
    return 1 + difference(subject.texts) if len(subject.texts) == 2 else 1.0


def inclusion(sizes: np.ndarray, count: int) -> np.ndarray:
    """Probabilities proportional to `sizes`, none above 1, that sum to `count` (or to all there are)."""
    chances = np.ones(len(sizes))
    if count >= len(sizes):
        return chances
    free = np.ones(len(sizes), dtype=bool)
    while True:
        left = count - (~free).sum()
        chances[free] = left * sizes[free] / sizes[free].sum()
        above = free & (chances > 1)
        if not above.any():
            return chances
        chances[above], free[above] = 1.0, False


def systematic(chances: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Indices drawn with exactly those probabilities, in random order of the list.

    Systematic sampling with unequal probabilities (Madow 1949, Annals of Mathematical Statistics 20(3)).
    """
    order = rng.permutation(len(chances))
    ends = np.cumsum(chances[order])
    points = rng.uniform() + np.arange(round(ends[-1]))
    places = np.searchsorted(ends, points, side="right")
    return order[np.minimum(places, len(order) - 1)]


def shares(sizes: Mapping[tuple[str, str], int], examples: int) -> dict[tuple[str, str], int]:
    """How many examples each slice gives: as evenly as their sizes allow, `examples` in all where there are as many."""
    given = dict.fromkeys(sorted(sizes), 0)
    for _ in range(min(examples, sum(sizes.values()))):
        least = min((name for name in given if given[name] < sizes[name]), key=lambda name: given[name])
        given[least] += 1
    return given


@dataclass(frozen=True)
class Sample:
    """The examples to be judged, and the probability with which each was drawn."""

    subjects: tuple[Subject, ...]
    chances: Mapping[str, float]


def draw(found: Sequence[Subject], examples: int, rng: np.random.Generator) -> Sample:
    """Draw examples whose texts differ, slice by slice."""
    slices: dict[tuple[str, str], list[Subject]] = {}
    for subject in found:
        if not subject.identical:
            slices.setdefault(subject.slice, []).append(subject)
    wanted = shares({name: len(members) for name, members in slices.items()}, examples)
    chosen: list[Subject] = []
    chances: dict[str, float] = {}
    for name, count in wanted.items():
        members = slices[name]
        each = inclusion(np.array([weight(one) for one in members]), count)
        for at in systematic(each, rng):
            chosen.append(members[at])
            chances[members[at].id] = float(each[at])
    return Sample(tuple(chosen), chances)
