"""What Prefect's server is asked in tests: once, as its pages ask it, so a refusal fails the test."""

import json
import urllib.request


def ask(url: str, body: dict[str, object] | None = None) -> list[dict] | dict:
    """POST a body, or GET without one. Raises urllib's HTTPError where the answer is an error."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=90) as answer:  # longer than what waits for SQLite may take
        return json.loads(answer.read() or "{}")
