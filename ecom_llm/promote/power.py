"""Which rules this test set is too small to keep: they would refuse models that are as good as the champion."""

from collections.abc import Iterator, Sequence
from math import ceil
from statistics import NormalDist

from ecom_llm.params import Promote
from ecom_llm.promote.decision import Check


def too_fine(check: Check) -> bool:
    """Whether a rule allows a smaller loss than the test set tells from none."""
    return check.rule == "regression" and check.detectable is not None and check.detectable > -check.bound


def refused_by_chance(check: Check, rules: Promote) -> float:
    """How often a check refuses a model that is as good as the champion, 0 to 1.

    The inverse of `evaluate.paired.detectable`, with the normal distribution in the place of Student's.
    """
    normal = NormalDist()
    reach = normal.inv_cdf((1 + rules.confidence) / 2)
    error = check.detectable / (reach + normal.inv_cdf(rules.power))
    return normal.cdf(reach + check.bound / error)


def blind_spots(checks: Sequence[Check], rules: Promote) -> Iterator[str]:
    """A note for each metric whose rule asks for more than the test set tells, on the slice where it does so most."""
    found = sorted(filter(too_fine, checks), key=lambda check: check.detectable / -check.bound if check.bound else 0)
    for check in {(one.metric, one.bound): one for one in found}.values():  # the last of a key is its worst
        others = sum((one.metric, one.bound) == (check.metric, check.bound) for one in found) - 1
        also = f" ({others} more slices are alike)" if others > 1 else " (one more slice is alike)" if others else ""
        remedy = f"allow {check.detectable:.2g} (promote.regressions)"
        if check.bound:
            times = ceil((check.detectable / check.bound) ** 2)
            remedy = f"raise evaluate.max_examples ({times} times as many test examples tell it), or {remedy}"
        yield (
            f"{check.slice} {check.metric}: the rule allows a loss of {-check.bound:g}, and this test set tells one of "
            f"{check.detectable:.2g}{also}, so that it would refuse {refused_by_chance(check, rules):.0%} of models as good as the "
            f"champion: {remedy}."
        )
