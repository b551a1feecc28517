"""The gate: evidence -> decision. It compares like with like, and refuses what it cannot measure."""

from collections.abc import Iterable, Iterator
from math import isfinite

from ecom_llm.evaluate.bootstrap import Interval
from ecom_llm.evaluate.evidence import PER_TOKEN, Evidence
from ecom_llm.params import Promote, Regression, Slice, SubsetRegression, Threshold
from ecom_llm.promote import people
from ecom_llm.promote.comparisons import alone, compare
from ecom_llm.promote.decision import Check, Comparison, GateDecision, rules_key
from ecom_llm.promote.match import Entrant, Match
from ecom_llm.promote.power import blind_spots
from ecom_llm.promote.sanity import sanity_checks, unjudged
from ecom_llm.promote.slices import incomparable, measured, named, slices
from ecom_llm.promote.trainings import counted, seeds_missing, stood
from ecom_llm.skills import SKILLS

__all__ = ["Entrant", "decide"]


def unmatched(kind: str, rule: Slice, bound: float | None) -> Check:
    """A rule that matches no slice would pass unseen: it refuses."""
    where = named(rule, rule.skill, rule.locale)
    reason = f"{where} {rule.metric} matches no slice of this run, so the rule cannot be kept; mend it in params.yaml, or in the recipe"
    return Check(rule=kind, slice=where, metric=rule.metric, found=None, bound=bound, passed=False, reason=reason)


def threshold_checks(rule: Threshold, evidence: Evidence) -> Iterator[Check]:
    """An absolute bound on every slice the rule matches."""
    matched = list(slices(rule, evidence))
    if not matched:
        yield unmatched("threshold", rule, rule.threshold)
    for skill, locale in matched:
        found = measured(evidence, rule.metric, skill, locale)
        asked = f"must be {'at least' if rule.greater_is_better else 'at most'} {rule.threshold:g}"
        said = "could not be measured" if found is None else f"is {found:.4g}"
        above = found is not None and found >= rule.threshold
        below = found is not None and found <= rule.threshold
        yield Check(
            rule="threshold",
            slice=f"{skill}/{locale}",
            metric=rule.metric,
            found=found,
            bound=rule.threshold,
            passed=above if rule.greater_is_better else below,
            reason=f"{skill}/{locale} {rule.metric} {said}, {asked}",
        )


def other_tokenizer(rule: Slice, match: Match) -> bool:
    """Perplexity counts per token, so it says nothing across tokenizers; bits per byte does."""
    return rule.metric in PER_TOKEN and not match.same_tokens


def comparison(match: Match, rule: Slice, skill: str, locale: str, interval: Interval) -> str:
    """What was compared, in words."""
    where = f"{named(rule, skill, locale)} {rule.metric}"
    values = " against the champion's ".join(
        "nothing" if value is None else f"{value:.4g}" for value in match.values(rule, skill, locale)
    )
    if not isfinite(interval.low):
        return f"{where} is {values}; no interval: too few examples hold it, or none in pairs"
    better = (
        f"{abs(interval.estimate):.3g} {'better' if interval.estimate > 0 else 'worse'}"
        if interval.estimate
        else "equal"
    )
    told = match.tells(interval)
    alike = "all examples differ alike" if interval.estimate else "no example differs"
    sight = alike if told is None else f"this test set tells differences of at least {told:.2g}"
    span = f"{match.rules.confidence:.0%} interval of the improvement {interval.low:+.3g} to {interval.high:+.3g}"
    return f"{where} is {values}: {better}{counted(match)} ({span}; {sight})"


def compared_check(kind: str, match: Match, rule: Slice, place: tuple[str, str], bound: float) -> Check:
    """The lower end of the improvement's interval against a bound: above it to be superior, at it to be no worse."""
    interval = match.interval(rule, *place)
    low = interval.low if isfinite(interval.low) else None
    asked = f"must lie above {bound:g}" if kind == "superior" else f"may lose at most {-bound:g}"
    return Check(
        rule=kind,
        slice=named(rule, *place),
        metric=rule.metric,
        found=low,
        bound=bound,
        passed=low is not None and (low > bound if kind == "superior" else low >= bound),
        reason=f"{comparison(match, rule, *place, interval)}, {asked}",
        detectable=match.tells(interval),
    )


