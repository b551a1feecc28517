"""The gate: evidence -> decision. It compares like with like, and refuses what it cannot measure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

from ecom_llm.evaluate.evidence import LIKELIHOODS, PER_TOKEN, Evidence, Output
from ecom_llm.params import Promote, Regression, Slice, Threshold
from ecom_llm.promote import people
from ecom_llm.promote.decision import Check, GateDecision, rules_key
from ecom_llm.promote.intervals import Interval, improvement
from ecom_llm.skills import SKILLS


@dataclass(frozen=True)
class Entrant:
    """A model version at the gate, with what was measured on it."""

    model_name: str
    version: str
    evidence: Evidence
    outputs: Sequence[Output]
    rolled_back: bool = False
    """Whether it was champion once and was rolled back: then it does not come back by itself."""


@dataclass(frozen=True)
class Match:
    """Candidate and champion on one test set, and how finely they are compared."""

    candidate: Entrant
    champion: Entrant
    rules: Promote
    seed: int

    def interval(self, rule: Slice, skill: str, locale: str) -> Interval:
        """The candidate's improvement over the champion on one slice."""
        return improvement(
            rule.metric,
            within(self.candidate.outputs, skill, locale),
            within(self.champion.outputs, skill, locale),
            greater_is_better=rule.greater_is_better,
            confidence=self.rules.confidence,
            samples=self.rules.bootstrap_samples,
            seed=self.seed,
        )


def within(outputs: Sequence[Output], skill: str, locale: str) -> list[Output]:
    """The outputs of a slice; `all` takes every one."""
    return [output for output in outputs if skill in ("all", output.skill) and locale in ("all", output.locale)]


def measured(evidence: Evidence, metric: str, skill: str, locale: str) -> float | None:
    """A slice's value; None where it is missing or not finite."""
    value = evidence.metrics.get(skill, {}).get(locale, {}).get(metric)
    return value if value is not None and isfinite(value) else None


def judges(metric: str, skill: str) -> bool:
    """Whether a skill is judged by a metric: `*` takes only those, since a recommendation has no BLEU."""
    if metric == "similarity":
        return "hit@10" not in SKILLS[skill].metrics if skill in SKILLS else True
    return metric in LIKELIHOODS or skill not in SKILLS or metric in SKILLS[skill].metrics


def slices(rule: Slice, evidence: Evidence) -> Iterator[tuple[str, str]]:
    """The (skill, locale) pairs a rule speaks of. `*` takes each skill or locale there is; `all` must be named."""
    for skill, locales in evidence.metrics.items():
        if skill == rule.skill or (rule.skill == "*" and skill != "all" and judges(rule.metric, skill)):
            for locale in locales:
                if locale == rule.locale or (rule.locale == "*" and locale != "all"):
                    yield skill, locale


def incomparable(candidate: Evidence, champion: Evidence) -> str | None:
    """Why two evidences cannot be compared, or None: the same test examples, skills and locales make them alike."""
    if candidate.objective != champion.objective:
        return (
            f"one is {candidate.objective} and the other {champion.objective}, which no metric compares; "
            "give each a registry.model_name of its own"
        )
    if candidate.test_set != champion.test_set:
        return (
            f"they were measured on different test sets ({candidate.test_set[:8]} and {champion.test_set[:8]}); "
            "evaluate the champion on the candidate's test set"
        )
    ours, theirs = (
        {f"{skill}/{locale}" for skill, locales in evidence.metrics.items() for locale in locales}
        for evidence in (candidate, champion)
    )
    if ours != theirs:
        return f"they differ in skills or locales: {', '.join(sorted(ours ^ theirs))} is in one alone"
    return None


def unmatched(kind: str, rule: Slice, bound: float | None) -> Check:
    """A rule that matches no slice would pass unseen: it refuses."""
    where = f"{rule.skill}/{rule.locale}"
    reason = f"{where} {rule.metric} matches no slice of this run, so the rule cannot be kept; mend it in params.yaml"
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
    return rule.metric in PER_TOKEN and match.candidate.evidence.tokenizer != match.champion.evidence.tokenizer


def comparison(match: Match, rule: Slice, skill: str, locale: str, interval: Interval) -> str:
    """What was compared, in words."""
    ours = measured(match.candidate.evidence, rule.metric, skill, locale)
    theirs = measured(match.champion.evidence, rule.metric, skill, locale)
    values = " against the champion's ".join("nothing" if value is None else f"{value:.4g}" for value in (ours, theirs))
    if not isfinite(interval.low):
        return f"{skill}/{locale} {rule.metric} is {values}; no interval: too few examples hold it, or none in pairs"
    better = (
        f"{abs(interval.estimate):.3g} {'better' if interval.estimate > 0 else 'worse'}"
        if interval.estimate
        else "equal"
    )
    span = f"{match.rules.confidence:.0%} interval of the improvement {interval.low:+.3g} to {interval.high:+.3g}"
    return f"{skill}/{locale} {rule.metric} is {values}: {better} ({span})"


