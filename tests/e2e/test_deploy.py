"""prefect.yaml on a plain Prefect server: deployed without a question, and a run of it done by a worker."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.asking import ask
from tests.e2e.conftest import REPO, environment
from tests.prefect_standing import prefect_standing
from tests.started import started

pytestmark = pytest.mark.long
PREFECT = [sys.executable, "-m", "prefect"]
NAMES = {"training-pipeline", "sweep", "promotion", "rollback", "reconcile"}


BLOCK = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock
CustomWebhookNotificationBlock(name="desk", url=sys.argv[1], json_data={"text": "{{subject}}: {{body}}"}).save("desk")
"""
PROMOTING = """
from prefect import flow
from ecom_llm.registry import Version
from tasks.events import PROMOTED, tell_champion

@flow
def promoting():
    tell_champion(PROMOTED, Version(model_name="shop", number="7", run_id="r", tags={}), None)

promoting()
"""
"""A promotion as every flow tells of it."""
FAILING = """
from prefect import flow

@flow
def failing():
    raise ValueError("the disk is full")

failing()
"""


@contextmanager
def desk() -> Iterator[tuple[str, list[str]]]:
    """A webhook on this machine: its address, and what it was told."""
    told: list[str] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["content-length"])))["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=hook.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{hook.server_port}/told", told
    finally:
        hook.shutdown()
        hook.server_close()


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
                "ecom-llm: a champion was rolled back": "do-nothing",
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


@pytest.mark.timeout(300)
def test_a_webhook_is_told_of_failed_runs_and_new_champions(tmp_path):
    with prefect_standing(tmp_path, 4520) as server, desk() as (url, told):
        env = environment() | {"PREFECT_API_URL": server.api, "PREFECT_HOME": os.environ["PREFECT_HOME"]}

        def python(program: str, *words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-c", program, *words]
            return subprocess.run(command, cwd=REPO, env=env, capture_output=True, text=True, check=False)

        made = python(BLOCK, url)
        assert made.returncode == 0, made.stderr
        settled = python("from flows.server_settings import settle_server; settle_server('custom-webhook/desk')")
        assert settled.returncode == 0, settled.stderr

        assert python(PROMOTING).returncode == 0
        assert "the disk is full" in python(FAILING).stderr
        eventually(lambda: len(told) >= 2, 60)
        champion, failed = sorted(told)
        assert champion.startswith(
            "ecom-llm: a champion was promoted: shop version 7 is champion, instead of none; by "
        )
        assert failed.startswith("ecom-llm: a run failed: ")
        assert "of failing ended as Failed: Flow run encountered an exception: ValueError: the disk is full" in failed
