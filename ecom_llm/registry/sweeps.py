"""Sweeps in MLflow: a run for the sweep, nested in it one for each trial; what a killed sweep left running is ended."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.params import Params
from ecom_llm.params.space import Values
from ecom_llm.registry.connection import alone
from ecom_llm.registry.recording import curve_left, log_params, log_points
from ecom_llm.registry.runs import PARENT, WORKSPACE, end_running
from ecom_llm.registry.versions import Registry, Version, answered


@dataclass(frozen=True)
class SweepRuns:
    """The run of one sweep, and where its trials' runs go."""

    registry: Registry
    experiment: str
    run_id: str
    workspace: str
    """Name of the worktree it works from: by that the runs are found when its process is dead."""

    @contextmanager
    def trial(self, number: int, values: Values) -> Iterator[str]:
        """The nested run of a trial; it ends as the block does. Yields its id."""
        tags = {PARENT: self.run_id, WORKSPACE: self.workspace, "trial": str(number)} | {
            name: str(value) for name, value in values.items()
        }
        run_id = start(self.registry, self.experiment, f"trial {number}", tags)
        with ending(self.registry, run_id):
            yield run_id

    def describe(self, run_id: str, params: Params, snapshot: str, workspace: str) -> None:
        """Every param of a trial, with dots as in params.yaml, the commit of what it works on, and the name of its worktree."""
        describe(self.registry, run_id, params, snapshot, workspace)

    def log_outcome(self, run_id: str, objective: float, curve: Path) -> None:
        """The trial's objective, and its training curve at its steps."""
        log_outcome(self.registry, run_id, objective, curve)

    def log_results(self, best: str, objective: float, texts: dict[str, str], picture: Path) -> None:
        """Log the sweep's results.

        Args:
            best: id of the best trial's run.
            objective: its objective.
            texts: artifact -> content.
            picture: its optimisation history.
        """
        log_results(self.registry, self.run_id, best, objective, texts, picture)

    def link(self, best: str, version: Version) -> None:
        """Lead from the sweep and its best trial to the version that was registered of it, and back."""
        link(self.registry, (self.run_id, best), version)


@contextmanager
def open_sweep_runs(registry: Registry, name: str, workspace: str) -> Iterator[SweepRuns]:
    """The run of the sweep of that name: a new one, or the one that a sweep cut short has left."""
    experiment, run_id = begin(registry, name, workspace)
    with ending(registry, run_id):
        yield SweepRuns(registry, experiment, run_id, workspace)


@contextmanager
def ending(registry: Registry, run_id: str) -> Iterator[None]:
    """End a run as the block ends: finished, failed by an error, or killed by an interruption."""
    try:
        yield
    except BaseException as error:  # Ctrl-C and Prefect's cancellation are no Exception
        end(registry, run_id, "FAILED" if isinstance(error, Exception) else "KILLED")
        raise
    end(registry, run_id, "FINISHED")


@answered
def begin(registry: Registry, name: str, workspace: str) -> tuple[str, str]:
    """Find or make the sweep's run; returns the ids of experiment and run. Trials that a kill left running end."""
    with alone(registry.locks, "registration"):
        experiment = registry.experiment()
    known = registry.mlflow.search_runs([experiment], f"tags.sweep = '{name}'", max_results=1)
    if not known:
        return experiment, start(registry, experiment, f"sweep {name}", {"sweep": name, WORKSPACE: workspace})
    run_id = known[0].info.run_id
    end_running(registry.mlflow, experiment, f"tags.`{PARENT}` = '{run_id}'")
    registry.mlflow.set_tag(run_id, WORKSPACE, workspace)
    registry.mlflow.update_run(run_id, status="RUNNING")
    return experiment, run_id


@answered
def start(registry: Registry, experiment: str, name: str, tags: dict[str, str]) -> str:
    """A new run, running."""
    return registry.mlflow.create_run(experiment, run_name=name, tags=tags).info.run_id


@answered
def end(registry: Registry, run_id: str, status: str) -> None:
    """Set a run's last status."""
    registry.mlflow.set_terminated(run_id, status)


@answered
def describe(registry: Registry, run_id: str, params: Params, snapshot: str, workspace: str) -> None:
    """Say what a trial is made of. By the name of its worktree, what its training tells finds this run."""
    registry.mlflow.set_tag(run_id, "snapshot", snapshot)
    registry.mlflow.set_tag(run_id, WORKSPACE, workspace)
    log_params(registry.mlflow, run_id, params)


@answered
def log_outcome(registry: Registry, run_id: str, objective: float, curve: Path) -> None:
    """Objective, and what of the training curve did not come while it trained."""
    log_points(registry.mlflow, run_id, [("objective", objective, 0), *curve_left(registry.mlflow, run_id, curve)])


@answered
def log_results(
    registry: Registry, run_id: str, best: str, objective: float, texts: dict[str, str], picture: Path
) -> None:
    """What came of the sweep, with its own run."""
    registry.mlflow.log_metric(run_id, "objective", objective)
    registry.mlflow.set_tag(run_id, "best_trial_run_id", best)
    for name, text in texts.items():
        registry.mlflow.log_text(run_id, text, name)
    registry.mlflow.log_artifact(run_id, str(picture))


@answered
def link(registry: Registry, runs: tuple[str, ...], version: Version) -> None:
    """Tags in both directions."""
    for run_id in runs:
        registry.mlflow.set_tag(run_id, "model_version", version.number)
        registry.mlflow.set_tag(run_id, "registered_run_id", version.run_id)
    registry.mlflow.set_model_version_tag(version.model_name, version.number, "sweep_run_id", runs[0])
