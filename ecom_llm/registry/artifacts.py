"""Copies of what MLflow keeps with a run."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

_roots: dict[tuple[str, str], str] = {}
"""(tracking URI, run) -> where the run's artifacts lie. A run's never move."""


def copied(client: "MlflowClient", run_id: str, artifact: str, folder: Path) -> Path:
    """Copy a file or folder of a run's artifacts into a folder, under its name there; return where the copy lies.

    Not the client's `download_artifacts`: for each copy that reads the whole run twice, every metric of it, and looks through the
    models of its experiment, which was a seventh of a flow over unchanged stages, in a profile.

    Raises:
        MlflowException, OSError: it is not there, or MLflow does not answer.
    """
    import mlflow.artifacts

    key = (client.tracking_uri, run_id)
    if key not in _roots:
        _roots[key] = client.get_run(run_id).info.artifact_uri.rstrip("/")
    place = folder / Path(artifact).parent
    place.mkdir(parents=True, exist_ok=True)
    return Path(
        mlflow.artifacts.download_artifacts(
            artifact_uri=f"{_roots[key]}/{artifact}", dst_path=str(place), tracking_uri=client.tracking_uri
        )
    )
