"""The pause for a person's word, on a real Prefect server: answered, not answered, refused by the form, and over a restart."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.asking import ask
from tests.e2e.conftest import REPO, ecom_llm
from tests.prefect_standing import Server, prefect_standing
from tests.started import started

pytestmark = pytest.mark.slow

PROGRAM = """\
import sys
from prefect import flow
from tasks.approval import concluded, paused

@flow
def asking(timeout: int) -> str:
    form = paused("**Approved: shop version 2**", timeout, "d" * 16)
    return concluded(f"{form.decision} by {form.name}" if form else "nobody", "" if form else "nobody answered")

print(asking(int(sys.argv[1])), flush=True)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    with prefect_standing(tmp_path_factory.mktemp("prefect"), 4400) as made:
        yield made


@contextmanager
def asking(server: Server, timeout: int, **extra: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A flow that asks, paused, and its run's id."""
    known = {run["id"] for run in ask(f"{server.api}/flow_runs/filter", {})}
    env = {**os.environ, "PYTHONPATH": str(REPO), "PREFECT_API_URL": server.api, **extra}
    with started([sys.executable, "-c", PROGRAM, str(timeout)], server.folder, env) as process:
        until = time.monotonic() + 60
        while not (found := paused_run(server, known)):
            assert time.monotonic() < until and process.poll() is None, process.stdout.read()
            time.sleep(0.3)
        yield process, found


def paused_run(server: Server, known: set[str]) -> str:
    """The run that is new, once its form can be filled in."""
    runs = ask(f"{server.api}/flow_runs/filter", {})
    new = [run["id"] for run in runs if run["id"] not in known and run["state_type"] == "PAUSED"]
    schema = f"{server.api}/flow_runs/{new[0]}/input/paused-{'d' * 16}-schema" if new else ""
    try:
        return new[0] if new and ask(schema) else ""
    except OSError:  # it is written after the run is paused
        return ""


def answer(server: Server, run: str, **fields: str) -> dict:
    return ask(f"{server.api}/flow_runs/{run}/resume", {"run_input": fields})


def state(server: Server, run: str) -> tuple[str, str | None]:
    found = ask(f"{server.api}/flow_runs/{run}")["state"]
    return found["type"], found["message"]


@pytest.mark.timeout(120)
def test_the_form_takes_a_whole_answer_alone(server):
    with asking(server, 60) as (process, run):
        for fields in (
            {},
            {"decision": "approve"},
            {"decision": "perhaps", "name": "Ann"},
            {"decision": "reject", "name": " "},
        ):
            assert answer(server, run, **fields)["status"] == "REJECT", fields
        assert state(server, run)[0] == "PAUSED"
        assert answer(server, run, decision="reject", name="Ann")["status"] == "ACCEPT"
        said, _ = process.communicate(timeout=60)
    assert said.endswith("reject by Ann\n")
    assert state(server, run)[0] == "COMPLETED"


@pytest.mark.timeout(120)
def test_a_form_that_nobody_fills_in_ends_as_a_completed_run_with_the_reason(server):
    with asking(server, 3) as (process, run):
        said, _ = process.communicate(timeout=60)
    assert said.endswith("nobody\n")
    assert state(server, run) == ("COMPLETED", "Not promoted: nobody answered")


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_pause_outlives_its_server(server):
    # Prefect's own client is patient for a minute; with none of that, what is tested is a server that is away for longer
    with asking(server, 120, PREFECT_CLIENT_MAX_RETRIES="0") as (process, run):
        server.kill()
        time.sleep(5)
        assert process.poll() is None
        server.start()
        assert state(server, run)[0] == "PAUSED"
        assert answer(server, run, decision="approve", name="Ann")["status"] == "ACCEPT"
        said, _ = process.communicate(timeout=60)
    assert said.endswith("approve by Ann\n")
    assert state(server, run)[0] == "COMPLETED"


ASKED = """\
registry: {model_name: shop-with-terminal}
promote: {approval: {needed: true, timeout: 60}}
"""


@pytest.mark.long
@pytest.mark.timeout(600)
def test_on_a_terminal_the_run_ends_and_the_commands_decide_later(shop, tmp_path):
    recipe = tmp_path / "asked.yaml"
    recipe.write_text(ASKED)
    option = ["--recipe", str(recipe)]
    told = ecom_llm(shop, "run", *option).stdout
    assert f"It awaits a person's approval:\n  ecom-llm approve 1 {' '.join(option)} --name YOUR-NAME" in told
    assert "champion   none" in ecom_llm(shop, "status", *option).stdout
    unnamed = ecom_llm(shop, "approve", "1", "--name", " ", *option, check=False)
    assert (unnamed.returncode, unnamed.stderr.count("\n")) == (2, 1)
    other_rules = ecom_llm(shop, "approve", "1", "--name", "Ann", *option[:1], str(other(tmp_path)), check=False)
    assert "was decided on by other rules than these" in other_rules.stderr

    assert (
        "Version 1 is rejected." in ecom_llm(shop, "reject", "1", "--name", "Ann", "--comment", "dull", *option).stdout
    )
    again = ecom_llm(shop, "run", *option).stdout
    assert "A person rejected it" in again
    refused = ecom_llm(shop, "approve", "1", "--name", "Ben", *option, check=False)
    assert "was rejected by Ann at " in refused.stderr
    assert "awaits a person's approval" in ecom_llm(shop, "promote", "1", *option).stdout
    assert "Version 1 is champion." in ecom_llm(shop, "approve", "1", "--name", "Ben", *option).stdout
    history = ecom_llm(shop, "history", *option).stdout
    events = [line.split()[4] for line in history.splitlines()[:-1]]
    assert events == ["registered", "decided", "rejected", "approved", "promoting", "promoted"], (
        "the same decision is told once"
    )
    assert "by Ann, dull" in history and "by Ben" in history


def other(folder):
    """The recipe with another rule."""
    path = folder / "other.yaml"
    path.write_text(ASKED.replace("promote: {", "promote: {power: 0.9, "))
    return path
