"""The server that `ecom-llm up` starts: nothing that a page asks for is refused because SQLite is busy."""

import json
import os
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecom_llm.layout import Layout
from flows import up

pytestmark = pytest.mark.slow


def status(url: str, body: dict[str, object]) -> tuple[int, dict]:
    """What one question is answered, asked once, as a page asks it."""
    request = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=90) as answer:
            return answer.status, json.loads(answer.read() or "{}")
    except urllib.error.HTTPError as error:
        return error.code, {}


@pytest.fixture
def api(tmp_path, monkeypatch) -> Iterator[str]:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    port = up.chosen_port("--prefect-port", None, 4300)
    server = up.prefect_server(Layout(tmp_path, tmp_path / "state"), port)
    try:
        up.await_health(f"http://{up.HOST}:{port}/api/health", [server])
        yield f"http://{up.HOST}:{port}/api"
    finally:
        up.stop([server])


def test_every_run_that_is_submitted_at_once_is_taken(api):
    flow = status(f"{api}/flows/", {"name": "training"})[1]["id"]
    deployment = status(f"{api}/deployments/", {"name": "training", "flow_id": flow})[1]["id"]
    with ThreadPoolExecutor(6) as pool:
        url = f"{api}/deployments/{deployment}/create_flow_run"
        answers = list(pool.map(lambda n: status(url, {"name": f"run {n}"})[0], range(120)))
    assert Counter(answers) == {201: 120}
    assert len({run["name"] for run in status(f"{api}/flow_runs/filter", {"limit": 200})[1]}) == 120
