"""Trainings by other seeds, kept with the version whose recipe they share: what they wrote, never their weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.evaluate.evidence import Output
from ecom_llm.layout import Layout
from ecom_llm.records import read_jsonl
from ecom_llm.registry.runs import PARENT, live_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def at(root: Path, seed: int) -> Path:
    """Where a training's files lie, below the artifacts of the version's run."""
    return root / "trainings" / str(seed)


def log_training(client: "MlflowClient", run_id: str, seed: int, layout: Layout) -> None:
    """Log what says how a training was made and what it is worth, laid out as in its workspace."""
    for path in (layout.lock, layout.params, layout.curve, layout.metrics, layout.outputs):
        place = at(Path(), seed) / path.relative_to(layout.workspace).parent
        client.log_artifact(run_id, str(path), str(place))


def read_training(client: "MlflowClient", run_id: str, seed: int, folder: Path) -> list[Output]:
    """The outputs of a training that was logged."""
    found = Layout(at(folder, seed), folder).outputs
    client.download_artifacts(run_id, str(found.relative_to(folder)), str(folder))
    return list(read_jsonl(found, Output))


def nest(client: "MlflowClient", experiment: str, run_id: str, seed: int, workspace: str) -> None:
    """Put the run that followed a training below the version's; a training from DVC's cache has none."""
    followed = live_run(client, experiment, workspace)
    if followed is not None:
        client.set_tag(followed, PARENT, run_id)
        client.set_tag(followed, "mlflow.runName", f"seed {seed}")
