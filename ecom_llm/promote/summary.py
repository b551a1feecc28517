"""The evidence as tables: one row a metric and slice, beside its baselines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from ecom_llm.evaluate.evidence import Evidence


@dataclass(frozen=True, eq=False)
class Row:
    """One metric on one slice; `baselines` holds those that could be measured."""

    skill: str
    locale: str
    metric: str
    value: float
    baselines: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    """System, `model` among them -> where the truth lies, of those of which it can be said."""

    differences: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Baseline -> model minus baseline on the same examples, with the ends of its interval, of those of which it can be said."""

    @property
    def shown(self) -> str:
        """The model's value with its interval."""
        low, high = self.intervals.get("model", (None, None))
        return f"{self.value:.4g}" if low is None else f"{self.value:.4g} ({low:.4g} to {high:.4g})"


V = TypeVar("V")
Slices = Mapping[str, Mapping[str, Mapping[str, V]]]
"""skill -> locale -> metric -> what is known there."""


def each(metrics: Slices[V]) -> Iterator[tuple[str, str, str, V]]:
    """(skill, locale, metric, value), in the order of the file."""
    for skill, locales in metrics.items():
        for locale, values in locales.items():
            for metric, value in values.items():
                yield skill, locale, metric, value


def of_systems(known: Mapping[str, Slices[V]], skill: str, locale: str, metric: str) -> dict[str, V]:
    """System -> what it has of a slice's metric, of those that have something."""
    found = {name: slices.get(skill, {}).get(locale, {}).get(metric) for name, slices in known.items()}
    return {name: one for name, one in found.items() if one is not None}


def rows(evidence: Evidence) -> list[Row]:
    """Every number of the evidence."""
    sure = {"model": evidence.intervals, **evidence.baseline_intervals}
    return [
        Row(
            skill,
            locale,
            metric,
            value,
            of_systems(evidence.baselines, skill, locale, metric),
            of_systems(sure, skill, locale, metric),
            of_systems(evidence.baseline_differences, skill, locale, metric),
        )
        for skill, locale, metric, value in each(evidence.metrics)
    ]


def metric_table(evidence: Evidence) -> str:
    """A Markdown table of every metric beside its baselines."""
    names = list(evidence.baselines)
    lines = [
        f"| skill/locale | metric | model | {' | '.join(name.replace('_', ' ') for name in names)} |",
        f"|---|---|--:|{'--:|' * len(names)}",
    ]
    for row in rows(evidence):
        cells = [f"{row.baselines[name]:.4g}" if name in row.baselines else "" for name in names]
        lines.append(f"| {row.skill}/{row.locale} | {row.metric} | {row.shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def flat_metrics(evidence: Evidence) -> dict[str, float]:
    """`describe.en.bleu` -> value, and `nearest_neighbour.describe.en.bleu` for baselines.

    The ends of the model's intervals follow their value in MLflow's lists, as `describe.en.bleu_high` and `_low`, and can be
    searched for; the baselines' stay in reports/metrics.json. MLflow's metric names take no `@`: `hit@10` becomes `hit_at_10`.
    """
    named = {"": evidence.metrics, **{f"{name}.": metrics for name, metrics in evidence.baselines.items()}}
    values = {
        f"{prefix}{mlflow_name(skill, locale, metric)}": value
        for prefix, metrics in named.items()
        for skill, locale, metric, value in each(metrics)
    }
    for skill, locale, metric, (low, high) in each(evidence.intervals):
        name = mlflow_name(skill, locale, metric)
        values |= {f"{name}_low": low, f"{name}_high": high}
    return values


def mlflow_name(skill: str, locale: str, metric: str) -> str:
    """A slice's metric as MLflow takes it."""
    return f"{skill}.{locale}.{metric.replace('@', '_at_')}"
