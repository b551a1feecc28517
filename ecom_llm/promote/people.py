"""What people said, at the gate: a rule that names one of their metrics is held against the lower end of its interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ecom_llm.human.estimates import Estimate, Precision
from ecom_llm.human.judgements import Verdicts
from ecom_llm.human.results import judged_whole, metrics_of, places, result, win_rate_metric
from ecom_llm.human.study import SCALES
from ecom_llm.params import HUMAN, Promote, Slice, Threshold
from ecom_llm.promote.decision import Check

AGAINST_CHAMPION = win_rate_metric("", registered=True)


@dataclass(frozen=True)
class Heard:
    """The studies stored with a candidate's version, and what they must be bound to to count."""

    version: str
    outputs: str
    """SHA-256 of the outputs.jsonl that is registered with the candidate."""
    champion: str | None
    """The champion's version; None: there is none, or it is the candidate."""
    champion_outputs: str | None
    studies: Sequence[Verdicts]
    """In the order in which they were stored."""


def named(metric: str) -> bool:
    """Whether a metric is one that people give."""
    return metric.startswith(HUMAN)


def asked(rules: Promote) -> bool:
    """Whether any rule names what people say."""
    return any(named(rule.metric) for rule in (rules.primary, *rules.thresholds))


def command(metric: str, heard: Heard) -> str:
    """How the study that a rule asks for is made."""
    start = f"ecom-llm study new {heard.version}"
    if metric == AGAINST_CHAMPION:
        return f"{start} --against {heard.champion}"
    if metric.removeprefix(HUMAN) in SCALES:
        return f"{start} --rate"
    return f"{start} --against {metric.removeprefix(f'{HUMAN}win_rate_')}"


def stale(study: Verdicts, heard: Heard) -> str | None:
    """Why a study no longer speaks of these versions, or None."""
    if study.candidate.outputs != heard.outputs:
        return f"study {study.study} judged other outputs of version {heard.version} than are registered now"
    other = study.other
    if other is None or other.version is None:
        return None
    if other.version != heard.champion:
        return (
            f"study {study.study} compared with version {other.version}, and the champion is version {heard.champion}"
        )
    if other.outputs != heard.champion_outputs:
        return f"study {study.study} judged other outputs of the champion than are registered now"
    return None


def fitting(metric: str, heard: Heard) -> tuple[list[Verdicts], str]:
    """The studies that give a metric and still hold, oldest first; without one, why, and the command that makes one."""
    having = [study for study in heard.studies if metric in metrics_of(study)]
    why = [stale(study, heard) for study in having]
    good = [study for study, reason in zip(having, why, strict=True) if reason is None]
    reasons = "; ".join(reason for reason in why if reason) or "there is no study that gives it"
    return good, "" if good else f"{reasons}. Make one: {command(metric, heard)}"


def slices(rule: Slice, studies: Sequence[Verdicts]) -> list[tuple[str, str]]:
    """The slices that a rule matches, of those that any study judged or was not to ask about.

    `*` takes each skill or locale there is, `all` must be named.
    """

    def fits(asked: str, found: str) -> bool:
        return asked == found or (asked == "*" and found != "all")

    there = {place for study in studies for place in (*study.slices, *study.not_asked)}
    return [(skill, locale) for skill, locale in places(there) if fits(rule.skill, skill) and fits(rule.locale, locale)]


def latest(studies: Sequence[Verdicts], skill: str, locale: str) -> tuple[Verdicts | None, str]:
    """The last study that judged all of a slice, and how it is called; a later one of another language takes nothing away."""
    having = [study for study in studies if judged_whole(study, skill, locale)]
    if not having:
        return None, ""
    which = f"the latest of {len(having)} studies" if len(having) > 1 else "the study"
    return having[-1], f"{which} {having[-1].study}"


def check(kind: str, rule: Slice, place: str, found: float | None, bound: float, passed: bool, reason: str) -> Check:
    said = f"{place} {rule.metric} {reason}"
    return Check(rule=kind, slice=place, metric=rule.metric, found=found, bound=bound, passed=passed, reason=said)


def held(
    kind: str, rule: Slice, place: str, found: Estimate | None, bound: float, precision: Precision, which: str
) -> Check:
    """One slice's number held against a bound: what decides is the end of the interval that is worse for the candidate."""
    if found is None or found.low is None or found.high is None:
        count = found.examples if found else 0
        reason = f"has no interval: {which} holds {count} examples of it, and promote.study.min_examples asks for {precision.min_examples}"
        return check(kind, rule, place, None, bound, False, reason)
    end = found.low if rule.greater_is_better else found.high
    within = end > bound if kind == "superior" else end >= bound if rule.greater_is_better else end <= bound
    wanted = "lie above" if kind == "superior" else "be at least" if rule.greater_is_better else "be at most"
    said = (
        f"is {found.value:.3g} by {which} ({precision.confidence:.0%} interval {found.low:.3g} to {found.high:.3g}, "
        f"{found.judgements} judgements of {found.examples} examples); its {'lower' if rule.greater_is_better else 'upper'} "
        f"end must {wanted} {bound:g}"
    )
    return check(kind, rule, place, end, bound, within, said)


def checks(kind: str, rule: Slice, bound: float, heard: Heard, precision: Precision) -> Iterator[Check]:
    """A rule about what people say, on every slice it matches; without a study that holds it refuses."""
    place = f"{rule.skill}/{rule.locale}"
    studies, why = fitting(rule.metric, heard)
    if not studies:
        yield check(kind, rule, place, None, bound, False, f"is not known: {why}")
        return
    names = " and ".join(study.study for study in studies)
    matched = slices(rule, studies)
    if not matched:
        yield check(kind, rule, place, None, bound, False, f"is not known: study {names} judged nothing of it")
    for skill, locale in matched:
        study, which = latest(studies, skill, locale)
        place = f"{skill}/{locale}"
        if study is None:
            reason = f"is not known: study {names} did not ask about all of it. Make one that does: {command(rule.metric, heard)}"
            yield check(kind, rule, place, None, bound, False, reason)
        else:
            found = result(study, rule.metric, skill, locale, precision)
            yield held(kind, rule, place, found, bound, precision, which)


def precision_of(rules: Promote, seed: int) -> Precision:
    """How the gate's rules want intervals made."""
    return Precision(rules.confidence, rules.bootstrap_samples, seed, rules.study.min_examples)


def without_rival(rule: Slice, heard: Heard) -> bool:
    """Whether a rule compares with a champion that is not there: then there is nothing to ask people."""
    return rule.metric == AGAINST_CHAMPION and heard.champion is None


def unheard(rules: Promote, heard: Heard) -> tuple[str, ...]:
    """Notes on the rules that compare with a champion that is not there."""
    skipped = [rule for rule in rules.thresholds if without_rival(rule, heard)]
    return tuple(
        f"{rule.skill}/{rule.locale} {rule.metric} is not asked for: there is no other champion to compare with."
        for rule in skipped
    )


def threshold_checks(rule: Threshold, heard: Heard, rules: Promote, seed: int) -> Iterator[Check]:
    """An absolute bound on what people say."""
    if not without_rival(rule, heard):
        yield from checks("threshold", rule, rule.threshold, heard, precision_of(rules, seed))


def superior_checks(heard: Heard, rules: Promote, seed: int) -> Iterator[Check]:
    """People must prefer the candidate to the champion: the interval of its win rate lies above one half by more than params ask for."""
    yield from checks("superior", rules.primary, 0.5 + rules.min_improvement, heard, precision_of(rules, seed))
