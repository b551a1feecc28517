"""Simulated raters of known bias and noise, and a simulated test set whose true win rate can be counted."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from ecom_llm.evaluate.evidence import Output
from ecom_llm.human.study import Answer, Answers, Study

WORDS = tuple(f"{start}{end}" for start in "bdfglmnprst" for end in ("ake", "ime", "ole", "une", "art"))


@dataclass(frozen=True)
class Rater:
    """Somebody with habits."""

    bias: float
    """How much they like the candidate beyond what its text deserves, in log-odds."""
    noise: float
    """How much they dither: what an example deserves is divided by it."""
    place: float
    """How much they like what stands first, in log-odds."""
    ties: float
    """How often they say that there is no difference, whatever they see."""
    careless: float = 0.0
    """How often they answer by a throw of dice."""

    def chance(self, merit: np.ndarray, first: np.ndarray) -> np.ndarray:
        """How likely they choose the candidate when they choose; `first` is 1 where it stands first, else -1."""
        read = expit((merit + self.bias) / self.noise + self.place * first)
        return (1 - self.careless) * read + self.careless / 2

    def expected(self, merit: np.ndarray) -> np.ndarray:
        """Expected score over both places, a tie being one half."""
        either = (self.chance(merit, np.array(1.0)) + self.chance(merit, np.array(-1.0))) / 2
        return self.ties / 2 + (1 - self.ties) * either

    def choose(self, merit: float, candidate_first: bool, rng: np.random.Generator) -> str:
        """`candidate`, `other` or `tie`."""
        if rng.uniform() < self.ties:
            return "tie"
        first = np.array(1.0 if candidate_first else -1.0)
        return "candidate" if rng.uniform() < self.chance(np.array(merit), first) else "other"


@dataclass(frozen=True)
class Market:
    """A test set: outputs of two sides, and how much better the candidate's text is on each example, in log-odds."""

    candidate: tuple[Output, ...]
    other: dict[str, str]
    merit: dict[str, float]

    def truth(self, raters: Sequence[Rater]) -> float:
        """The win rate if these raters judged every example, often."""
        merit = np.array(list(self.merit.values()))
        return float(np.mean([rater.expected(merit) for rater in raters]))


def output(name: str, skill: str, text: str, number: int) -> Output:
    return Output(
        id=name,
        skill=skill,
        locale="en",
        attributes={"number": str(number)},
        reference=f"number {number} is {text}",
        text=text,
        baselines={},
        ratios={},
    )


def market(examples: int, mean: float, spread: float, rng: np.random.Generator) -> Market:
    """Texts that differ the more the more their merits do: sampling must not be fooled by its own preference for them."""
    outputs, other, merit = [], {}, {}
    for number in range(examples):
        name, skill = f"example-{number}", ("describe", "advertise")[number % 2]
        words = rng.choice(WORDS, size=12).tolist()
        worth = float(rng.normal(mean + (0.4 if skill == "describe" else -0.4), spread))
        changed = 1 + int(11 * expit(worth))
        text = " ".join(words)
        outputs.append(output(name, skill, text, number))
        other[name] = " ".join([*rng.choice(WORDS, size=changed).tolist(), *words[changed:]])
        merit[name] = worth if other[name] != text else float("nan")
    kept = {name: worth for name, worth in merit.items() if not np.isnan(worth)}
    return Market(tuple(outputs), other, kept)


def answered(study: Study, rater: int, habits: Rater, merit: dict[str, float], rng: np.random.Generator) -> Answers:
    """What a rater says to a whole sheet. Known-bad texts are told by whoever is not careless just then."""
    answers = []
    for entry in study.key.entries:
        if entry.rater != rater:
            continue
        if entry.kind == "known_bad":
            said = "good" if rng.uniform() > habits.careless / 2 else "bad"
            second = {"good": "bad", "bad": "good"}[entry.first]
        else:
            said = habits.choose(merit[entry.example], entry.first == "candidate", rng)
            second = {"candidate": "other", "other": "candidate"}[entry.first]
        choice = {entry.first: "first", second: "second", "tie": "tie"}[said]
        answers.append(Answer(task=entry.task, choice=choice))
    return Answers(study=study.id, rater=rater, name=f"rater {rater}", answers=tuple(answers))
