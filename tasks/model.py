"""The tasks that act on the registry: register, decide, promote, roll back. None is a DVC stage, and none is cached."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from prefect import task
from prefect.cache_policies import NO_CACHE

from ecom_llm.layout import Layout
from ecom_llm.params import Params, Promote, load_params
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.promote.page import render_page
from ecom_llm.promote.slices import measured_otherwise
from ecom_llm.records import UserError
from ecom_llm.registry import Candidate, Registry, Version, open_registry, promote
from ecom_llm.registry.approvals import given, last_decision, named
from ecom_llm.registry.champions import note_fault
from ecom_llm.registry.decisions import FOLDER, digest, hashes_in
from ecom_llm.registry.signing import BrokenLink
from ecom_llm.registry.studies import heard, names, stored
from tasks import git
from tasks.artifacts import publish_decision, publish_links, publish_metrics
from tasks.back import go_back
from tasks.chain.follow import ITSELF, WHOLE, require
from tasks.champion import CandidateRun, measured_anew
from tasks.curves import noted
from tasks.events import PROMOTED, tell_champion
from tasks.fresh import tried, trying
from tasks.gpu import turn_to_try
from tasks.workspace import Workspace


def rival(registry: Registry, candidate: Entrant, run: CandidateRun, rules: Promote) -> Entrant | None:
    """The champion as the gate is to see it: on the candidate's test set, beside its data and by its metrics, unless the candidate is
    from another clone.

    Raises:
        UserError: the champion is not what it was when it was registered: one whose weights or numbers were changed is no measure.
    """
    champion = registry.champion()
    if champion is None:
        return None
    try:
        require(registry, champion, Layout.here().workspace, ITSELF)
    except BrokenLink as error:
        raise UserError(
            f"nothing can be compared with the champion, version {champion.number}: {error} To let an earlier one write: ecom-llm rollback"
        ) from error
    entrant = registry.entrant(champion)
    ours, theirs = candidate.evidence, entrant.evidence
    alike = (ours.test_set, ours.prepared) == (theirs.test_set, theirs.prepared)
    alike = alike and measured_otherwise(ours, theirs, rules) is None
    if alike or not git.has_commit(run.base, run.commit):
        return entrant  # of what is not alike the gate says so, and refuses
    return measured_anew(entrant, registry.model_folder(champion), run)


def page_of(version: Version, layout: Layout) -> Path:
    """Where the page of a version lies."""
    return layout.pages / f"{version.model_name}-{version.number}.html"


def digest_of(decision: GateDecision) -> str:
    """SHA-256 of a decision as it is kept."""
    return digest(decision.model_dump_json(indent=2).encode())


def is_kept(registry: Registry, version: Version, decision: GateDecision, page: Path) -> bool:
    """Whether that very decision and its page are the version's last ones, here and in MLflow, with what people said since."""
    told = last_decision(registry.journal.read(), version.number)
    if told is None or not page.exists() or told.details.get("sha256") != digest_of(decision):
        return False
    tags = registry.version(version.number).tags
    shown = {name: told.details.get(name) for name in ("gate", "compared_with")} | {"decision_key": decision.rules_key}
    hashes = hashes_in(told.details)
    drawn = page.read_bytes()
    same_page = hashes.get(f"{FOLDER}/{page.name}") == digest(drawn)
    told_of = all(f"Study {name}," in drawn.decode() for name in names(version))
    return same_page and told_of and shown.items() <= tags.items() and hashes == registry.decision_hashes(version)


def settle(
    registry: Registry,
    version: Version,
    decision: GateDecision,
    layout: Layout,
    params: Params,
    champion: Entrant | None,
) -> None:
    """Write the decision's page, keep both with the version, and show them in Prefect.

    A decision that is made anew with the same result is the one that is kept already: the journal tells it once.
    """
    page = page_of(version, layout)
    if not is_kept(registry, version, decision, page):
        page.parent.mkdir(parents=True, exist_ok=True)
        texts = {one.id: one.text for one in champion.outputs} if champion and decision.compared_with else {}
        studies = list(stored(registry, version))
        written = render_page(layout, params, decision, version.tags["snapshot"], texts, studies)
        page.write_text(written, encoding="utf-8")
        registry.record_decision(version, decision, page)
    publish_decision(decision, page)
    publish_links(registry.url(version), registry.run_url(version))


