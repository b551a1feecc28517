"""Which runs `ecom-llm up` ends before it serves anything, asked and told over HTTP."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from flows.lost import end_lost_runs

RUNS = [
    {"id": "served", "work_pool_name": None},
    {"id": "alive", "work_pool_name": None},
    {"id": "pooled", "work_pool_name": "shop"},
]


@pytest.fixture
def server():
    """Prefect's two routes, and what was posted to them."""
    posted: list[tuple[str, dict]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            posted.append((self.path, body))
            answer = json.dumps(RUNS if self.path.endswith("/filter") else {}).encode()
            self.send_response(200)
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            return None

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{made.server_port}", posted
        made.shutdown()


def test_runs_of_a_worker_and_of_a_living_process_go_on(server):
    address, posted = server
    assert end_lost_runs(address, {"alive"}) == ["served"]
    asked, *ended = posted
    assert asked[1]["flow_runs"]["deployment_id"] == {"is_null_": False}
    assert [path for path, _ in ended] == ["/flow_runs/served/set_state"]
    assert ended[0][1]["state"]["type"] == "CRASHED"
