"""The environment of Prefect and MLflow: all state in the state folder, no telemetry; what the user has set wins."""

import json
import logging
import os
import urllib.request
from http.client import HTTPException
from pathlib import Path
from typing import TypedDict
from urllib.error import HTTPError

from ecom_llm.layout import Layout
from ecom_llm.params.location import HIDDEN, bare_address, masked_address
from ecom_llm.records import UserError
from tasks.holds import is_held

ADDRESSES = ("PREFECT_API_URL", "MLFLOW_TRACKING_URI")
"""Where the servers are, under the names by which Prefect and MLflow know them."""
ANSWER_SECONDS = 5
"""How long a server may take to say that it is well."""


def defaults(layout: Layout, log_level: str) -> dict[str, str]:
    """What is set where the user has set nothing."""
    return {
        "PREFECT_HOME": str(layout.prefect),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",  # 20 are too few for a first start on two busy cores
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": log_level.upper(),
        "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
        "PREFECT_RUNNER_POLL_FREQUENCY": "2",  # seconds until a run asked for in the UI begins
        "PREFECT_CLI_PROMPT": "false",
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "DVC_NO_ANALYTICS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


def standing_file(layout: Layout) -> Path:
    """Where `ecom-llm up` notes the addresses of its servers; held as long as it lives."""
    return layout.state / "up.json"


class Noted(TypedDict, total=False):
    """What that file holds."""

    groups: list[int]
    environment: dict[str, str]


def noted(file: Path) -> Noted:
    """The file's content; empty where it was not written yet."""
    text = file.read_text(encoding="utf-8")
    return json.loads(text) if text else {}


def standing(layout: Layout) -> dict[str, str]:
    """PREFECT_API_URL and MLFLOW_TRACKING_URI of the servers `ecom-llm up` keeps or uses for this checkout; empty if none.

    Passwords are masked in them.
    """
    file = standing_file(layout)
    return noted(file).get("environment", {}) if is_held(file) else {}


def prepare(layout: Layout, log_level: str) -> None:
    """Set the environment, before Prefect or MLflow is imported: both read it then.

    Where the user names no server, those of a standing `ecom-llm up` are used; where there are none, Prefect starts a
    temporary server by itself and the registry opens its store in the state folder.

    Raises:
        UserError: `ecom-llm up` uses a server that needs a password, and the environment does not name that server.
    """
    for name, value in {**standing(layout), **defaults(layout, log_level)}.items():
        if name in ADDRESSES and name not in os.environ and HIDDEN in value:
            raise UserError(
                f"`ecom-llm up` uses {name}={value}, whose password it does not keep. "
                f"Set {name} here as it was set there, or stop it."
            )
        os.environ.setdefault(name, value)
    api = os.environ.get("PREFECT_API_URL", "")
    if bare_address(api) != api:  # Prefect prints links made from its API's address, with the password in it
        os.environ.setdefault("PREFECT_UI_URL", bare_address(api).rstrip("/").removesuffix("/api"))


def require_prefect() -> None:
    """Check that the Prefect server the environment names answers, rather than let Prefect try for minutes.

    Raises:
        UserError: PREFECT_API_URL is set and nobody answers there.
    """
    url = os.environ.get("PREFECT_API_URL")
    if not url:
        return
    try:
        # urllib takes user and password for part of the host's name
        urllib.request.urlopen(f"{bare_address(url).rstrip('/')}/health", timeout=ANSWER_SECONDS).close()
    except (OSError, ValueError, HTTPException) as error:
        if isinstance(error, HTTPError) and error.code in (401, 403):
            return  # it answers; whether it lets us in is for Prefect's client, which sends user and password
        raise UserError(
            f"Prefect does not answer at {masked_address(url)} ({getattr(error, 'reason', error)}). Start it, mend PREFECT_API_URL, "
            "or unset PREFECT_API_URL to use a temporary server."
        ) from error


def require_state(layout: Layout) -> None:
    """Check that the state folder can be written.

    Raises:
        UserError: no right to write, or no space.
    """
    probe = layout.state / f".write-{os.getpid()}"
    try:
        layout.state.mkdir(parents=True, exist_ok=True)
        probe.write_text("x" * 4096, encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise UserError(
            f"{layout.state}: cannot be written ({error.strerror}). Make room or mend your rights, "
            "or name another folder: ECOM_LLM_STATE=DIR."
        ) from error


def without_traceback(record: logging.LogRecord) -> bool:
    """A logging filter: a user's mistake is a sentence, not a traceback."""
    if record.exc_info and isinstance(record.exc_info[1], UserError):
        record.msg, record.args, record.exc_info = f"{record.exc_info[1]}", (), None
    return True


def quiet_mistakes() -> None:
    """Let Prefect log a user's mistake as its one sentence."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).addFilter(without_traceback)
