"""Reaching MLflow: where it is, whether anyone answers, and a quiet client.

MLflow is imported inside functions, here and beside: it costs a second, and a command that asks nothing of it should
not pay.
"""

import fcntl
import gc
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import urlopen

from ecom_llm.layout import Layout
from ecom_llm.params.location import IN_TEXT, bare_address, masked_address
from ecom_llm.records import UserError

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

ANSWER_SECONDS = 5
"""How long a tracking server may take to say that it is there."""
DRIVERS = {"MySQLdb": "mysqlclient", "psycopg": "psycopg[binary]", "psycopg2": "psycopg2-binary"}
"""Modules by which SQLAlchemy reaches a database -> the package to install, where that is called otherwise."""


def embedded_uri(layout: Layout) -> str:
    """The tracking URI of the store in the state folder; a local MLflow server may serve the same one."""
    return f"sqlite:///{layout.mlflow / 'mlflow.db'}"


def tracking_uri(layout: Layout) -> str:
    """MLFLOW_TRACKING_URI where that is set, else the embedded store's."""
    return (os.environ.get("MLFLOW_TRACKING_URI") or embedded_uri(layout)).rstrip("/")


def artifact_root(layout: Layout) -> Path:
    """Where the embedded store keeps artifacts: absolute, since MLflow's default lies in the working directory."""
    return layout.mlflow / "artifacts"


def probe(uri: str) -> None:
    """Ask whether anyone answers at a tracking URI: MLflow itself would try for minutes.

    User and password are left out: urllib takes them for part of the host's name, and MLflow's client sends them itself.

    Raises:
        UserError: nobody answers within `ANSWER_SECONDS`; names the address.
    """
    bare = bare_address(uri)
    try:
        address = urlsplit(bare)
        if address.scheme in ("http", "https"):
            urlopen(f"{bare.rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
        elif address.hostname and address.port:
            socket.create_connection((address.hostname, address.port), timeout=ANSWER_SECONDS).close()
    except HTTPError:
        return  # it answers; whether it lets us in is for MLflow to say
    except (URLError, OSError, ValueError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"MLflow does not answer at {masked_address(uri)} ({reason}). Start it, mend MLFLOW_TRACKING_URI, "
            "or unset MLFLOW_TRACKING_URI to use the embedded store."
        ) from error


@contextmanager
def alone(uri: str, name: str) -> Iterator[None]:
    """Hold a lock file beside an embedded store, so that one process at a time does what `name` says.

    Of several clients that meet a fresh SQLite file, all but one would die; and two registrations of one result would
    make two versions. A server keeps its own order.

    Raises:
        UserError: the folder cannot be made or written.
    """
    if not uri.startswith("sqlite:///"):
        yield
        return
    folder = Path(uri.removeprefix("sqlite:///")).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = (folder / f"{name}.lock").open("w")
    except OSError as error:
        raise UserError(
            f"{folder}: MLflow's store cannot be written there ({error.strerror}). "
            "Make room or mend your rights, or move the state folder with ECOM_LLM_STATE."
        ) from error
    with handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def make_tables(uri: str) -> None:
    """Make an embedded store's tables where it has none, so that it is there whole or not at all; within its lock.

    MLflow makes them by seventy migrations that take seconds, and its next start fails for ever where a kill fell in between: half
    of a table then exists already.
    """
    if not uri.startswith("sqlite:///") or (file := Path(uri.removeprefix("sqlite:///"))).exists():
        return
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    half = file.with_suffix(".half")
    for left in (half, half.with_name(f"{half.name}-journal")):
        left.unlink(missing_ok=True)
    SqlAlchemyStore(f"sqlite:///{half}", (file.parent / "artifacts").as_uri())._dispose_engine()
    half.rename(file)


def client(uri: str) -> "MlflowClient":
    """MLflow's client, quiet and without telemetry.

    Raises:
        UserError: there is no usable store at the URI.
    """
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_LOGGING_LEVEL": "WARNING",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    }.items():
        os.environ.setdefault(name, value)
    gc.disable()  # collecting among MLflow's million new objects would cost half a second here, and again at exit
    try:
        from mlflow.tracking import MlflowClient

        make_tables(uri)
        return MlflowClient(uri)
    except refusals() as error:
        reason = first_line(error, uri).rstrip(".")
        raise UserError(f"MLflow cannot use {masked_address(uri)}: {reason}. {remedy(error)}") from error
    finally:
        gc.enable()
        gc.freeze()


def refusals() -> tuple[type[Exception], ...]:
    """What MLflow raises over a URI that it cannot use; asked for when it did, since importing them costs time."""
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, ImportError)


def remedy(error: Exception) -> str:
    """What is to be done about one of these."""
    if not isinstance(error, ImportError):
        return "Mend MLFLOW_TRACKING_URI."
    # a driver may be there that lacks a library of its own: then no module is named
    how = f": pip install '{DRIVERS.get(error.name, error.name)}'" if error.name else ""
    return f"Install the database's driver beside MLflow{how}, or mend MLFLOW_TRACKING_URI."


def first_line(error: Exception, uri: str = "") -> str:
    """What an error says first, without what may be secret in the addresses it names, the tracking URI among them."""
    line = str(error).strip().split("\n", 1)[0]
    # a password may hold what ends an address in a text
    line = line.replace(uri, masked_address(uri)) if uri else line
    return IN_TEXT.sub(lambda found: masked_address(found[0]), line)
