"""Runs that a killed `ecom-llm up` left running: before it serves anything again, what the server believes to run of them is lost."""

import json
import urllib.request
from collections.abc import Collection
from typing import TypedDict

LIVE = ("PENDING", "RUNNING", "CANCELLING", "PAUSED")
"""State types of a run that a process stands behind."""


class FlowRun(TypedDict):
    """What is used of Prefect's answer."""

    id: str
    work_pool_name: str | None
    """Where a worker took it from; None for one that `ecom-llm up` served."""


def ask(url: str, body: dict[str, object]) -> list[FlowRun]:
    """POST to Prefect's API, which Prefect's own client would take a second to import for."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.loads(answer.read())


def end_lost_runs(api: str, alive: Collection[str] = ()) -> list[str]:
    """Mark the deployments' lost runs as crashed, on a server of our own with nothing served yet; return their ids.

    Those of a work pool are left to its workers, which may live on, here or elsewhere.

    Args:
        alive: ids of runs whose process lives.
    """
    ours = {"state": {"type": {"any_": list(LIVE)}}, "deployment_id": {"is_null_": False}}
    found = ask(f"{api}/flow_runs/filter", {"flow_runs": ours})
    lost = [run["id"] for run in found if run["work_pool_name"] is None and run["id"] not in alive]
    for run in lost:
        state = {"type": "CRASHED", "name": "Crashed", "message": "The process that ran it ended with `ecom-llm up`."}
        ask(f"{api}/flow_runs/{run}/set_state", {"state": state, "force": True})
    return lost
