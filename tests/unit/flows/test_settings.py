"""The environment of Prefect and MLflow: ours where the user has set nothing, and what does not answer is said at once."""

import json
import logging
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from flows import settings
from tasks.holds import hold


@pytest.fixture
def layout(tmp_path, monkeypatch) -> Layout:
    """A state folder, in an environment where the user has set nothing."""
    for name in [name for name in os.environ if name.startswith(("PREFECT_", "MLFLOW_", "DO_NOT_TRACK"))]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    return Layout(tmp_path, tmp_path / "state")


def test_state_stays_in_its_folder_and_nobody_is_told(layout):
    settings.prepare(layout, "info")
    assert os.environ["PREFECT_HOME"] == str(layout.prefect)
    assert os.environ["PREFECT_LOGGING_LEVEL"] == "INFO"
    assert "PREFECT_API_URL" not in os.environ
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "DVC_NO_ANALYTICS", "HF_HUB_DISABLE_TELEMETRY"):
        assert os.environ[name] in ("1", "true")
    assert os.environ["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"


def test_what_the_user_has_set_wins(layout):
    os.environ["PREFECT_HOME"] = "/theirs"
    os.environ["PREFECT_API_URL"] = "http://theirs/api"
    layout.state.mkdir()
    with hold(settings.standing_file(layout)) as held:
        held.file.write_text(
            json.dumps({"groups": [], "environment": {"PREFECT_API_URL": "ours", "MLFLOW_TRACKING_URI": "ours"}})
        )
        settings.prepare(layout, "info")
    assert os.environ["PREFECT_HOME"] == "/theirs"
    assert os.environ["PREFECT_API_URL"] == "http://theirs/api"
    assert os.environ["MLFLOW_TRACKING_URI"] == "ours"


def test_servers_that_stand_are_used_and_those_that_died_are_not(layout):
    file = settings.standing_file(layout)
    assert settings.standing(layout) == {}
    with hold(file):
        assert settings.standing(layout) == {}  # starting: no address yet
        file.write_text(json.dumps({"groups": [1], "environment": {"PREFECT_API_URL": "http://up/api"}}))
        assert settings.standing(layout) == {"PREFECT_API_URL": "http://up/api"}
    file.write_text(json.dumps({"groups": [1], "environment": {"PREFECT_API_URL": "http://dead/api"}}))
    assert settings.standing(layout) == {}


class Well(BaseHTTPRequestHandler):
    """Says that it is well, and nothing to the terminal."""

    def do_GET(self):
        self.send_response(200 if self.path == "/api/health" else 404)
        self.end_headers()

    def log_message(self, *_):
        pass


def test_prefect_must_answer_where_it_is_said_to_be(layout):
    settings.require_prefect()  # nothing named: a temporary server will do
    with HTTPServer(("127.0.0.1", 0), Well) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{server.server_port}/api/"
        settings.require_prefect()
        server.shutdown()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
        with pytest.raises(UserError, match=r"Prefect does not answer at http://127.*unset PREFECT_API_URL"):
            settings.require_prefect()
    os.environ["PREFECT_API_URL"] = "nonsense"
    with pytest.raises(UserError, match="Prefect does not answer at nonsense"):
        settings.require_prefect()


def test_a_prefect_server_with_a_password_is_asked_without_it_and_linked_to_without_it(layout):
    class Closed(Well):
        def do_GET(self):
            self.send_response(401)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Closed) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        os.environ["PREFECT_API_URL"] = f"http://shop:hunter2@127.0.0.1:{server.server_port}/api"
        settings.require_prefect()  # it answers; its client sends the password
        server.shutdown()
    settings.prepare(layout, "info")
    assert os.environ["PREFECT_UI_URL"] == f"http://127.0.0.1:{server.server_port}"


def test_a_server_whose_password_up_does_not_keep_is_to_be_named(layout):
    address = "http://***@shop:5000"
    with hold(settings.standing_file(layout)) as held:
        held.file.write_text(json.dumps({"environment": {"MLFLOW_TRACKING_URI": address}}))
        with pytest.raises(UserError, match=r"uses MLFLOW_TRACKING_URI=http://\*\*\*@shop:5000, whose password"):
            settings.prepare(layout, "info")
        os.environ["MLFLOW_TRACKING_URI"] = "http://u:hunter2@shop:5000"
        settings.prepare(layout, "info")
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://u:hunter2@shop:5000"


def test_a_state_folder_that_cannot_be_written_is_said(layout):
    settings.require_state(layout)
    assert list(layout.state.iterdir()) == []
    layout.state.rmdir()
    layout.state.write_text("a file stands where the folder should")
    with pytest.raises(UserError, match=r"state: cannot be written.*ECOM_LLM_STATE"):
        settings.require_state(layout)


def test_a_user_s_mistake_is_logged_as_its_sentence(caplog):
    logger = logging.getLogger("test.mistakes")
    logger.addFilter(settings.without_traceback)
    for error in (UserError("mend it: like this"), RuntimeError("a bug")):
        try:
            raise error
        except (UserError, RuntimeError):
            logger.exception("Encountered %s", "it")
    assert caplog.records[0].getMessage() == "mend it: like this"
    assert caplog.records[0].exc_info is None
    assert caplog.records[1].exc_info is not None


def test_settings_import_neither_prefect_nor_mlflow():
    code = "import flows.settings, sys; print([m for m in ('prefect', 'mlflow', 'torch') if m in sys.modules])"
    from subprocess import run

    assert run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
