"""Two sets of texts -> a study: drawn, assigned and blinded."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256

import numpy as np

from ecom_llm.evaluate.evidence import Output
from ecom_llm.human.assign import Ids, Shown, genuine, in_order, judged_by, known_bad, words
from ecom_llm.human.sampling import Sample, Subject, draw, subjects
from ecom_llm.human.study import Drawn, Key, Sheet, Side, Study
from ecom_llm.params import Study as Settings
from ecom_llm.records import UserError

FORM = 2
"""Counts up when the same texts and settings make other sheets: answers to the ones are no answers to the others."""


def study_id(candidate: Side, other: Side | None, settings: Settings, outputs: Sequence[Output]) -> str:
    """The name of a study: the same texts and settings make the same study."""
    parts = [candidate.model_dump_json(), other.model_dump_json() if other else "rating", settings.model_dump_json()]
    ids = "\n".join(sorted(output.id for output in outputs))
    return sha256("\n".join([*parts, ids, str(FORM)]).encode()).hexdigest()[:10]


def drawn_of(found: Sequence[Subject], sample: Sample) -> tuple[Drawn, ...]:
    """Each slice with how many of its examples differ, how many do not, and how many are judged."""
    same = Counter(one.slice for one in found if one.identical)
    differing = Counter(one.slice for one in found if not one.identical)
    judged = Counter(one.slice for one in sample.subjects)
    return tuple(
        Drawn(
            skill=skill,
            locale=locale,
            differing=differing[skill, locale],
            identical=same[skill, locale],
            judged=judged[skill, locale],
        )
        for skill, locale in sorted({one.slice for one in found})
    )


def tasks_of(
    rater: int, mine: Sequence[Subject], found: Sequence[Subject], settings: Settings, ids: Ids
) -> list[Shown]:
    """What one rater judges. No check shows a text that stands in a pair too: seen twice, it would tell whose it is."""
    seen, texts = {subject.id for subject in mine}, {words(text) for subject in mine for text in subject.texts}
    pairs = len(mine[0].texts) == 2
    unseen = [subject for subject in found if words(subject.reference) not in texts]
    rest = [subject for subject in unseen if subject.id not in seen]
    checks = known_bad(rest, settings.known_bad, pairs, rater, ids)
    if len(checks) < settings.known_bad:  # of what is judged, where references are not
        shown = {words(text) for one in checks for text in one.task.texts}
        own = [subject for subject in unseen if subject.id in seen and words(subject.reference) not in shown]
        checks += known_bad(own, settings.known_bad - len(checks), pairs, rater, ids)
    real = genuine(mine, rater, ids)
    return in_order(real, min(settings.repeats, len(real)), checks, ids)


def make_study(
    candidate: Side,
    outputs: Sequence[Output],
    other: Side | None,
    texts: Mapping[str, str] | None,
    settings: Settings,
    not_asked: Collection[tuple[str, str]] = (),
) -> Study:
    """Draw the examples, give them to raters, and put what is shown apart from what is known.

    Args:
        candidate: the side under judgement; win rates are its.
        outputs: its outputs.
        other: the side it is compared with; None for ratings.
        texts: example id -> the other side's text; None for ratings.
        settings: `promote.study` of params.yaml.
        not_asked: (skill, locale) that the candidate writes and that are left out of `outputs`.

    Raises:
        UserError: there is nothing to judge: no example in common, or no texts that differ.
    """
    name = study_id(candidate, other, settings, outputs)
    found = subjects(outputs, texts)
    rng = np.random.default_rng([settings.seed, int(name, 16)])
    sample = draw(found, settings.examples, rng)
    require_something(candidate, other, found, sample)
    raters = judged_by(len(sample.subjects), settings.raters, settings.raters_per_example, rng)
    ids = Ids(rng)
    shown = {}
    for rater in range(settings.raters):
        mine = [one for one, who in zip(sample.subjects, raters, strict=True) if rater in who]
        if mine:
            shown[rater + 1] = tasks_of(rater + 1, mine, found, settings, ids)
    kind = "pairwise" if other else "rating"
    return Study(
        id=name,
        kind=kind,
        sheets=tuple(
            Sheet(study=name, kind=kind, rater=rater, tasks=tuple(one.task for one in tasks))
            for rater, tasks in shown.items()
        ),
        key=Key(
            study=name,
            candidate=candidate,
            other=other,
            entries=tuple(one.entry for tasks in shown.values() for one in tasks),
            weights={example: 1 / chance for example, chance in sample.chances.items()},
            drawn=drawn_of(found, sample),
            not_asked=tuple(sorted(not_asked)),
        ),
    )


def require_something(candidate: Side, other: Side | None, found: Sequence[Subject], sample: Sample) -> None:
    """Refuse a study that would show nothing."""
    if other is None and not found:
        raise UserError(f"{candidate.name}: wrote no texts of the skills and locales asked for. Ask for others.")
    if not found:
        raise UserError(
            f"{candidate.name} and {other.name if other else ''}: no test example has a text of both. Compare versions "
            "that were measured on the same test set."
        )
    if not sample.subjects:
        raise UserError(
            f"{candidate.name} and {other.name if other else ''}: their texts are the same on all {len(found)} examples, "
            "so there is nothing to choose between."
        )
