"""What other gates let through: BLEU, one float against another, and MLflow's validation with point thresholds."""

from collections.abc import Mapping
from math import isfinite

from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.params import Promote
from ecom_llm.promote.slices import slices

GATES = ("BLEU", "loss", "MLflow")


def mean_bleu(evidence: Evidence) -> float:
    """The mean of the slices' BLEU; NaN where none is measured."""
    found = [values["bleu"] for locales in evidence.metrics.values() for values in locales.values() if "bleu" in values]
    return sum(found) / len(found) if found else float("nan")


def by_bleu(candidate: Evidence, champion: Evidence) -> bool:
    """At least the champion's BLEU."""
    return mean_bleu(candidate) >= mean_bleu(champion)


def loss(evidence: Evidence) -> float:
    """Bits per byte over everything."""
    return evidence.metrics.get("all", {}).get("all", {}).get("bits_per_byte", float("nan"))


def by_loss(candidate: Evidence, champion: Evidence) -> bool:
    """A lower loss than the champion's."""
    return loss(candidate) < loss(champion)


def named(evidence: Evidence) -> dict[str, float]:
    """`describe.en.bleu` -> value, of those that are numbers."""
    return {
        f"{skill}.{locale}.{metric.replace('@', '_at_')}": value
        for skill, locales in evidence.metrics.items()
        for locale, values in locales.items()
        for metric, value in values.items()
        if isfinite(value)
    }


def by_mlflow(candidate: Evidence, champion: Evidence, rules: Promote) -> bool:
    """`mlflow.validate_evaluation_results`: every threshold of params, and no higher loss than the champion's."""
    from mlflow.models import MetricThreshold
    from mlflow.models.evaluation import EvaluationResult
    from mlflow.models.evaluation.validation import ModelValidationFailedException, validate_evaluation_results

    asked = {
        f"{skill}.{locale}.{rule.metric.replace('@', '_at_')}": MetricThreshold(
            threshold=rule.threshold, greater_is_better=rule.greater_is_better
        )
        for rule in rules.thresholds
        for skill, locale in slices(rule, champion)
    }
    asked["all.all.bits_per_byte"] = MetricThreshold(min_relative_change=0.0, greater_is_better=False)
    results = [EvaluationResult(named(one), {}, run_id="") for one in (candidate, champion)]
    try:
        validate_evaluation_results(asked, results[0], results[1])
    except ModelValidationFailedException:
        return False
    return True


def let_through(candidate: Evidence | None, champion: Evidence, rules: Promote) -> Mapping[str, bool]:
    """Gate -> whether it would promote the candidate; without numbers none does."""
    if candidate is None:
        return dict.fromkeys(GATES, False)
    told = (by_bleu(candidate, champion), by_loss(candidate, champion), by_mlflow(candidate, champion, rules))
    return dict(zip(GATES, told, strict=True))
