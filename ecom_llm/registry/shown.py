"""What MLflow shows of a version: params and metrics, held against the files they were logged from."""

import math

from ecom_llm.evaluate.evidence import read_evidence
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.promote.summary import flat_metrics
from ecom_llm.records import UserError
from ecom_llm.registry.recording import flat_params
from ecom_llm.registry.versions import Registry, Version, answered


def expected_params(files: Layout) -> dict[str, str]:
    """What was logged of params.yaml; nothing where it has other keys than today's program knows."""
    try:
        return dict(flat_params(load_params(files.params)))
    except UserError:
        return {}


def same(one: float | None, other: float) -> bool:
    """Whether two numbers are equal, or both are none."""
    return one == other or (one is not None and math.isnan(one) and math.isnan(other))


@answered
def other_numbers(registry: Registry, version: Version, files: Layout) -> str | None:
    """The first param or metric of which MLflow shows another value than the version's files have; None if all agree.

    Args:
        files: the version's params.yaml and reports.
    """
    shown = registry.mlflow.get_run(version.run_id).data
    for name, value in expected_params(files).items():
        if shown.params.get(name) != value:
            return f"param {name} in MLflow: expected {value} as in params.yaml, found {shown.params.get(name)}."
    for name, value in flat_metrics(read_evidence(files.metrics)).items():
        if not same(shown.metrics.get(name), value):
            return f"metric {name} in MLflow: expected {value} as in metrics.json, found {shown.metrics.get(name)}."
    return None
