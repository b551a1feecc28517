"""A study's results: each metric on each slice, agreement, and what is to be known of the raters."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from ecom_llm.human.estimates import BOUNDS, Estimate, Precision, agreement, estimate, first_chosen, score
from ecom_llm.human.judgements import WIN, Careful, Judgement, Verdicts
from ecom_llm.human.study import SCALES
from ecom_llm.params import HUMAN


@dataclass(frozen=True)
class Result:
    """One metric on one slice."""

    metric: str
    skill: str
    locale: str
    estimate: Estimate


def win_rate_metric(opponent: str, registered: bool) -> str:
    """The name of a win rate: `human_win_rate` against a registered version, else with what it was won against.

    Of a file its name alone, without what MLflow takes in no metric's name: its path is nobody's business.
    """
    name = re.sub(r"[^\w.-]+", "_", PurePath(opponent).name)
    return f"{HUMAN}win_rate" if registered else f"{HUMAN}win_rate_{name}"


def metrics_of(verdicts: Verdicts) -> dict[str, str]:
    """Metric -> the score it is made of."""
    if verdicts.other is None:
        return {f"{HUMAN}{scale}": scale for scale in SCALES}
    return {win_rate_metric(verdicts.other.name, verdicts.other.version is not None): WIN}


def within(judged: Sequence[Judgement], skill: str, locale: str) -> list[Judgement]:
    """The judgements of a slice; `all` takes every one."""
    return [one for one in judged if skill in ("all", one.skill) and locale in ("all", one.locale)]


def places(slices: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
    """What results are told for, of (skill, locale) that were judged: everything, each skill, and each skill in each locale."""
    found = [("all", "all")]
    for asked in sorted({skill for skill, _ in slices}):
        found.append((asked, "all"))
        found += sorted((skill, locale) for skill, locale in slices if skill == asked)
    return found


def judged_whole(verdicts: Verdicts, skill: str, locale: str) -> bool:
    """Whether a study speaks of a slice: `all` takes in what it was not to ask about, and then it does not."""
    left = any(skill in ("all", one) and locale in ("all", other) for one, other in verdicts.not_asked)
    return not left and (skill, locale) in places(verdicts.slices)


def result(verdicts: Verdicts, metric: str, skill: str, locale: str, precision: Precision) -> Estimate | None:
    """A metric on a slice; None where the study has nothing of it."""
    name = metrics_of(verdicts).get(metric)
    if name is None:
        return None
    return estimate(within(verdicts.judgements, skill, locale), precision, BOUNDS[name], score(name))


def results(verdicts: Verdicts, precision: Precision) -> Iterator[Result]:
    """Every metric of a study on every slice."""
    for metric in metrics_of(verdicts):
        for skill, locale in places(verdicts.slices):
            found = result(verdicts, metric, skill, locale, precision)
            if found is not None:
                yield Result(metric, skill, locale, found)


def agreements(verdicts: Verdicts, precision: Precision) -> dict[tuple[str, str, str], Estimate | None]:
    """(metric, skill, locale) -> Krippendorff's alpha between the raters.

    None where no two of them judged the same example, or all said the same of all.
    """
    return {
        (metric, skill, locale): agreement(within(verdicts.judgements, skill, locale), name, precision)
        for metric, name in metrics_of(verdicts).items()
        for skill, locale in places(verdicts.slices)
    }


def position_bias(verdicts: Verdicts, precision: Precision) -> Estimate | None:
    """How often the text that stood first (A) was chosen, ties aside: 50 % where place does not matter."""
    return estimate(verdicts.judgements, precision, (0.0, 1.0), first_chosen) if verdicts.other else None


def flat(verdicts: Verdicts, precision: Precision) -> dict[str, float]:
    """What MLflow shows: `describe.en.human_win_rate`, with `_low` and `_high` for the ends, and `_alpha`.

    Of the slices that the study speaks of: that of one language does not stand under `all`.
    """
    found: dict[str, float] = {}
    for one in results(verdicts, precision):
        if not judged_whole(verdicts, one.skill, one.locale):
            continue
        name = f"{one.skill}.{one.locale}.{one.metric}"
        found[name] = one.estimate.value
        if one.estimate.low is not None and one.estimate.high is not None:
            found |= {f"{name}_low": one.estimate.low, f"{name}_high": one.estimate.high}
    for (metric, skill, locale), alpha in agreements(verdicts, precision).items():
        if alpha is not None and judged_whole(verdicts, skill, locale):
            found[f"{skill}.{locale}.{metric}_alpha"] = alpha.value
    return found


def shown(found: Estimate | None, form: str, few: int) -> str:
    """A number with its interval, in words."""
    if found is None:
        return "cannot be told"
    value = format(found.value, form)
    if found.low is None or found.high is None:
        return f"{value} (no interval: {found.examples} examples, at least {few} are needed)"
    return f"{value} ({format(found.low, form)} to {format(found.high, form)})"


def rater_line(one: Careful, least: float, left_out: bool) -> str:
    """How carefully a rater judged, in one line."""
    parts = [f"{one.name}: {one.judged} judged"]
    if one.missing:
        parts.append(f"{one.missing} not answered")
    if one.known_bad:
        parts.append(f"told {one.told} of {one.known_bad} known-bad texts")
    if one.repeats:
        parts.append(f"answered {one.agreed} of {one.repeats} repeats alike")
    verdict = "" if one.passed(least) else ": FAILS the checks"
    return ", ".join(parts) + verdict + (" and is left out" if left_out else "")


def told(verdicts: Verdicts, precision: Precision, least_told: float) -> list[str]:
    """The results as a person reads them."""
    form = ".1%" if verdicts.other else ".2f"
    against = f" against {verdicts.other.name}" if verdicts.other else ", marks from 1 to 5"
    lines = [f"Study {verdicts.study}: {verdicts.candidate.name}{against}"]
    lines += ["", f"Interval: {precision.confidence:.0%}, over other examples for these raters"]
    for one in results(verdicts, precision):
        place = f"{one.skill}/{one.locale}"
        numbers = f"{one.estimate.judgements} judgements of {one.estimate.examples} examples"
        lines.append(f"  {one.metric:<22} {place:<16} {shown(one.estimate, form, precision.min_examples)}  {numbers}")
    lines += ["", "Agreement between raters (Krippendorff's alpha: 1 is perfect, 0 is chance)"]
    for (metric, skill, locale), found in agreements(verdicts, precision).items():
        place = f"{skill}/{locale}"
        lines.append(f"  {metric:<22} {place:<16} {shown(found, '.2f', precision.min_examples)}")
    if verdicts.other:
        bias = position_bias(verdicts, precision)
        lines.append(
            f"  {'text A was chosen':<22} {shown(bias, '.1%', precision.min_examples)} of choices; 50 % is fair"
        )
    lines += ["", "Raters"]
    lines += [f"  {rater_line(one, least_told, one.rater in verdicts.left_out)}" for one in verdicts.raters]
    if verdicts.missing_raters:
        lines.append(f"  nothing yet from: {', '.join(f'rater {one}' for one in verdicts.missing_raters)}")
    same = sum(one.identical for one in verdicts.drawn)
    if verdicts.other:
        differing = sum(one.differing for one in verdicts.drawn)
        lines += ["", f"The two texts differ on {differing} of {differing + same} examples; results speak of those."]
    if verdicts.not_asked:
        left = ", ".join(f"{skill}/{locale}" for skill, locale in verdicts.not_asked)
        lines += [
            "",
            f"Not asked about: {left}. To the gate this study says nothing of slices that take them in, such as all/all.",
        ]
    return lines