def uncompared(kind: str, rule: Slice, place: tuple[str, str], bound: float, passed: bool, why: str) -> Check:
    """A check of a slice on which there is nothing to compare."""
    where = named(rule, *place)
    return Check(
        rule=kind, slice=where, metric=rule.metric, found=None, bound=bound, passed=passed, reason=f"{where} {why}"
    )


def superior_check(match: Match) -> Check:
    """The candidate must be better on the one primary slice, by so much as params ask for; a tie refuses."""
    rule, least = match.rules.primary, match.rules.min_improvement
    place = (rule.skill, rule.locale)
    if place not in slices(rule, match.candidate.evidence):
        return unmatched("superior", rule, least)
    if other_tokenizer(rule, match):
        why = (
            f"{rule.metric} is not compared between different tokenizers; make bits_per_byte the primary metric, or "
            "pseudo_bits_per_byte for a masked model"
        )
        return uncompared("superior", rule, place, least, False, why)
    return compared_check("superior", match, rule, place, least)


def regression_check(match: Match, rule: Regression, skill: str, locale: str) -> Check:
    """The worse end of the interval may lose at most `max_regression`."""
    place, bound = (skill, locale), -rule.max_regression
    if other_tokenizer(rule, match):
        why = f"{rule.metric} is not compared: the tokenizers differ"
        return uncompared("regression", rule, place, bound, True, why)
    if match.values(rule, *place)[1] is None:
        why = f"{rule.metric} was not measurable for the champion, so there is nothing to lose"
        return uncompared("regression", rule, place, bound, True, why)
    check = compared_check("regression", match, rule, place, bound)
    return check if check.passed or not may_choose(rule, skill) else as_people_do(match, check, place)


def may_choose(rule: Regression, skill: str) -> bool:
    """Whether a rule is about how much is stated, where a text need not state all: to state more is then no virtue."""
    chooses = skill in SKILLS and not SKILLS[skill].owes_all
    return chooses and rule.metric == "attribute_coverage" and not isinstance(rule, SubsetRegression)


def as_people_do(match: Match, check: Check, place: tuple[str, str]) -> Check:
    """A loss against a champion that states more than people do: what comes up to the references is enough."""
    people, own = match.of_people(check.metric, *place), match.own(check.metric, *place)
    if people is None or not own.low >= people + check.bound:
        return check
    reason = f"{check.reason}; but the references state {people:.3g} there, and it surely states {own.low:.3g}, which is enough"
    return check.model_copy(update={"passed": True, "reason": reason})


def places_of(match: Match, rule: Regression) -> list[tuple[str, str]]:
    """The slices a rule speaks of on which at least one of the two was measured; of a subset those the evidence has."""
    evidence = match.candidate.evidence
    matched = slices(rule, evidence)
    if isinstance(rule, SubsetRegression):
        known = {(one.skill, one.locale) for one in evidence.subsets if one.name == rule.subset}
        return [place for place in matched if place in known and match.values(rule, *place) != (None, None)]
    return [place for place in matched if match.values(rule, *place) != (None, None)]


def regression_checks(match: Match, rule: Regression) -> Iterator[Check]:
    """Every slice the rule matches."""
    matched = places_of(match, rule)
    if not matched:
        yield unmatched("regression", rule, -rule.max_regression)
    for skill, locale in matched:
        yield regression_check(match, rule, skill, locale)


def plain_check(kind: str, reason: str) -> Check:
    """A refusal that is about the versions, not about a metric."""
    return Check(rule=kind, slice="all/all", metric="", found=None, bound=None, passed=False, reason=reason)


def not_alike(match: Match) -> str | None:
    """Why the two cannot be compared, or None."""
    reason = incomparable(match.candidate.evidence, match.champion.evidence, match.rules)
    ours, theirs = ({output.id for output in entrant.outputs} for entrant in (match.candidate, match.champion))
    if reason is None and ours != theirs:
        return f"{len(ours ^ theirs)} test examples have an output of one alone; evaluate both again"
    return reason


