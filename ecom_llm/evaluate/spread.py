"""How sure the evidence is: the intervals of each slice, for the model, its subsets and baselines, and of what lies between them."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ecom_llm.evaluate.bootstrap import METHOD, Interval, Resampling, Table, clustered, counting, intervals
from ecom_llm.evaluate.evidence import (
    DIGITS,
    Differences,
    Evidence,
    Intervals,
    Metrics,
    Output,
    Subset,
    slice_value,
)
from ecom_llm.evaluate.paired import pair_up
from ecom_llm.evaluate.subsets import ALL, within
from ecom_llm.evaluate.totals import applies, value_of
from ecom_llm.params import Evaluate

SIGNED = ("similarity", "pseudo_log_likelihood")
"""Metrics that may be negative; the symmetric interval of any other, such as a low BLEU, would reach below what is possible."""
UNBOUNDED = (*SIGNED, "bits_per_byte", "pseudo_bits_per_byte", "length_ratio", "longest_overlap")
"""Ratios that may be more than 1, or that are no share."""
MOST = {"bleu": 100.0, "chrf": 100.0, "chatglm_": 100.0, "rnnlg_bleu": 1.0}
"""How names begin of metrics -> the most they can be; of shares the interval itself ends at 1."""


def table_of(metric: str, outputs: Sequence[Output]) -> Table | None:
    """What a metric is computed from on a slice; None where its value is no function of sums, or has none there."""
    held = [(found, output.cluster) for output in outputs if (found := output.sums(metric)) is not None]
    if not held:
        return None
    rows, groups = zip(*held, strict=True)
    statistics = np.array(rows, dtype=np.float64)
    if not applies(metric, statistics):
        return None
    sums = clustered(statistics, groups)
    is_share = metric not in UNBOUNDED and not metric.startswith(tuple(MOST))
    return Table(sums[counting(sums)], value_of(metric), bounded=is_share)


def slice_intervals(metrics: Sequence[str], outputs: Sequence[Output], resampling: Resampling) -> dict[str, Interval]:
    """The interval of each metric on one slice; a metric that sums do not make is absent."""
    tables = {metric: table for metric in metrics if (table := table_of(metric, outputs)) is not None}
    return intervals(tables, resampling)


def bounds(found: Mapping[str, Interval]) -> dict[str, tuple[float, float]]:
    """Metric -> (low, high), of those that are known; no end lies where the metric cannot be."""
    least = {name: -np.inf if name in SIGNED else 0.0 for name in found}
    most = {name: next((end for start, end in MOST.items() if name.startswith(start)), np.inf) for name in found}
    return {
        name: (round(max(one.low, least[name]), DIGITS), round(min(one.high, most[name]), DIGITS))
        for name, one in found.items()
        if np.isfinite(one.low)
    }


def all_intervals(metrics: Metrics, outputs: Sequence[Output], resampling: Resampling) -> Intervals:
    """The intervals of one system's metrics. Slices of the same examples, as where there is one skill, are drawn once."""
    known: dict[tuple[str, ...], dict[str, tuple[float, float]]] = {}
    found: Intervals = {}
    for skill, locales in metrics.items():
        for locale, values in locales.items():
            chosen = within(outputs, skill, locale)
            key = (*values, "", *(output.id for output in chosen))
            if key not in known:
                known[key] = bounds(slice_intervals(list(values), chosen, resampling))
            if known[key]:
                found.setdefault(skill, {})[locale] = known[key]
    return found


def subset_slices(metrics: Metrics, outputs: Sequence[Output], least: int, resampling: Resampling) -> Iterator[Subset]:
    """The model on each subset, slice by slice where a slice holds at least `least` of its examples."""
    for name in sorted({name for output in outputs for name in output.subsets}):
        for skill, locales in metrics.items():
            for locale, values in locales.items():
                chosen = within(outputs, skill, locale, name)
                measured = {metric: slice_value(metric, chosen) for metric in values}
                known = {metric: round(value, DIGITS) for metric, value in measured.items() if value is not None}
                if len(chosen) >= least and known:
                    sure = bounds(slice_intervals(list(known), chosen, resampling))
                    yield Subset(
                        name=name, skill=skill, locale=locale, examples=len(chosen), metrics=known, intervals=sure
                    )


def paired_table(metric: str, ours: Sequence[Output], theirs: Sequence[Output]) -> Table | None:
    """Ours minus theirs of one metric as a value to be resampled; None where the two have it on different examples."""
    held = [{one.id for one in side if one.sums(metric) is not None} for side in (ours, theirs)]
    pair = pair_up(metric, ours, theirs, greater_is_better=True) if held[0] == held[1] else None
    return None if pair is None else pair.table


def of_skills(metrics: Metrics) -> Iterator[tuple[str, str, list[str]]]:
    """(skill, locale, metrics) of each skill; the total over locales only where there are several to add."""
    for skill, locales in metrics.items():
        for locale, values in locales.items():
            if skill != ALL and (locale != ALL or len(locales) > 2):
                yield skill, locale, list(values)


def differences(
    metrics: Metrics, theirs: Metrics, outputs: Sequence[Output], others: Sequence[Output], resampling: Resampling
) -> Differences:
    """Model minus baseline, skill by skill, for each metric that sums make and that both have on the same examples.

    Paired, so that how hard the examples are does not count (Koehn 2004): both stand in the same resamples of clusters.
    """
    found: Differences = {}
    for skill, locale, names in of_skills(metrics):
        known = theirs.get(skill, {}).get(locale, {})
        sides = [within(side, skill, locale) for side in (outputs, others)]
        tables = {name: table for name in names if name in known and (table := paired_table(name, *sides)) is not None}
        sure = {
            name: (round(one.estimate, DIGITS), round(one.low, DIGITS), round(one.high, DIGITS))
            for name, one in intervals(tables, resampling).items()
            if np.isfinite(one.low)
        }
        if sure:
            found.setdefault(skill, {})[locale] = sure
    return found


def weighed(
    evidence: Evidence, outputs: Sequence[Output], baselines: Mapping[str, Sequence[Output]], params: Evaluate
) -> Evidence:
    """The evidence with how sure it is.

    Args:
        evidence: every value.
        outputs: the model's, with their subsets.
        baselines: each baseline's outputs on the same examples.
        params: confidence, resamples, seed, and the least size of a subset's slice.
    """
    resampling = Resampling(params.confidence, params.bootstrap_samples, params.seed)
    return evidence.model_copy(
        update={
            "intervals": all_intervals(evidence.metrics, outputs, resampling),
            "baseline_intervals": {
                name: all_intervals(evidence.baselines[name], found, resampling) for name, found in baselines.items()
            },
            "baseline_differences": {
                name: differences(evidence.metrics, evidence.baselines[name], outputs, found, resampling)
                for name, found in baselines.items()
            },
            "subsets": tuple(subset_slices(evidence.metrics, outputs, params.min_subset_examples, resampling)),
            "method": f"{params.confidence:.0%}, {params.bootstrap_samples} resamples: {METHOD}",
        }
    )
