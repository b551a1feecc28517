"""The values of every slice that outputs give: by their statistics, and of the texts as a set."""

from collections.abc import Sequence

from ecom_llm.evaluate.evidence import DIGITS, Metrics, Output, slice_value
from ecom_llm.evaluate.ngrams import distinct, percentile, self_bleu
from ecom_llm.evaluate.slicing import by_slice, ratio_metrics
from ecom_llm.promote.match import Entrant
from ecom_llm.skills import SKILLS


def of_the_set(outputs: Sequence[Output]) -> dict[str, float | None]:
    """The metrics that are about all texts of a slice together, of those that its skill has."""
    skill, locale = outputs[0].skill, outputs[0].locale
    known = SKILLS[skill].metrics if skill in SKILLS else ()
    texts = [one.text for one in outputs]
    overlaps = [one.ratios["longest_overlap"][0] for one in outputs if "longest_overlap" in one.ratios]
    found = {
        "distinct_4": lambda: distinct(texts, locale, 4),
        "self_bleu": lambda: self_bleu(texts, locale),
    }
    if overlaps:
        found |= {f"longest_overlap{at}": lambda at=at: percentile(overlaps, at) for at in ("_p50", "_p95", "_max")}
    return {name: make() for name, make in found.items() if name in known}


def values_of(candidate: Entrant) -> Metrics:
    """Every value that the outputs give, as `evaluate` rounds it."""
    metrics = ratio_metrics(candidate.outputs)
    for (skill, locale), outputs in by_slice(candidate.outputs).items():
        counted = dict.fromkeys(name for one in outputs for name in one.statistics)
        values = {name: slice_value(name, outputs) for name in counted}
        if candidate.evidence.objective == "causal":
            values |= of_the_set(outputs)
        known = {name: round(value, DIGITS) for name, value in values.items() if value is not None}
        metrics.setdefault(skill, {}).setdefault(locale, {}).update(known)
    return metrics
