"""A person's word between the gate and the champion: a form in Prefect where there is a page, else the command line."""

import time
from typing import Literal, TypeVar
from uuid import UUID

from httpx import HTTPError
from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput, keyset_from_paused_state
from prefect.settings import PREFECT_API_URL, PREFECT_UI_URL
from prefect.states import Completed, Paused, Running, State
from pydantic import Field

from ecom_llm.layout import Layout
from ecom_llm.params import Promote
from ecom_llm.promote.decision import GateDecision, rules_key
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, open_registry
from ecom_llm.registry.approvals import (
    Answer,
    Overtaken,
    anew,
    answer_by,
    ask,
    given,
    named,
    record_answer,
    record_silence,
    was_rejected,
)
from tasks.logs import run_logger
from tasks.model import digest_of, page_of, promote_to_champion

T = TypeVar("T")
POLL = 2.0
"""Seconds until an answer is heard."""


class Approval(RunInput):
    """The form."""

    decision: Literal["approve", "reject"] = Field(description="Whether this version is to write for the shop")
    name: str = Field(min_length=1, pattern=r"\S", description="Your name, for the journal")
    comment: str = Field("", description="For the journal, which forgets nothing: no secrets")


def concluded(result: T, why: str) -> T | State[T]:
    """What a flow returns: its result, in a Completed state that says why the version was not promoted, if so."""
    return Completed(message=f"Not promoted: {why}", data=result) if why else result


def release(candidate: Version, decision: GateDecision, rules: Promote, by_hand: bool = False) -> str:
    """Promote what the gate approved, after a person's word where the rules ask for it.

    Call it in a flow's body: it may pause the flow.

    Args:
        by_hand: whether a person asked for this version; then an earlier rejection does not hold.

    Returns:
        Why it was not promoted; empty if it was.
    """
    registry = open_registry(candidate.model_name, Layout.here())
    version = registry.version(candidate.number)
    if (version.rejected or was_rejected(registry.journal.read(), version)) and not by_hand:
        return f"{named(version)} was rejected by a person and does not become champion by itself. {anew(version)}"
    if registry.aliases().get("champion") == version.number:  # one that MLflow kept from being tried is tried now
        return promote_to_champion(candidate, by_hand) if version.untried else ""
    if rules.approval.needed and (why := withheld(registry, version, decision, rules, by_hand)):
        run_logger().warning("Not promoted: %s", why)
        return why
    try:
        return promote_to_champion(
            candidate, by_hand, decision.compared_with or "", digest_of(decision), rules.approval.needed
        )
    except Overtaken as error:
        run_logger().warning("Not promoted: %s", error)
        return str(error)


def withheld(registry: Registry, version: Version, decision: GateDecision, rules: Promote, by_hand: bool) -> str:
    """Why a person's approval is missing; empty where it was given, now or before a crash."""
    seen = digest_of(decision)
    if not by_hand and (word := given(registry.journal.read(), version, seen)) and word.event == "approved":
        return ""
    ask(registry, version)
    if not PREFECT_API_URL.value():  # a temporary server has no page, and goes away with this process
        return awaits(version)
    form = paused(described(decision, version), rules.approval.timeout, key=seen[:16])
    if form is None:
        return unanswered(registry, version, seen, rules.approval.timeout)
    try:
        answer = answer_by(form.decision == "approve", form.name, form.comment)
        keep_answer(version, answer, rules_key(rules), seen)
    except UserError as error:
        return f"{error}"
    return "" if answer.approved else rejection(version, answer.name, answer.comment)


def awaits(version: Version) -> str:
    """What is to be done by hand."""
    answer = f"{version.number} --name YOUR-NAME"
    return f"{named(version)} awaits approval: ecom-llm approve {answer}, or ecom-llm reject {answer}"


def rejection(version: Version, name: str, comment: str) -> str:
    said = f" ({comment})" if comment else ""
    return f"{named(version)} was rejected by {name}{said}. {anew(version)}"


def unanswered(registry: Registry, version: Version, seen: str, seconds: int) -> str:
    """Why nothing came of a form that nobody filled in: somebody may have answered on the command line."""
    now, word = registry.version(version.number), given(registry.journal.read(), version, seen)
    if now.rejected and word:
        return rejection(now, word.details.get("name", ""), word.details.get("comment", ""))
    if registry.aliases().get("champion") == now.number:
        return ""
    # not by its tag: it may have been approved, promoted and rolled back while the form was open
    if now.approved and not now.rolled_back and word and word.event == "approved":
        return ""
    record_silence(registry, now, seen, seconds)
    return f"nobody answered within {seconds} s. {awaits(version)}"


def described(decision: GateDecision, version: Version) -> str:
    """What the person reads above the form: the decision's document, and where the version's page lies."""
    return f"{decision.markdown()}\nPage: `{page_of(version, Layout.here())}`\n"


def paused(description: str, timeout: int, key: str) -> Approval | None:
    """Pause the flow with the form until it is filled in; None where nobody does within `timeout` seconds.

    Args:
        key: names the pause. What was answered to another one, by an earlier attempt of this run, does not count for it.
    """
    run = FlowRunContext.get().flow_run.id
    form = Approval.with_initial_data(description=description)
    page = f"{PREFECT_UI_URL.value()}/v2/runs/flow-run/{run}"
    run_logger().info("Waiting for a person's approval, for %d s: %s (menu: Resume)", timeout, page)
    until = time.monotonic() + timeout
    try:
        return pause_flow_run(wait_for_input=form, timeout=timeout, poll_interval=POLL, key=key)
    except FlowPauseTimeout:
        go_on(run)
        return None
    except HTTPError as error:
        run_logger().warning("Prefect does not answer (%s); waiting for it, and for the approval.", error)
        return after_outage(form, run, key, until)


def after_outage(form: type[Approval], run: UUID, key: str, until: float) -> Approval | None:
    """Wait on, for a server that was away for longer than Prefect's own client is patient."""
    while time.monotonic() < until:
        time.sleep(POLL)
        try:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(run).state
        except HTTPError:
            continue
        if state and state.is_running():
            return form.load(keyset_from_paused_state(Paused(pause_key=key)))
    go_on(run)
    return None


def go_on(run: UUID) -> None:
    """Let the run end by itself: of one whose pause ran out the server would believe nothing but that it failed."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run, Running(), force=True)


@task(cache_policy=NO_CACHE)
def keep_answer(version: Version, answer: Answer, rules_key: str, seen: str | None = None) -> str:
    """Write a person's answer into the journal; a UserError where it no longer counts. Returns SHA-256 of the decision it is about."""
    return record_answer(open_registry(version.model_name, Layout.here()), version, answer, rules_key, seen)
