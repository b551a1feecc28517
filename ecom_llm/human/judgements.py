"""Answers and key -> judgements: what was said of whose text, under pseudonyms; the form that is kept with a version."""

from collections.abc import Iterator, Sequence
from typing import Literal

from ecom_llm.human.study import Answer, Answers, Drawn, Entry, Kind, Side, Study
from ecom_llm.records import Record

WIN = "win"
"""The score of a choice: 1 for the candidate, one half for a tie, 0 for the other."""


class Judgement(Record):
    """What one rater said of one example."""

    rater: int
    example: str
    skill: str
    locale: str
    weight: float
    """One over the probability with which the example was drawn."""
    first: Literal["candidate", "other"]
    """Whose text stood first."""
    scores: dict[str, float]
    """`win`, or the scales of a rating."""


class Careful(Record):
    """How carefully one rater judged."""

    rater: int
    name: str
    judged: int
    """Genuine tasks answered."""
    missing: int
    """Tasks of any kind without an answer."""
    known_bad: int
    told: int
    """Of those known-bad texts that were answered, how many the rater told."""
    repeats: int
    agreed: int
    """Of those repeats that were answered, how many got the answer of the first time: the same text, or marks at most 1 apart."""

    def passed(self, least: float) -> bool:
        """Whether enough of the known-bad texts were told; who was shown none passes."""
        return self.told >= least * self.known_bad


class Verdicts(Record):
    """All judgements of a study, bound to the outputs they speak of; stored with the candidate's version."""

    study: str
    kind: Kind
    candidate: Side
    other: Side | None
    drawn: tuple[Drawn, ...]
    judgements: tuple[Judgement, ...]
    raters: tuple[Careful, ...]
    left_out: tuple[int, ...]
    """Raters whose judgements are not among these, since they failed the checks and that was asked for."""
    missing_raters: tuple[int, ...]
    """Raters of whom nothing was imported."""
    not_asked: tuple[tuple[str, str], ...] = ()
    """(skill, locale) that the candidate writes and the study was not to ask about."""

    @property
    def slices(self) -> set[tuple[str, str]]:
        """(skill, locale) that were put before people."""
        drawn = {(one.skill, one.locale) for one in self.drawn if one.judged}
        return drawn | {(one.skill, one.locale) for one in self.judgements}


def win(answer: Answer, entry: Entry) -> float:
    """1 where the candidate's text was chosen, one half for a tie, 0 where the other's was."""
    if answer.choice == "tie":
        return 0.5
    return float((answer.choice == "first") == (entry.first == "candidate"))


def scores_of(answer: Answer, entry: Entry, kind: Kind) -> dict[str, float]:
    """What an answer says of the candidate."""
    if kind == "pairwise":
        return {WIN: win(answer, entry)}
    return {scale: float(value) for scale, value in answer.ratings.items()}


def told(answer: Answer, entry: Entry, kind: Kind) -> bool:
    """Whether a known-bad text was told: the good one was chosen, or the bad one called 1 or 2 in faithfulness."""
    if kind == "rating":
        return answer.ratings["faithful"] <= 2
    return answer.choice == {"good": "first", "bad": "second"}[entry.first]


def agree(one: dict[str, float], again: dict[str, float], kind: Kind) -> bool:
    """Whether two answers to the same texts say the same."""
    return one == again if kind == "pairwise" else all(abs(one[name] - again[name]) <= 1 for name in one)


def careful(study: Study, answers: Answers) -> Careful:
    """How carefully a rater judged, from checks and repeats."""
    given = {answer.task: answer for answer in answers.answers}
    mine = [entry for entry in study.key.entries if entry.rater == answers.rater]
    entries = {entry.task: entry for entry in mine}
    checks = [one for one in mine if one.kind == "known_bad" and one.task in given]
    twice = [one for one in mine if one.kind == "repeat" and one.task in given and one.repeats in given]
    said = {task: scores_of(answer, entries[task], study.kind) for task, answer in given.items()}
    return Careful(
        rater=answers.rater,
        name=answers.name,
        judged=sum(one.kind == "genuine" and one.task in given for one in mine),
        missing=sum(one.task not in given for one in mine),
        known_bad=len(checks),
        told=sum(told(given[one.task], one, study.kind) for one in checks),
        repeats=len(twice),
        agreed=sum(agree(said[one.task], said[one.repeats or ""], study.kind) for one in twice),
    )


def judgements(study: Study, answers: Answers) -> Iterator[Judgement]:
    """One for each genuine task that was answered; repeats and checks judge the rater alone."""
    given = {answer.task: answer for answer in answers.answers}
    places = {task.id: task for sheet in study.sheets for task in sheet.tasks}
    for entry in study.key.entries:
        if entry.rater == answers.rater and entry.kind == "genuine" and entry.task in given:
            yield Judgement(
                rater=entry.rater,
                example=entry.example,
                skill=places[entry.task].skill,
                locale=places[entry.task].locale,
                weight=study.key.weights[entry.example],
                first="candidate" if entry.first == "candidate" else "other",
                scores=scores_of(given[entry.task], entry, study.kind),
            )


def verdicts(study: Study, answered: Sequence[Answers], least_told: float, exclude_failing: bool) -> Verdicts:
    """Everything that was said in a study.

    Args:
        answered: the answers of those raters who have sent them.
        least_told: share of known-bad texts that a rater must tell to pass.
        exclude_failing: whether judgements of raters who do not pass are left out.
    """
    raters = [careful(study, answers) for answers in answered]
    left_out = tuple(one.rater for one in raters if exclude_failing and not one.passed(least_told))
    here = {one.rater for one in raters}
    return Verdicts(
        study=study.id,
        kind=study.kind,
        candidate=study.key.candidate,
        other=study.key.other,
        drawn=study.key.drawn,
        judgements=tuple(
            one for answers in answered if answers.rater not in left_out for one in judgements(study, answers)
        ),
        raters=tuple(raters),
        left_out=left_out,
        missing_raters=tuple(sheet.rater for sheet in study.sheets if sheet.rater not in here),
        not_asked=study.key.not_asked,
    )
