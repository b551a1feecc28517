"""What Prefect's server holds beside the deployments: whom the automations tell, and that the user's own changes stay."""

import os
from types import SimpleNamespace
from uuid import UUID, uuid4

import pytest
from prefect.exceptions import ObjectNotFound

from ecom_llm.records import UserError
from ecom_llm.registry import Version
from flows import server_settings
from flows.entering import forgo_prefect
from flows.server_settings import automations, block_id, settle_server
from tasks import events, gpu

BLOCK = UUID(int=7)


class Client:
    """A server in memory with one notification block."""

    def __init__(self) -> None:
        self.limits, self.made = {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def read_global_concurrency_limit_by_name(self, name):
        if name not in self.limits:
            raise ObjectNotFound(KeyError(name))
        return self.limits[name]

    def create_global_concurrency_limit(self, limit):
        self.limits[limit.name] = limit.limit

    def read_automations_by_name(self, name):
        return [one for one in self.made.values() if one.name == name]

    def create_automation(self, automation):
        key = uuid4()
        self.made[key] = SimpleNamespace(id=key, **dict(automation))

    def update_automation(self, key, automation):
        self.made[key] = SimpleNamespace(id=key, **dict(automation))

    def read_block_document_by_name(self, name, kind):
        if (kind, name) != ("slack-webhook", "shop"):
            raise ObjectNotFound(KeyError(name))
        return SimpleNamespace(id=BLOCK)


@pytest.fixture
def client(monkeypatch) -> Client:
    made = Client()
    for room in (server_settings, gpu):
        monkeypatch.setattr(room, "get_client", lambda sync_client: made)
    return made


def test_as_shipped_nothing_leaves_prefect():
    assert [action.type for one in automations(None) for action in one.actions] == ["do-nothing"] * 3


def test_a_block_that_is_named_tells_of_failed_runs_and_new_champions():
    failed, promoted, back = automations(BLOCK)
    assert failed.trigger.expect == {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}
    assert promoted.trigger.expect == {"ecom-llm.champion.promoted"}
    assert back.trigger.expect == {"ecom-llm.champion.rolled-back"}
    assert {action.block_document_id for one in (failed, promoted, back) for action in one.actions} == {BLOCK}


def test_settling_twice_makes_everything_once_and_leaves_what_the_user_set(client):
    settle_server("none")
    client.limits["gpu"] = 2
    for one in client.made.values():
        one.enabled = False
    settle_server("slack-webhook/shop")
    assert client.limits == {"gpu": 2}
    assert [(one.enabled, one.actions[0].type) for one in client.made.values()] == [(False, "send-notification")] * 3


def test_a_block_that_is_not_there_is_told(client):
    with pytest.raises(UserError, match=r"runtime\.notification_block: Prefect has no block slack-webhook/none"):
        block_id(client, "slack-webhook/none")


def test_outside_of_a_run_the_server_in_use_is_told_and_none_is_started(monkeypatch):
    told, version = [], Version(model_name="shop", number="1", run_id="r", tags={})
    monkeypatch.setattr("prefect.events.emit_event", lambda event, **given: told.append((event, given["payload"])))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    events.tell_champion(events.ROLLED_BACK, version, "2")
    assert told == []
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    events.tell_champion(events.ROLLED_BACK, version, "2")
    [(event, payload)] = told
    assert event == "ecom-llm.champion.rolled-back" and (payload["version"], payload["instead_of"]) == ("1", "2")


def test_a_roll_back_goes_on_without_a_server_that_does_not_answer(monkeypatch, capsys):
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    forgo_prefect()
    said = capsys.readouterr().err
    assert said.startswith("Prefect will not be told of this. Prefect does not answer at http://127.0.0.1:9/api")
    assert "PREFECT_API_URL" not in os.environ
    forgo_prefect()
    assert capsys.readouterr().err == ""
