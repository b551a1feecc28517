"""prefect.yaml on a plain Prefect server: deployed without a question, and a run of it done by a worker."""

import os
import subprocess
import sys
import time

import pytest

from tests.asking import ask
from tests.e2e.conftest import environment
from tests.prefect_standing import prefect_standing
from tests.started import started

pytestmark = pytest.mark.long
PREFECT = [sys.executable, "-m", "prefect"]
NAMES = {"training-pipeline", "sweep", "promotion", "rollback", "reconcile"}


def eventually(what, seconds: float = 300):
    until = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.5)
    return found


@pytest.mark.timeout(600)
def test_a_worker_runs_what_prefect_yaml_deploys(shop, tmp_path):
    with prefect_standing(tmp_path, 4500) as server:
        env = environment() | {
            "PREFECT_API_URL": server.api,
            "PREFECT_HOME": os.environ["PREFECT_HOME"],
            "PYTHONPATH": str(shop),
            "PWD": str(shop),
        }
        worker = [*PREFECT, "worker", "start", "--pool", "shop", "--type", "process"]
        with started(worker, shop, env):
            eventually(lambda: [one["name"] for one in ask(f"{server.api}/work_pools/filter", {})] == ["shop"])
            deploy = [*PREFECT, "--no-prompt", "deploy", "--all"]
            told = subprocess.run(deploy, cwd=shop, env=env, capture_output=True, text=True, check=False)
            assert told.returncode == 0, told.stdout + told.stderr

            found = {one["name"]: one for one in ask(f"{server.api}/deployments/filter", {})}
            assert set(found) == NAMES and {one["work_pool_name"] for one in found.values()} == {"shop"}
            assert found["training-pipeline"]["parameters"]["params"]["train"]["max_steps"] == 40
            assert [one["active"] for one in found["training-pipeline"]["schedules"]] == [False]
            limit = ask(f"{server.api}/v2/concurrency_limits/filter", {})
            assert [(one["name"], one["limit"]) for one in limit] == [("gpu", 1)]
            automations = {
                one["name"]: one["actions"][0]["type"] for one in ask(f"{server.api}/automations/filter", {})
            }
            assert automations == {
                "ecom-llm: a run failed": "do-nothing",
                "ecom-llm: a champion was promoted": "do-nothing",
            }

            url = f"{server.api}/deployments/{found['training-pipeline']['id']}/create_flow_run"
            values = found["training-pipeline"]["parameters"] | {"promote": False}
            run = ask(url, {"parameters": values})["id"]
            ended = ("COMPLETED", "FAILED", "CRASHED")
            state = eventually(lambda: (one := ask(f"{server.api}/flow_runs/{run}")["state"])["type"] in ended and one)
            assert state["type"] == "COMPLETED", state["message"]

            failing = ask(
                f"{server.api}/deployments/{found['rollback']['id']}/create_flow_run",
                {"parameters": {"model_name": "none"}},
            )
            eventually(lambda: ask(f"{server.api}/flow_runs/{failing['id']}")["state"]["type"] == "FAILED")
            triggered = {"filter": {"event": {"name": ["prefect.automation.triggered"]}}}
            names = eventually(lambda: ask(f"{server.api}/events/filter", triggered)["events"])
            assert {one["resource"]["prefect.resource.name"] for one in names} == {"ecom-llm: a run failed"}
