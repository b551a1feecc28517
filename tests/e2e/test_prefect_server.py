"""The server that `ecom-llm up` starts: nothing that a page asks for is refused because SQLite is busy."""

import os
import urllib.error
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ecom_llm.layout import Layout
from flows import up
from tests.asking import ask

pytestmark = pytest.mark.slow


def refusal(url: str, body: dict[str, object]) -> int:
    """The status that something is refused with; 0 where it is taken."""
    try:
        ask(url, body)
    except urllib.error.HTTPError as error:
        return error.code
    return 0


@pytest.fixture
def api(tmp_path, monkeypatch) -> Iterator[str]:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    port = up.chosen_port("--prefect-port", None, 4300)  # other tests, at work meanwhile, look at 4200 first
    server = up.prefect_server(Layout(tmp_path, tmp_path / "state"), port)
    try:
        up.await_health(f"http://{up.HOST}:{port}/api/health", [server])
        yield f"http://{up.HOST}:{port}/api"
    finally:
        up.stop([server])


def test_every_run_that_is_submitted_at_once_is_taken(api):
    flow = ask(f"{api}/flows/", {"name": "training"})["id"]
    url = f"{api}/deployments/{ask(f'{api}/deployments/', {'name': 'training', 'flow_id': flow})['id']}/create_flow_run"
    with ThreadPoolExecutor(6) as pool:
        refusals = list(pool.map(lambda number: refusal(url, {"name": f"run {number}"}), range(120)))
    assert Counter(refusals) == {0: 120}
    assert len({run["name"] for run in ask(f"{api}/flow_runs/filter", {"limit": 200})}) == 120
