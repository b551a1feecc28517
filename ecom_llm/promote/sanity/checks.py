"""The sanity rules as checks of the decision: a line for each refusal, and one for each rule that all slices keep."""

from collections.abc import Iterator, Sequence
from itertools import chain

from ecom_llm.evaluate.slicing import by_slice
from ecom_llm.params import Sanity
from ecom_llm.promote.decision import Check
from ecom_llm.promote.match import Entrant
from ecom_llm.promote.sanity.faults import faults, no_texts, personal_data
from ecom_llm.promote.sanity.finding import Finding, Texts
from ecom_llm.promote.sanity.following import following
from ecom_llm.promote.sanity.likeness import RULES
from ecom_llm.skills import SKILLS


def written_slices(candidate: Entrant) -> list[Texts]:
    """The slices in which texts are written; a recommendation is a title of the shop, and a masked model writes nothing."""
    if candidate.evidence.objective == "masked":
        return []
    return [
        Texts(skill, locale, outputs, candidate.evidence)
        for (skill, locale), outputs in by_slice(candidate.outputs).items()
        if skill not in SKILLS or "hit@10" not in SKILLS[skill].metrics
    ]


def findings(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Every rule on one slice; on one with few texts, only what it says of persons, and whether it is a text at all."""
    yield personal_data(texts, rules)
    yield from no_texts(texts, rules)
    if len(texts.outputs) >= rules.min_examples:
        yield from faults(texts, rules)
        yield from chain.from_iterable(rule(texts, rules) for rule in RULES)


def refused(one: Finding) -> Check:
    """A rule that one slice does not keep."""
    such = f"; see {one.example}" if one.example else ""
    return as_check(one, f"{one.slice} {one.measure}: {one.said}{such}")


def kept(found: Sequence[Finding]) -> Check:
    """A rule that all slices keep: the one that comes nearest to its bound stands for them."""
    nearest = min(found, key=lambda one: one.room)
    place = f"{nearest.slice}, of {len(found)} slices the nearest to its bound" if len(found) > 1 else nearest.slice
    return as_check(nearest, f"{nearest.measure}: {nearest.said} ({place})")


def as_check(one: Finding, reason: str) -> Check:
    return Check(
        rule="sanity",
        slice=one.slice,
        metric=one.measure,
        found=one.found,
        bound=one.bound,
        passed=one.passed,
        reason=reason,
    )


def sanity_checks(candidate: Entrant, rules: Sanity) -> Iterator[Check]:
    """What no model may do, whatever else is asked of it: first whether its numbers follow from its outputs.

    Args:
        candidate: with its outputs and what was measured on them.
        rules: how far texts may be from their references.
    """
    yield from following(candidate, rules)
    measures: dict[str, list[Finding]] = {}
    for texts in written_slices(candidate):
        for one in findings(texts, rules):
            measures.setdefault(one.measure, []).append(one)
    for found in measures.values():
        beyond = [refused(one) for one in found if not one.passed]
        yield from beyond or [kept(found)]


def unjudged(candidate: Entrant, rules: Sanity) -> tuple[str, ...]:
    """The note that names slices with too few texts to be judged."""
    few = [texts.name for texts in written_slices(candidate) if len(texts.outputs) < rules.min_examples]
    if not few:
        return ()
    return (
        f"Too few texts to judge more than whether they are any (promote.sanity.min_examples: {rules.min_examples}): {', '.join(few)}. "
        "Raise evaluate.max_examples, or collect more.",
    )
