"""Recording a candidate: one MLflow run with its numbers, its files and its model, and a model version of it."""

import csv
import importlib.metadata
import json
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import time
from typing import TYPE_CHECKING

from pydantic import BaseModel

from ecom_llm.evaluate.evidence import Evidence, read_evidence
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.promote.summary import flat_metrics
from ecom_llm.registry.model_card import described, description, model_card
from ecom_llm.registry.runs import WORKSPACE, held_points, live_run, log_metrics
from ecom_llm.registry.sealing import CARD, SIGNATURE, seal
from ecom_llm.write.decoding import decoding_of

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo
    from mlflow.tracking import MlflowClient

REQUIREMENTS = ("jinja2", "mlflow", "numpy", "pydantic", "pyyaml", "safetensors", "torch", "tqdm", "transformers")
"""What serving a model needs beside the code that is stored with it."""
LONGEST_PARAM = 6000
"""Characters that MLflow keeps of a param (its own MAX_PARAM_VAL_LENGTH, which is no public name); it cuts the rest off, or refuses."""


@dataclass(frozen=True)
class Candidate:
    """A finished workspace, to be registered."""

    layout: Layout
    params: Params
    snapshot: str
    """Commit of the snapshot the run worked on."""


def lock_key(path: Path) -> str:
    """SHA-256 of a dvc.lock: equal means the same data, params, code and results."""
    return sha256(path.read_bytes()).hexdigest()


def flat_params(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, str]]:
    """(`train.learning_rate`, value) for every parameter, as MLflow keeps it; lists, such as the gate's rules, as JSON.

    A longer value is cut: the whole is in params.yaml, which is kept and signed beside it.
    """
    for name, value in section:
        if isinstance(value, BaseModel):
            yield from flat_params(value, f"{prefix}{name}.")
        elif isinstance(value, tuple):
            text = json.dumps(section.model_dump(mode="json")[name], ensure_ascii=False)
            yield f"{prefix}{name}", text[:LONGEST_PARAM]
        else:
            yield f"{prefix}{name}", str(value)[:LONGEST_PARAM]


def curve_points(path: Path) -> Iterator[tuple[str, float, int]]:
    """(column, value, step) of the training curve; a cell is empty where nothing was measured at that step."""
    with path.open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle):
            for name, cell in row.items():
                if name != "step" and cell:
                    yield name, float(cell), int(row["step"])


def requirements() -> list[str]:
    """Pinned requirements, without local version labels: no index outside this machine has a `+cpu`."""
    return [f"{name}=={importlib.metadata.version(name).split('+')[0]}" for name in REQUIREMENTS]


def log_model(candidate: Candidate, writes: bool) -> "ModelInfo":
    """Log the model folder with the workspace's own code: no pickle in it, and it loads outside the checkout.

    MLflow asks a model for its example: one that does not write gets none.
    """
    package = candidate.layout.workspace / "ecom_llm"
    example = {"skill": "describe", "locale": "en", "attributes": json.dumps({"category": "dress", "colour": "red"})}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # at import, MLflow warns of type hints of its own
        import mlflow.pyfunc
        from mlflow.models import ModelSignature
        from mlflow.types import ColSpec, DataType, Schema

        columns = [ColSpec(DataType.string, name) for name in example]
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(package / "serve" / "pyfunc_model.py"),
            artifacts={"model": str(candidate.layout.model)},
            code_paths=[str(package)],
            model_config=decoding_of(candidate.params.evaluate).model_dump(),
            signature=ModelSignature(Schema(columns), Schema([ColSpec(DataType.string, "text")])),
            input_example=[example] if writes else None,
            pip_requirements=requirements(),
        )


@contextmanager
def tracking(uri: str) -> Iterator[None]:
    """Let MLflow's module-level functions use a URI: `log_model` knows no other way.

    Setting it also sets MLFLOW_TRACKING_URI, by which we tell the user's own choice from the embedded store.
    """
    import mlflow

    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop("MLFLOW_TRACKING_URI", None)
        else:
            os.environ["MLFLOW_TRACKING_URI"] = before


def log_params(client: "MlflowClient", run_id: str, params: Params) -> None:
    """Every parameter, with dots as in params.yaml."""
    from mlflow.entities import Param

    client.log_batch(run_id, params=[Param(name, value) for name, value in flat_params(params)])


def log_numbers(client: "MlflowClient", run_id: str, candidate: Candidate, evidence: Evidence) -> None:
    """Params with dots as in params.yaml, the evidence, and of the training curve what the run does not hold yet."""
    log_params(client, run_id, candidate.params)
    points = [(name, value, 0) for name, value in flat_metrics(evidence).items()]
    log_points(client, run_id, [*points, *curve_left(client, run_id, candidate.layout.curve)])


def curve_left(client: "MlflowClient", run_id: str, curve: Path) -> list[tuple[str, float, int]]:
    """Of a training curve the points (name, value, step) that the run does not hold yet."""
    held = held_points(client, run_id)
    return [point for point in curve_points(curve) if (point[0], point[2]) not in held]


def log_points(client: "MlflowClient", run_id: str, points: Iterable[tuple[str, float, int]]) -> None:
    """Log (name, value, step) as of now."""
    from mlflow.entities import Metric

    now = int(time() * 1000)
    log_metrics(client, run_id, [Metric(name, value, now, step) for name, value, step in points])


def record(client: "MlflowClient", model_name: str, experiment: str, candidate: Candidate) -> str:
    """Log the run, create its version and sign it; the tag `complete` is set last. Returns the version's number.

    The run is the one that was opened when training began; where the model came from DVC's cache, a new one.
    """
    import mlflow

    lock, layout = lock_key(candidate.layout.lock), candidate.layout
    evidence = read_evidence(layout.metrics)
    card = described(layout, candidate.params, evidence, candidate.snapshot, lock)
    tags = {"lock": lock, "snapshot": candidate.snapshot}
    name, begun = f"{model_name}-{lock[:8]}", live_run(client, experiment, layout.workspace.name)
    own = {**tags, WORKSPACE: layout.workspace.name}
    # leaving the block by an exception, a cancellation among them, marks the run as failed
    with mlflow.start_run(begun, experiment_id=experiment, run_name=name, tags=own) as run:
        log_numbers(client, run.info.run_id, candidate, evidence)
        for path in (layout.lock, layout.params):
            client.log_artifact(run.info.run_id, str(path))
        client.log_artifacts(run.info.run_id, str(layout.metrics.parent), "reports")
        client.log_text(run.info.run_id, model_card(card), CARD)
        logged = log_model(candidate, writes=evidence.objective == "causal")
        made = client.create_model_version(
            model_name,
            logged.model_uri,
            run.info.run_id,
            tags={**tags, "test_set": evidence.test_set, "tokenizer": evidence.tokenizer, "gate": "pending"},
            description=description(card),
            model_id=logged.model_id,
        )
        source = client.get_model_version_download_uri(model_name, made.version)
        signature = seal(client, run.info.run_id, source, candidate)
        client.set_model_version_tag(model_name, made.version, SIGNATURE, signature)
        client.set_model_version_tag(model_name, made.version, "complete", "true")
    return str(made.version)
