"""Outputs -> the value of every slice that can be had from them alone: by evaluation, and by the gate once more."""

from collections.abc import Sequence

from ecom_llm.evaluate.evidence import DIGITS, WITHIN_LOCALE, Metrics, Output, slice_value
from ecom_llm.evaluate.subsets import ALL


def ratio_metrics(found: Sequence[Output]) -> Metrics:
    """The metrics that are ratios of sums: per skill and locale, over all locales, over all skills, and over both."""
    slices: dict[tuple[str, str], list[Output]] = {}
    for output in found:
        for skill in (output.skill, ALL):
            for locale in (output.locale, ALL):
                slices.setdefault((skill, locale), []).append(output)
    metrics: Metrics = {}
    for (skill, locale), chosen in slices.items():
        names = dict.fromkeys(name for output in chosen for name in output.ratios)
        if ALL in (skill, locale):
            names = [name for name in names if not name.startswith(WITHIN_LOCALE)]
        values = {name: slice_value(name, chosen) for name in names}
        known = {name: round(value, DIGITS) for name, value in values.items() if value is not None}
        metrics.setdefault(skill, {}).setdefault(locale, {}).update(known)
    return metrics


def by_slice(outputs: Sequence[Output]) -> dict[tuple[str, str], list[Output]]:
    """(skill, locale) -> its outputs, in order."""
    found: dict[tuple[str, str], list[Output]] = {}
    for output in outputs:
        found.setdefault((output.skill, output.locale), []).append(output)
    return found
