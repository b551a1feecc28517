"""Runs in MLflow: the experiment they lie in, what they hold, which belongs to a workspace, and how dead ones end."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

BATCH = 1000
"""Metrics MLflow takes at once."""
WORKSPACE = "workspace"
"""Tag with the name of the worktree a run works in, which no other flow run ever has."""
PARENT = "mlflow.parentRunId"
"""The tag by which MLflow's UI nests runs."""


def experiment_id(client: "MlflowClient", name: str, artifact_location: str | None) -> str:
    """The id of an experiment, made on first use."""
    found = client.get_experiment_by_name(name)
    return found.experiment_id if found else client.create_experiment(name, artifact_location=artifact_location)


def live_run(client: "MlflowClient", experiment: str, workspace: str) -> str | None:
    """The run that a training in that workspace opened and no registration has taken yet; the latter tags it `lock`."""
    found = client.search_runs([experiment], f"tags.{WORKSPACE} = '{workspace}'")
    return next((run.info.run_id for run in found if "lock" not in run.data.tags), None)


def held_points(client: "MlflowClient", run_id: str) -> set[tuple[str, int]]:
    """(metric, step) of every point a run holds: MLflow keeps a point that is logged twice twice."""
    names = client.get_run(run_id).data.metrics
    return {(name, point.step) for name in names for point in client.get_metric_history(run_id, name)}


def log_metrics(client: "MlflowClient", run_id: str, metrics: "Sequence[Metric]") -> None:
    """Log any number of points, as many at once as MLflow takes."""
    for start in range(0, len(metrics), BATCH):
        client.log_batch(run_id, metrics=metrics[start : start + BATCH])


def end_running(client: "MlflowClient", experiment: str, condition: str) -> list[str]:
    """Mark runs as killed that still pass for running though nothing works for them; return their ids."""
    found = client.search_runs([experiment], f"{condition} and attributes.status = 'RUNNING'")
    for run in found:
        client.set_terminated(run.info.run_id, "KILLED")
    return [run.info.run_id for run in found]
