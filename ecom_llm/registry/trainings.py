"""Trainings by other seeds, kept with the version whose recipe they share: what they wrote, never their weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from ecom_llm.evaluate.evidence import Output
from ecom_llm.layout import Layout
from ecom_llm.records import read_jsonl
from ecom_llm.registry.artifacts import copied
from ecom_llm.registry.runs import PARENT, live_run

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient


def artifact(seed: int, path: Path, layout: Layout) -> str:
    """The name of a training's file among the artifacts of the version's run."""
    return f"trainings/{seed}/{path.relative_to(layout.workspace).as_posix()}"


def log_training(client: "MlflowClient", run_id: str, seed: int, layout: Layout) -> None:
    """Log what says how a training was made and what it is worth, laid out as in its workspace."""
    for path in (layout.lock, layout.params, layout.curve, layout.metrics, layout.outputs):
        client.log_artifact(run_id, str(path), artifact(seed, path, layout).rpartition("/")[0])


def read_training(client: "MlflowClient", run_id: str, seed: int, folder: Path) -> list[Output]:
    """The outputs of a training that was logged, copied into a folder on the way."""
    layout = Layout(folder, folder)
    return list(read_jsonl(copied(client, run_id, artifact(seed, layout.outputs, layout), folder), Output))


def nest(client: "MlflowClient", experiment: str, run_id: str, seed: int, workspace: str) -> None:
    """Put the run that followed a training below the version's; a training from DVC's cache has none."""
    followed = live_run(client, experiment, workspace)
    if followed is not None:
        client.set_tag(followed, PARENT, run_id)
        client.set_tag(followed, "mlflow.runName", f"seed {seed}")