def against(match: Match, heard: people.Heard) -> Iterator[Check]:
    """The comparison with the champion, or why there can be none."""
    reason = not_alike(match)
    if reason is not None:
        yield plain_check("comparable", f"not comparable with the champion, version {match.champion.version}: {reason}")
        return
    missing = seeds_missing(match)
    if missing is not None:
        yield plain_check("trainings", missing)
        return
    if people.named(match.rules.primary.metric):
        yield from people.superior_checks(heard, match.rules, match.seed)
    else:
        yield superior_check(match)
    for rule in (*match.rules.regressions, *match.rules.subset_regressions):
        yield from regression_checks(match, rule)


def bounds(candidate: Entrant, rules: Promote, heard: people.Heard, seed: int) -> Iterator[Check]:
    """The absolute bounds: on what was measured, and on what people say."""
    for rule in rules.thresholds:
        if people.named(rule.metric):
            yield from people.threshold_checks(rule, heard, rules, seed)
        else:
            yield from threshold_checks(rule, candidate.evidence)


def sight(comparisons: Iterable[Comparison], primary: Slice) -> Iterator[str]:
    """The note that says how small a difference the test set could tell on the primary slice, without a champion."""
    for one in comparisons:
        if (one.slice, one.metric) == (f"{primary.skill}/{primary.locale}", primary.metric) and one.detectable:
            yield (
                f"On {one.slice} {one.metric} this test set tells differences of at least {one.detectable:.2g} from a "
                "rival that shares nothing with the candidate; from one on the same examples mostly smaller ones."
            )


def beside(candidate: Entrant, champion: Entrant | None, rules: Promote, seed: int) -> tuple[Comparison, ...]:
    """Every slice beside the champion's; without a comparable champion, what the test set could tell."""
    if champion is None or champion.version == candidate.version:
        return alone(candidate.evidence, candidate.outputs, rules, seed)
    match = Match(candidate, champion, rules, seed)
    if not_alike(match) is not None:
        return ()
    return compare(match)


def decide(
    candidate: Entrant, champion: Entrant | None, rules: Promote, seed: int, heard: people.Heard | None = None
) -> GateDecision:
    """Judge a candidate: sanity, absolute thresholds, then superior on one slice and not worse on the others.

    Args:
        candidate: the version that wants to become champion.
        champion: the present champion, evaluated on the candidate's test set; None where there is none.
        rules: the gate's rules.
        seed: of the bootstrap's resamples; the same seed gives the same decision.
        heard: what people said of the candidate; None where nobody was asked.
    """
    rival = champion.version if champion is not None and champion.version != candidate.version else None
    heard = heard or people.Heard(candidate.version, "", rival, None, ())
    checks = [*sanity_checks(candidate, rules.sanity), *bounds(candidate, rules, heard, seed)]
    notes: tuple[str, ...] = ()
    if champion is None:
        notes = ("There is no champion yet: sanity and thresholds alone decide.",)
    elif champion.version == candidate.version:
        notes = (
            "It is the champion already: the thresholds were checked again, and there is nothing to compare with.",
        )
    else:
        match = Match(candidate, champion, rules, seed)
        checks += against(match, heard)
        notes = tuple(stood(match)) if not_alike(match) is None else ()
    comparisons = beside(candidate, champion, rules, seed)
    if rival is None:
        notes = (*notes, *sight(comparisons, rules.primary))
    if candidate.rolled_back:
        checks.append(
            plain_check("rolled_back", "it was rolled back and does not return by itself; promote it by hand")
        )
    return GateDecision(
        approved=all(check.passed for check in checks),
        model_name=candidate.model_name,
        candidate=candidate.version,
        compared_with=rival,
        rules_key=rules_key(rules),
        checks=tuple(checks),
        comparisons=comparisons,
        notes=(*notes, *blind_spots(checks, rules), *unjudged(candidate, rules.sanity), *people.unheard(rules, heard)),
    )
