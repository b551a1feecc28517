"""The run of a training that is at work: opened when it first tells of itself, fed with its points, ended with it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator

from ecom_llm.layout import Layout
from ecom_llm.params.location import HIDDEN, masked_address
from ecom_llm.records import Record, UserError
from ecom_llm.registry.connection import tracking_uri
from ecom_llm.registry.mending import mend_workspace
from ecom_llm.registry.recording import Candidate, flat_params
from ecom_llm.registry.runs import WORKSPACE, held_points, live_run, log_metrics
from ecom_llm.registry.versions import Registry, answered, open_registry, registry_at
from ecom_llm.train.told import Told

if TYPE_CHECKING:
    from mlflow.entities import Metric

Ending = Literal["FINISHED", "FAILED", "KILLED"]


@dataclass(frozen=True)
class LiveRun:
    """A run that is being fed, and the (metric, step) of the points it holds."""

    registry: Registry
    run_id: str
    held: set[tuple[str, int]]
    url: str | None
    """The run in MLflow's UI; None where no server stands."""

    def post(self, told: list[Told]) -> None:
        """Log the points the run does not hold yet: a training that goes back to a checkpoint tells steps again.

        Raises:
            UserError: MLflow refuses. Some of the points may be held now, so the run is to be opened again.
        """
        log_points(self.registry, self.run_id, new_points(told, self.held))

    def end(self, status: Ending) -> None:
        """Say how the training ended.

        Raises:
            UserError: MLflow refuses.
        """
        set_status(self.registry, self.run_id, status)


def new_points(told: list[Told], held: set[tuple[str, int]]) -> "list[Metric]":
    """The points of `told` that are not held, which are added to `held`."""
    from mlflow.entities import Metric

    points = []
    for one in told:
        for name, value in one.metrics().items():
            if (name, one.step) not in held:
                held.add((name, one.step))
                points.append(Metric(name, value, int(one.time * 1000), one.step))
    return points


@answered
def log_points(registry: Registry, run_id: str, points: "list[Metric]") -> None:
    log_metrics(registry.mlflow, run_id, points)


@answered
def set_status(registry: Registry, run_id: str, status: Ending) -> None:
    registry.mlflow.set_terminated(run_id, status)


@answered
def begin(registry: Registry, candidate: Candidate) -> LiveRun:
    """The workspace's run with its params: the same one however often it is asked for."""
    from mlflow.entities import Param

    client, workspace, experiment = registry.mlflow, candidate.layout.workspace.name, registry.experiment()
    run_id = live_run(client, experiment, workspace)
    if run_id is None:
        tags = {WORKSPACE: workspace, "snapshot": candidate.snapshot}
        name = f"{registry.model_name}-{workspace}"
        run_id = client.create_run(experiment, tags=tags, run_name=name).info.run_id
    client.log_batch(run_id, params=[Param(name, value) for name, value in flat_params(candidate.params)])
    return LiveRun(registry, run_id, held_points(client, run_id), registry.run_page(experiment, run_id))


def open_live_run(candidate: Candidate) -> LiveRun:
    """Open the run of a training, or find it again.

    Raises:
        UserError: MLflow does not answer, or refuses.
    """
    return begin(open_registry(candidate.params.registry.model_name, candidate.layout), candidate)


class Note(Record):
    """Where a workspace has a run that may pass for running; kept until it does not."""

    uri: Annotated[str, AfterValidator(masked_address)]
    """The store, without its password: the environment has that, and files of the state folder are no place for it."""
    model_name: str

    @classmethod
    def of(cls, model_name: str, layout: Layout) -> "Note":
        """The note of a run that is about to be opened."""
        return cls(uri=tracking_uri(layout), model_name=model_name)


def end_dead(note: Note, workspace: str, layout: Layout) -> list[str]:
    """End a dead workspace's runs, in the store in use or, where that one does not know them, in the one noted.

    A server that `ecom-llm up` kept has the embedded store behind it, and is gone: the store in use is asked first.

    Returns:
        What was mended, in words.

    Raises:
        UserError: a store that may hold such a run does not answer, or cannot be asked without its password.
    """
    used = tracking_uri(layout)
    mended = mend_workspace(registry_at(used, note.model_name, layout), workspace)
    if mended is None and masked_address(used) != note.uri:
        mended = mend_workspace(registry_at(with_password(note), note.model_name, layout), workspace)
    return mended or []


def with_password(note: Note) -> str:
    """The URI of a noted store that is not the one in use.

    Raises:
        UserError: it needs a password, which no note keeps.
    """
    if HIDDEN in note.uri:
        raise UserError(
            f"MLflow at {note.uri} may hold it, whose password is kept nowhere. "
            "Set MLFLOW_TRACKING_URI to that address, with the password, and run `ecom-llm reconcile`."
        )
    return note.uri
