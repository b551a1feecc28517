"""Which slices a rule speaks of, what was measured there, and whether two evidences can be compared at all."""

from collections.abc import Iterator
from math import isfinite

from ecom_llm.evaluate.evidence import LIKELIHOODS, Evidence
from ecom_llm.evaluate.subsets import ALL
from ecom_llm.params import Promote, Slice, SubsetRegression
from ecom_llm.skills import SKILLS


def subset_of(rule: Slice) -> str:
    """The subset a rule is about, or `all`."""
    return rule.subset if isinstance(rule, SubsetRegression) else ALL


def named(rule: Slice, skill: str, locale: str) -> str:
    """The slice as a check names it: `describe/en`, or `describe/en[category=dress]`."""
    subset = subset_of(rule)
    return f"{skill}/{locale}" if subset == ALL else f"{skill}/{locale}[{subset}]"


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


def compared(rules: Promote) -> list[str]:
    """The metrics by which a candidate is held against the champion."""
    return sorted({rule.metric for rule in (rules.primary, *rules.regressions, *rules.subset_regressions)})


def two_ways(candidate: Evidence, champion: Evidence, metric: str) -> list[str]:
    """The locales in which a metric has two signatures: numbers of two signatures are no numbers of one metric."""
    ours, theirs = (evidence.signatures.get(metric, {}) for evidence in (candidate, champion))
    return [locale for locale in sorted(ours.keys() & theirs.keys()) if ours[locale] != theirs[locale]]


def measured_otherwise(candidate: Evidence, champion: Evidence, rules: Promote) -> str | None:
    """Which compared metric was measured in two ways, or None."""
    for metric in compared(rules):
        for locale in two_ways(candidate, champion, metric):
            ours, theirs = (evidence.signatures[metric][locale] for evidence in (candidate, champion))
            return (
                f"{metric}/{locale} was measured in two ways, signature {ours} and {theirs}; "
                "evaluate the champion as the candidate was"
            )
    return None


def looked_up_elsewhere(candidate: Evidence, champion: Evidence) -> bool:
    """Whether the same test examples were measured beside other data; of evidence that does not tell nothing is said."""
    return bool(candidate.prepared and champion.prepared) and candidate.prepared != champion.prepared


def incomparable(candidate: Evidence, champion: Evidence, rules: Promote) -> str | None:
    """Why two evidences cannot be compared, or None: the same test examples, skills, locales and ways of measuring make them alike."""
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
    if looked_up_elsewhere(candidate, champion):
        return (
            f"they were measured beside different data ({candidate.prepared[:8]} and {champion.prepared[:8]}), in which metrics look up "
            "values, items and earlier answers; evaluate the champion on the candidate's data"
        )
    ours, theirs = (
        {f"{skill}/{locale}" for skill, locales in evidence.metrics.items() for locale in locales}
        for evidence in (candidate, champion)
    )
    if ours != theirs:
        return f"they differ in skills or locales: {', '.join(sorted(ours ^ theirs))} is in one alone"
    return measured_otherwise(candidate, champion, rules)
