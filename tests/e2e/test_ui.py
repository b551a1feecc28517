"""The pages, in a real browser: a run started in Prefect's form, its version in MLflow, and the run's own page."""

import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.asking import ask
from tests.e2e.conftest import COMMAND, environment
from tests.started import started

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STEPS = 25
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine's PATH to look at the pages with"),
]


def keep(page, name: str) -> None:
    """Save a screenshot for people where SCREENSHOTS names a folder."""
    if folder := os.environ.get("SCREENSHOTS"):
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


@pytest.fixture(scope="module")
def standing(shop, tmp_path_factory) -> Iterator[tuple[Path, dict[str, str]]]:
    """The shop with `ecom-llm up`, and the addresses it prints."""
    with started([*COMMAND, "up"], shop, environment()) as process:
        said: dict[str, str] = {}
        for line in process.stdout:
            name, _, value = line.strip().partition("  ")
            said[name] = value.strip()
            if name == "Logs":
                break
        assert {"Prefect", "MLflow"} <= set(said), said
        yield shop, said
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(60_000)
        yield page
        browser.close()


def training(api: str) -> dict:
    """The deployment of trainings, once it is there."""
    until = time.monotonic() + 60
    while not (found := [one for one in ask(f"{api}/deployments/filter", {}) if one["name"] == "training-pipeline"]):
        assert time.monotonic() < until
        time.sleep(0.5)
    return found[0]


def new_run(api: str, known: set[str]) -> dict:
    """The run that was started since; empty until there is one."""
    runs = [run for run in ask(f"{api}/flow_runs/filter", {}) if run["id"] not in known]
    return runs[0] if runs else {}


def test_a_run_started_in_the_form_is_registered_from_a_dirty_checkout(standing, page):
    shop, said = standing
    api = f"{said['Prefect']}/api"
    (shop / "notes.txt").write_text("an edit nobody has committed\n")
    found = training(api)
    known = {run["id"] for run in ask(f"{api}/flow_runs/filter", {})}
    page.goto(f"{said['Prefect']}/v2/deployments/deployment/{found['id']}")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Custom run").click()
    page.get_by_label("Max Steps").fill(str(STEPS))
    keep(page, "prefect-form")
    page.get_by_role("button", name="Submit").click()

    until = time.monotonic() + 200
    while (run := new_run(api, known)).get("state_type") not in ("COMPLETED", "FAILED", "CRASHED"):
        assert time.monotonic() < until, run.get("state_name")
        time.sleep(1)
    assert run["state_type"] == "COMPLETED", run["state"]["message"]
    assert run["parameters"]["params"]["train"]["max_steps"] == STEPS
    assert (shop / "notes.txt").exists()
    page.goto(f"{said['Prefect']}/v2/runs/flow-run/{run['id']}?tab=Artifacts")
    page.get_by_text("gate", exact=False).first.wait_for()
    keep(page, "prefect-run")

    page.goto(f"{said['MLflow']}/#/models/ecom-llm-tiny")
    page.get_by_text("champion", exact=False).first.wait_for()
    page.get_by_text("candidate", exact=False).first.wait_for()
    keep(page, "mlflow-model")
    page.goto(f"{said['MLflow']}/#/models/ecom-llm-tiny/versions/1")
    page.get_by_role("heading", name="How good it is").wait_for()
    page.get_by_role("cell", name="bits_per_byte").first.wait_for()
    keep(page, "mlflow-version")


NAMED = "shop-with-approval"


def begin_asked(api: str) -> str:
    """Start a run of a model of its own: everything is cached, and without a champion the thresholds alone decide."""
    found = training(api)
    values = found["parameters"]
    values["params"]["registry"]["model_name"] = NAMED
    values["params"]["promote"]["approval"] = {"needed": True, "timeout": 120}
    return ask(f"{api}/deployments/{found['id']}/create_flow_run", {"parameters": values})["id"]


@pytest.mark.long
def test_a_person_approves_in_the_form_and_the_version_becomes_champion(standing, page):
    shop, said = standing
    api = f"{said['Prefect']}/api"
    run = begin_asked(api)
    state = await_state(api, run, "PAUSED", "COMPLETED", "FAILED", "CRASHED")
    assert state["type"] == "PAUSED", state["message"]
    page.goto(f"{said['Prefect']}/v2/runs/flow-run/{run}")
    page.get_by_role("button", name="Open menu").first.click()
    page.get_by_role("menuitem", name="Resume").click()
    form = page.locator("[role=dialog], [role=alertdialog]")
    form.get_by_text("passed all").wait_for()
    keep(page, "approval-form")
    form.get_by_label("Decision").click()
    page.get_by_role("option", name="approve").click()
    form.get_by_label("Name").fill("Ann Example")
    form.get_by_label("Comment").fill("read fifty texts")
    keep(page, "approval-form-filled")
    form.get_by_role("button", name="Resume").click()

    assert await_state(api, run, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
    entries = [
        json.loads(line)
        for line in next((shop / ".state" / "journal").glob(f"{NAMED}.*.jsonl")).read_text().splitlines()
    ]
    assert [one["event"] for one in entries] == ["registered", "decided", "approved", "promoting", "promoted"]
    decided, approved = entries[1:3]
    assert approved["details"] == {
        "name": "Ann Example",
        "comment": "read fifty texts",
        "decision": decided["details"]["sha256"],
    }
    alias = f"{said['MLflow']}/api/2.0/mlflow/registered-models/alias?name={NAMED}&alias=champion"
    assert ask(alias)["model_version"]["version"] == "1"
    assert approvers(api) == ["Ann Example"]


def approvers(api: str) -> list[str]:
    """Who approved, as the event of the promotion tells; it arrives a moment after the run has ended."""
    asked, until = {"filter": {"event": {"name": ["ecom-llm.champion.promoted"]}}}, time.monotonic() + 30
    while True:
        told = [one["payload"] for one in ask(f"{api}/events/filter", asked)["events"]]
        found = [one["approved_by"] for one in told if one["model"] == NAMED]
        if found or time.monotonic() > until:
            return found
        time.sleep(0.5)


def await_state(api: str, run: str, *types: str) -> dict:
    """The state of a run, once it is one of these."""
    until = time.monotonic() + 120
    while (state := ask(f"{api}/flow_runs/{run}")["state"])["type"] not in types:
        assert time.monotonic() < until, state
        time.sleep(0.5)
    return state


def test_the_page_of_a_run_stands_alone_and_shows_everything(shop, page):
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    # by its name: other tests of this shop register other models
    page.goto((shop / ".state" / "pages" / "ecom-llm-tiny-1.html").as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.locator("svg, img").count() >= 2
    assert "ecom-llm-tiny, version 1" in page.inner_text("body")
    assert "bits_per_byte is" in page.content()
    assert "[Simulated review]" in page.content()
    keep(page, "page")
