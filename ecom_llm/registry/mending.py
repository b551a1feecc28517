"""What a dead process left half done in MLflow: its runs, and the version it was registering, completed or removed.

A version counts from its tag `complete` on, which is set last. Killed after it was signed, a registration is completed: the
signatures say that every byte is there. Killed before, the version is removed and the next run registers it anew, from what DVC
has: nobody signs what nobody saw being made.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ecom_llm.records import UserError
from ecom_llm.registry.connection import alone
from ecom_llm.registry.keys import trusted
from ecom_llm.registry.runs import WORKSPACE
from ecom_llm.registry.sealing import SIGNATURE
from ecom_llm.registry.signing import check
from ecom_llm.registry.versions import Registry, Version, answered, as_version

if TYPE_CHECKING:
    from mlflow.entities import LoggedModel, Run


@answered
def mend_workspace(registry: Registry, workspace: str) -> list[str] | None:
    """End the runs of a dead workspace, and complete or remove the version it was registering.

    Returns:
        What was mended, in words; None where this store knows nothing of the workspace.
    """
    experiment = registry.mlflow.get_experiment_by_name(registry.model_name)
    if experiment is None:
        return None
    with alone(registry.locks, "registration"):
        runs = registry.mlflow.search_runs([experiment.experiment_id], f"tags.{WORKSPACE} = '{workspace}'")
        return [line for run in runs for line in mend_run(registry, run)] if runs else None


def mend_run(registry: Registry, run: "Run") -> Iterator[str]:
    """Mend a dead run and its version, within the lock of registrations; yields what was done, in words."""
    run_id, name = run.info.run_id, f"MLflow run {run.info.run_name}"
    versions = versions_of(registry, run_id)
    for half in [one for one in versions if not one.complete]:
        if is_sealed(registry, half):
            registry.tag(half.number, "complete", "true")
        else:
            registry.mlflow.delete_model_version(registry.model_name, half.number)
            yield f"version {half.number} of {registry.model_name} was registered by half: removed, the next run makes it anew"
    whole = [one for one in versions_of(registry, run_id) if one.complete]
    for version in whole:
        if registry.announce(version, settled="after a crash"):
            yield f"version {version.number} of {registry.model_name} was registered, though its process died: now the journal tells"
    if run.info.status == "RUNNING":
        status = "FINISHED" if whole else "KILLED"
        registry.mlflow.set_terminated(run_id, status)
        yield f"{name} passed for running: {status}"
    if not whole:
        remove_models(registry, run)


def versions_of(registry: Registry, run_id: str) -> list[Version]:
    """The versions made of a run, by halves too."""
    found = registry.mlflow.search_model_versions(f"name = '{registry.model_name}' and run_id = '{run_id}'")
    return [as_version(version) for version in found]


def is_sealed(registry: Registry, version: Version) -> bool:
    """Whether both signatures hold, by a key that is trusted here: then nothing of the version is missing but the tag."""
    from mlflow.exceptions import MlflowException

    if not version.tags.get(SIGNATURE):
        return False
    with TemporaryDirectory() as name:
        try:
            sealed = registry.sealed(version, Path(name))
            check(sealed.record.workspace, sealed.record_signature, trusted(registry.layout), "record")
            check(registry.model_folder(version), sealed.model_signature, trusted(registry.layout), "weights")
        except (UserError, MlflowException, OSError):
            return False
        return sha256(sealed.record_signature.read_bytes()).hexdigest() == version.tags[SIGNATURE]


def models_of(registry: Registry, run: "Run") -> "list[LoggedModel]":
    """The models that a run logged."""
    return registry.mlflow.search_logged_models(
        [run.info.experiment_id], f"source_run_id = '{run.info.run_id}'"
    ).to_list()


def remove_models(registry: Registry, run: "Run") -> None:
    """Remove the model files that a run logged and no version names."""
    for model in models_of(registry, run):
        remove_model(registry, model)


def remove_model(registry: Registry, model: "LoggedModel") -> int:
    """Remove a logged model, its files first where they lie here; returns the bytes that are free now.

    Of files that a server keeps, MLflow is told that they may go: its own `mlflow gc` removes them.
    """
    folder, freed = folder_of(model.artifact_location), 0
    if folder is not None and folder.is_dir():
        freed = size(folder)
        shutil.rmtree(folder)
        with suppress(OSError):  # MLflow keeps it in a folder of the model's name
            folder.parent.rmdir()
    registry.mlflow.delete_logged_model(model.model_id)
    return freed


def folder_of(location: str) -> Path | None:
    """The folder of an artifact location; None where it is not of this machine's disk."""
    address = urlsplit(location)
    return Path(url2pathname(address.path)) if address.scheme in ("", "file") else None


def size(folder: Path) -> int:
    """Bytes of the files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