@task(cache_policy=NO_CACHE)
def register_candidate(workspace: Workspace) -> Version:
    """Register what the workspace holds, once per dvc.lock, and show its metrics."""
    params = load_params(workspace.layout.params)
    registry = open_registry(params.registry.model_name, workspace.layout)
    with noted(workspace):
        version = registry.register(Candidate(workspace.layout, params, workspace.commit))
    publish_metrics(registry.entrant(version).evidence)
    return version


@task(cache_policy=NO_CACHE)
def decide_promotion(candidate: Version, workspace: Workspace) -> GateDecision:
    """Hold the candidate against the rules in the workspace's params.yaml and against the champion."""
    params = load_params(workspace.layout.params)
    registry = open_registry(candidate.model_name, workspace.layout)
    entrant = registry.entrant(candidate)
    run = CandidateRun(workspace.path, workspace.commit, workspace.layout)
    people = heard(registry, candidate, params.promote)
    champion = rival(registry, entrant, run, params.promote)
    decision = decide(entrant, champion, params.promote, params.evaluate.seed, people)
    settle(registry, candidate, decision, workspace.layout, params, champion)
    return decision


def params_of(files: Layout, today: Params) -> Params:
    """The params of an old run with today's rules; all of today's where params.yaml has other keys by now."""
    try:
        return load_params(files.params).model_copy(update={"promote": today.promote})
    except UserError:
        return today


@task(cache_policy=NO_CACHE)
def decide_again(candidate: Version, params: Params) -> GateDecision:
    """Hold a registered version against the rules of today; that a person asks lifts the bar on rolled-back versions."""
    layout = Layout.here()
    registry = open_registry(candidate.model_name, layout)
    asked = replace(registry.entrant(candidate), rolled_back=False)
    with TemporaryDirectory() as folder:
        files = registry.files(candidate, Path(folder))
        own = params_of(files, params)
        run = CandidateRun(layout.workspace, candidate.tags["snapshot"], files)
        people = heard(registry, candidate, own.promote)
        champion = rival(registry, asked, run, own.promote)
        decision = decide(asked, champion, own.promote, own.evaluate.seed, people)
        settle(registry, candidate, decision, files, own, champion)
    return decision


@task(cache_policy=NO_CACHE)
def promote_to_champion(
    candidate: Version,
    by_hand: bool = False,
    compared_with: str | None = None,
    decided: str | None = None,
    word: bool = False,
) -> str:
    """Give the version the alias `champion`, and let it write; one that does not, or that cannot be tried, is taken back at once.

    Args:
        compared_with: the champion that the gate held it against, as `promote` takes it.
        decided: SHA-256 of the decision that approved it, as `promote` takes it.
        word: whether a person has to have approved it.

    Returns:
        Why it is not champion after all; empty if it is.

    Raises:
        Overtaken: another version is champion by now, or this one was decided on or answered otherwise.
        UserError: a link of its chain is broken.
    """
    layout = Layout.here()
    registry = open_registry(candidate.model_name, layout)
    version = registry.version(candidate.number)
    try:
        require(registry, version, layout.workspace, WHOLE)
    except BrokenLink as error:
        note_fault(registry, "barred", version, f"{error}")
        raise
    before = registry.aliases().get("champion")
    said = given(registry.journal.read(), candidate, decided) if decided else None
    with turn_to_try(), trying(registry):  # waited for before, not while nobody knows whether the champion writes
        promote(registry, candidate, by_hand, compared_with, decided, word)
        if before == candidate.number and not registry.version(candidate.number).untried:
            return ""
        why = tried(registry, candidate, layout)
        now = registry.aliases().get("champion")
    if not why and now != candidate.number:
        instead = f"version {now}" if now else "nobody"
        return (
            f"{named(candidate)} was champion, and somebody changed that while it was tried: {instead} is champion now"
        )
    if not why:
        tell_champion(PROMOTED, candidate, before, said.details["name"] if said and said.event == "approved" else "")
    return why


@task(cache_policy=NO_CACHE)
def find_version(number: str, model_name: str) -> Version:
    """The registered version of that number; a UserError where there is none."""
    return open_registry(model_name, Layout.here()).version(number)


@task(cache_policy=NO_CACHE)
def rollback_champion(model_name: str, to: str | None = None) -> tuple[Version, Version]:
    """Give `champion` back to the version before, or to the earlier champion `to`, as `go_back`; return (from, to)."""
    return go_back(model_name, to)
