"""The evidence as tables: one row a metric and slice, beside its baselines."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ecom_llm.evaluate.evidence import Evidence, Metrics


@dataclass(frozen=True, eq=False)
class Row:
    """One metric on one slice; `baselines` holds those that could be measured."""

    skill: str
    locale: str
    metric: str
    value: float
    baselines: Mapping[str, float]


def each(metrics: Metrics) -> Iterator[tuple[str, str, str, float]]:
    """(skill, locale, metric, value), in the order of the file."""
    for skill, locales in metrics.items():
        for locale, values in locales.items():
            for metric, value in values.items():
                yield skill, locale, metric, value


def rows(evidence: Evidence) -> list[Row]:
    """Every number of the evidence."""
    return [
        Row(
            skill,
            locale,
            metric,
            value,
            {
                name: found
                for name, metrics in evidence.baselines.items()
                if (found := metrics.get(skill, {}).get(locale, {}).get(metric)) is not None
            },
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
        lines.append(f"| {row.skill}/{row.locale} | {row.metric} | {row.value:.4g} | {' | '.join(cells)} |")
    return "\n".join(lines)


def flat_metrics(evidence: Evidence) -> dict[str, float]:
    """`describe.en.bleu` -> value, and `nearest_neighbour.describe.en.bleu` for baselines.

    MLflow's metric names take no `@`: `hit@10` becomes `hit_at_10`.
    """
    named = {"": evidence.metrics, **{f"{name}.": metrics for name, metrics in evidence.baselines.items()}}
    return {
        f"{prefix}{skill}.{locale}.{metric.replace('@', '_at_')}": value
        for prefix, metrics in named.items()
        for skill, locale, metric, value in each(metrics)
    }
