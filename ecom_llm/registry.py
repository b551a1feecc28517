"""registry: the only client of MLflow; model versions, their evidence and the aliases candidate, champion, previous.

MLflow is imported inside functions: it costs a second, and a command that asks nothing of it should not pay.
"""

import csv
import fcntl
import gc
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import url2pathname, urlopen

from ecom_llm.evaluate.evidence import Evidence, Output, read_evidence
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant
from ecom_llm.promote.summary import flat_metrics, metric_table
from ecom_llm.records import Record, UserError, read_jsonl

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

ANSWER_SECONDS = 5
"""How long a tracking server may take to say that it is there."""
P = ParamSpec("P")
T = TypeVar("T")


class Version(Record):
    """A registered model version, as it was when it was asked for."""

    model_name: str
    number: str
    run_id: str
    tags: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether its registration came to its end; only then it counts."""
        return self.tags.get("complete") == "true"

    @property
    def rolled_back(self) -> bool:
        """Whether it was champion and was rolled back."""
        return self.tags.get("rolled_back") == "true"


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


def embedded_uri(layout: Layout) -> str:
    """The tracking URI of the store in the state folder; a local MLflow server may serve the same one."""
    return f"sqlite:///{layout.mlflow / 'mlflow.db'}"


def artifact_root(layout: Layout) -> Path:
    """Where the embedded store keeps artifacts: absolute, since MLflow's default lies in the working directory."""
    return layout.mlflow / "artifacts"


def probe(uri: str) -> None:
    """Ask whether anyone answers at a tracking URI: MLflow itself would try for minutes.

    Raises:
        UserError: nobody answers within `ANSWER_SECONDS`; names the address.
    """
    address = urlsplit(uri)
    try:
        if address.scheme in ("http", "https"):
            urlopen(f"{uri.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
        elif address.hostname and address.port:
            socket.create_connection((address.hostname, address.port), timeout=ANSWER_SECONDS).close()
    except HTTPError:
        return  # it answers; whether it lets us in is for MLflow to say
    except (URLError, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"MLflow does not answer at {uri} ({reason}). Start it, mend MLFLOW_TRACKING_URI, "
            "or unset MLFLOW_TRACKING_URI to use the embedded store."
        ) from error


@contextmanager
def alone(uri: str) -> Iterator[None]:
    """Hold an embedded store's lock file: of several clients that meet a fresh SQLite file, all but one would die.

    Raises:
        UserError: the folder cannot be made or written.
    """
    if not uri.startswith("sqlite:///"):
        yield
        return
    folder = Path(uri.removeprefix("sqlite:///")).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / "mlflow.lock").open("w")
    except OSError as error:
        raise UserError(
            f"{folder}: MLflow's store cannot be written there ({error.strerror}). "
            "Make room or mend your rights, or move the state folder with ECOM_LLM_STATE."
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def client(uri: str) -> "MlflowClient":
    """MLflow's client, quiet and without telemetry.

    Raises:
        UserError: there is no usable store at the URI.
    """
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    }.items():
        os.environ.setdefault(name, value)
    gc.disable()  # collecting among MLflow's million new objects would cost half a second here, and again at exit
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient

        return MlflowClient(uri)
    except MlflowException as error:
        raise UserError(f"MLflow cannot use {uri}: {first_line(error)}. Mend MLFLOW_TRACKING_URI.") from error
    finally:
        gc.enable()
        gc.freeze()


def first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]


def answered(
    method: Callable[Concatenate["Registry", P], T],
) -> Callable[Concatenate["Registry", P], T]:
    """Turn MLflow's refusals and a full disk into a UserError that names the address and what was asked."""

    @wraps(method)
    def asking(self: "Registry", *args: P.args, **kwargs: P.kwargs) -> T:
        from mlflow.exceptions import MlflowException

        try:
            return method(self, *args, **kwargs)
        except (MlflowException, OSError) as error:
            doing = method.__name__.replace("_", " ")
            raise UserError(f"MLflow at {self.uri} refused ({doing}): {first_line(error)}") from error

    return asking
