"""Sealing a version: one signature over its model folder, one over its record, kept with the artifacts of its run.

The record is what says how the model came about and how it is served: dvc.lock, params.yaml, reports, the model card, the snapshot's
commit, MLflow's own files and code of the model, and the signature of the model folder. So the second signature covers the first,
and its hash, kept in the journal and as a tag, stands for all of it.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ecom_llm.layout import Layout
from ecom_llm.registry.artifacts import copied
from ecom_llm.registry.keys import public_part, signing_key
from ecom_llm.registry.signing import sign

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from ecom_llm.registry.recording import Candidate

SIGNATURE = "signature"
"""Tag of a version with the hash of its record's signature; and the artifact folder of both signatures."""
MODEL, RECORD, PUBLIC = "model.sig", "record.sig", "key.pub"
CARD = "model_card.md"
"""The model card among the artifacts of a run; versions of before there was one have none."""
UNSIGNED = ("__pycache__", "registered_model_meta")
"""What MLflow and Python write into a model's folder when it is loaded from there."""


@dataclass(frozen=True)
class Sealed:
    """A version's record and signatures, copied into a folder."""

    record: Layout
    """The record, laid out as the workspace it came from."""
    model_signature: Path
    record_signature: Path


def fetch(client: "MlflowClient", run_id: str, artifact: str, target: Path) -> None:
    """Copy one file of a run's artifacts, if it is there."""
    with TemporaryDirectory(dir=target.parent) as folder:
        parent = artifact.rpartition("/")[0]
        if artifact in {found.path for found in client.list_artifacts(run_id, parent or None)}:
            copied(client, run_id, artifact, Path(folder)).replace(target)


def fetch_serving(client: "MlflowClient", source: str, target: Path) -> None:
    """Copy what MLflow keeps beside the weights to serve them: its own files, and the code, as far as they are there."""
    address = urlsplit(source)
    if address.scheme in ("", "file"):
        root = Path(url2pathname(address.path))
        if root.is_dir():
            shutil.copytree(root, target, symlinks=True, ignore=beside_weights(root))
        return
    import mlflow.artifacts

    for found in mlflow.artifacts.list_artifacts(artifact_uri=source, tracking_uri=client.tracking_uri):
        name = Path(found.path).name
        if name not in ("artifacts", *UNSIGNED):
            uri = f"{source.rstrip('/')}/{name}"
            mlflow.artifacts.download_artifacts(
                artifact_uri=uri, dst_path=str(target), tracking_uri=client.tracking_uri
            )


def beside_weights(root: Path) -> Callable[[str, list[str]], set[str]]:
    """What `shutil.copytree` is to leave out."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        weights = ("artifacts",) if Path(folder) == root else ()
        return {name for name in names if name in (*weights, *UNSIGNED)}

    return ignored


def lay_out(client: "MlflowClient", run_id: str, source: str, snapshot: str, folder: Path) -> Layout:
    """Copy a version's record into a folder; what MLflow no longer has is missing there.

    Args:
        source: where MLflow keeps the model.
        snapshot: the commit, as the version's tag says it.
    """
    layout = Layout(folder, folder)
    folder.mkdir()
    top = {found.path for found in client.list_artifacts(run_id)}
    kept = [path.relative_to(folder).as_posix() for path in (layout.lock, layout.params, layout.metrics.parent)]
    for name in (*kept, CARD):
        if name in top:
            copied(client, run_id, name, folder)
    fetch(client, run_id, f"{SIGNATURE}/{MODEL}", folder / MODEL)
    (folder / "snapshot").write_text(snapshot, encoding="utf-8")
    fetch_serving(client, source, folder / "serving")
    return layout


def seal(client: "MlflowClient", run_id: str, source: str, candidate: "Candidate") -> str:
    """Sign a version that was just logged; return the hash of its record's signature.

    What is signed of the record is what MLflow keeps, so that a copy that went wrong shows where dvc.lock has its hash.

    Raises:
        UserError: the key cannot be used.
    """
    key = signing_key(candidate.params.registry.signing_key, candidate.layout)
    with TemporaryDirectory() as name:
        folder = Path(name)
        sign(candidate.layout.model, folder / MODEL, key)
        client.log_artifact(run_id, str(folder / MODEL), SIGNATURE)
        lay_out(client, run_id, source, candidate.snapshot, folder / "record")
        sign(folder / "record", folder / RECORD, key)
        client.log_artifact(run_id, str(folder / RECORD), SIGNATURE)
        (folder / PUBLIC).write_bytes(public_part(key))
        client.log_artifact(run_id, str(folder / PUBLIC), SIGNATURE)
        return sha256((folder / RECORD).read_bytes()).hexdigest()


def unsealed(client: "MlflowClient", run_id: str, source: str, snapshot: str, folder: Path) -> Sealed:
    """Copy a version's record and signatures into a folder; what MLflow no longer has is missing there."""
    record = lay_out(client, run_id, source, snapshot, folder / "record")
    fetch(client, run_id, f"{SIGNATURE}/{RECORD}", folder / RECORD)
    return Sealed(record, folder / "record" / MODEL, folder / RECORD)