def superior_check(match: Match) -> Check:
    """The candidate must be better on the one primary slice; a tie refuses."""
    rule = match.rules.primary
    if (rule.skill, rule.locale) not in slices(rule, match.candidate.evidence):
        return unmatched("superior", rule, 0.0)
    if other_tokenizer(rule, match):
        said, low = (
            f"{rule.metric} is not compared between different tokenizers; make bits_per_byte the primary metric, or "
            "pseudo_bits_per_byte for a masked model",
            None,
        )
    else:
        interval = match.interval(rule, rule.skill, rule.locale)
        said = f"{comparison(match, rule, rule.skill, rule.locale, interval)}, must lie above 0"
        low = interval.low if isfinite(interval.low) else None
    return Check(
        rule="superior",
        slice=f"{rule.skill}/{rule.locale}",
        metric=rule.metric,
        found=low,
        bound=0.0,
        passed=low is not None and low > 0,
        reason=said,
    )


def regression_check(match: Match, rule: Regression, skill: str, locale: str) -> Check:
    """The worse end of the interval may lose at most `max_regression`."""
    if other_tokenizer(rule, match):
        low, passed = None, True
        said = f"{skill}/{locale} {rule.metric} is not compared: the tokenizers differ"
    elif measured(match.champion.evidence, rule.metric, skill, locale) is None:
        low, passed = None, True
        said = f"{skill}/{locale} {rule.metric} was not measurable for the champion, so there is nothing to lose"
    else:
        interval = match.interval(rule, skill, locale)
        low = interval.low if isfinite(interval.low) else None
        passed = low is not None and low >= -rule.max_regression
        said = f"{comparison(match, rule, skill, locale, interval)}, may lose at most {rule.max_regression:g}"
    return Check(
        rule="regression",
        slice=f"{skill}/{locale}",
        metric=rule.metric,
        found=low,
        bound=-rule.max_regression,
        passed=passed,
        reason=said,
    )


def regression_checks(match: Match, rule: Regression) -> Iterator[Check]:
    """Every slice the rule matches and at least one of the two was measured on."""
    both = (match.candidate.evidence, match.champion.evidence)
    matched = [
        place
        for place in slices(rule, match.candidate.evidence)
        if any(measured(evidence, rule.metric, *place) is not None for evidence in both)
    ]
    if not matched:
        yield unmatched("regression", rule, -rule.max_regression)
    for skill, locale in matched:
        yield regression_check(match, rule, skill, locale)


def plain_check(kind: str, reason: str) -> Check:
    """A refusal that is about the versions, not about a metric."""
    return Check(rule=kind, slice="all/all", metric="", found=None, bound=None, passed=False, reason=reason)


def against(match: Match, heard: people.Heard) -> Iterator[Check]:
    """The comparison with the champion, or why there can be none."""
    reason = incomparable(match.candidate.evidence, match.champion.evidence)
    ours, theirs = ({output.id for output in entrant.outputs} for entrant in (match.candidate, match.champion))
    if reason is None and ours != theirs:
        reason = f"{len(ours ^ theirs)} test examples have an output of one alone; evaluate both again"
    if reason is not None:
        yield plain_check("comparable", f"not comparable with the champion, version {match.champion.version}: {reason}")
        return
    if people.named(match.rules.primary.metric):
        yield from people.superior_checks(heard, match.rules, match.seed)
    else:
        yield superior_check(match)
    for rule in match.rules.regressions:
        yield from regression_checks(match, rule)


def bounds(candidate: Entrant, rules: Promote, heard: people.Heard, seed: int) -> Iterator[Check]:
    """The absolute bounds: on what was measured, and on what people say."""
    for rule in rules.thresholds:
        if people.named(rule.metric):
            yield from people.threshold_checks(rule, heard, rules, seed)
        else:
            yield from threshold_checks(rule, candidate.evidence)


def decide(
    candidate: Entrant, champion: Entrant | None, rules: Promote, seed: int, heard: people.Heard | None = None
) -> GateDecision:
    """Judge a candidate: absolute thresholds, then superior on one slice and not worse on the others.

    Args:
        candidate: the version that wants to become champion.
        champion: the present champion, evaluated on the candidate's test set; None where there is none.
        rules: the gate's rules.
        seed: of the bootstrap's resamples; the same seed gives the same decision.
        heard: what people said of the candidate; None where nobody was asked.
    """
    rival = champion.version if champion is not None and champion.version != candidate.version else None
    heard = heard or people.Heard(candidate.version, "", rival, None, ())
    checks = list(bounds(candidate, rules, heard, seed))
    notes: tuple[str, ...] = ()
    if champion is None:
        notes = ("There is no champion yet: the thresholds alone decide.",)
    elif champion.version == candidate.version:
        notes = (
            "It is the champion already: the thresholds were checked again, and there is nothing to compare with.",
        )
    else:
        checks += against(Match(candidate, champion, rules, seed), heard)
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
        notes=(*notes, *people.unheard(rules, heard)),
    )
