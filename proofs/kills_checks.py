"""What must hold after a kill and `reconcile`: nothing runs, nothing is half there, and journal and MLflow tell one story."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from ecom_llm.layout import Layout
from ecom_llm.registry import Registry, open_registry
from ecom_llm.registry.champions import before
from ecom_llm.registry.decisions import hashes_in, written_down
from ecom_llm.registry.mending import folder_of, is_sealed
from ecom_llm.registry.versions import TRIAL, Version, as_version
from tasks import git
from tasks.engines import VARIABLE


def faults(layout: Layout, model_name: str) -> list[str]:
    """What is wrong with a checkout's state, nothing being at work in it."""
    registry = open_registry(model_name, layout)
    checks = (runs, versions, champions, journal, decisions)
    return [*files(layout), *(fault for check in checks for fault in check(registry))]


def runs(registry: Registry) -> Iterator[str]:
    """No run passes for running."""
    found = registry.mlflow.search_runs([registry.experiment()], "attributes.status = 'RUNNING'")
    yield from (f"MLflow run {run.info.run_name} is RUNNING" for run in found)


def versions(registry: Registry) -> Iterator[str]:
    """Every version is complete, sealed and in the journal, and no model lies there without one."""
    found = registry.mlflow.search_model_versions(f"name = '{registry.model_name}'", max_results=10_000)
    told = {one.version for one in registry.journal.read().entries if one.event in ("registered", "found")}
    places = {registry.mlflow.get_model_version_download_uri(one.name, one.version) for one in found}
    for version in map(as_version, found):
        if not version.complete or not is_sealed(registry, version):
            yield f"version {version.number} is partial"
        if version.number not in told:
            yield f"version {version.number} is not in the journal"
        if registry.mlflow.get_run(version.run_id).info.status != "FINISHED":
            yield f"the run of version {version.number} is {registry.mlflow.get_run(version.run_id).info.status}"
    for model in registry.mlflow.search_logged_models([registry.experiment()]):
        if model.artifact_location not in places:
            yield f"model {model.model_id} belongs to no version"
    kept = {folder_of(place) for place in places}
    # a shop has several models, each with a folder of its name
    own = registry.layout.mlflow / "artifacts" / registry.model_name
    lying = {path.parent for path in own.rglob("artifacts/MLmodel")}
    yield from (f"{path} belongs to no version" for path in sorted(lying) if path not in kept)


def champions(registry: Registry) -> Iterator[str]:
    """There is a champion, it is nobody's candidate, and the one before is the one that the tags say."""
    aliases = registry.aliases()
    champion = aliases.get("champion")
    if champion is None:
        yield "there is no champion"
        return
    version = registry.version(champion)
    if version.rolled_back or not version.promoted:
        yield f"champion {champion} is tagged {version.tags}"
    if champion in (aliases.get("candidate"), aliases.get("previous")):
        yield f"champion {champion} has other aliases: {aliases}"
    expected = expected_previous(registry, version)
    if aliases.get("previous") != expected:
        yield f"previous is {aliases.get('previous')}, and before {champion} was {expected or 'nobody'}"


def expected_previous(registry: Registry, champion: Version) -> str | None:
    """The version that the alias `previous` has to name after the last change of the champion that was done."""
    done = [entry for entry in registry.journal.read().entries if entry.champion]
    if done[-1].event == "promoted":
        return done[-1].details["instead_of"] or None
    back = before(registry, champion)
    return back.number if back else None


def journal(registry: Registry) -> Iterator[str]:
    """It is whole, MLflow knows its end, it tells of the champion that MLflow names, and nothing is begun in it."""
    chain, anchor = registry.journal.read(), registry.anchor()
    yield from (*chain.faults, *chain.missing(anchor))
    if anchor != chain.head:
        yield f"MLflow knows the journal up to {anchor.split()[:1]}, and it ends at {chain.head.split()[:1]}"
    if chain.champion != registry.aliases().get("champion"):
        yield f"the journal tells of champion {chain.champion}, MLflow of {registry.aliases().get('champion')}"
    if (champion := registry.champion()) and champion.untried:
        yield f"version {champion.number} is champion, and nobody has tried whether it writes"
    done = [entry.event for entry in chain.entries if entry.champion]
    if champion and champion.tags.get(TRIAL) == "failed" and done[-1] == "promoted":
        yield f"version {champion.number} is champion, and failed its smoke test"
    if begun := chain.begun:
        yield f"entry {begun.sequence} ({begun.event}) is not settled"


def decisions(registry: Registry) -> Iterator[str]:
    """Each version's last decision is what the journal has the hashes of."""
    if written_down(registry.journal).exists():
        yield "a decision is written down and not kept"
    last = {entry.version: entry for entry in registry.journal.read().entries if entry.event == "decided"}
    for version in registry.versions():
        entry, found = last.get(version.number), registry.decision_hashes(version)
        if entry is None and found:
            yield f"version {version.number} has a decision that the journal does not know"
        if entry is not None and found != hashes_in(entry.details):
            yield f"the decision on version {version.number} is not that of entry {entry.sequence}"
        if entry is not None and version.tags.get("gate") != entry.details["gate"]:
            yield f"version {version.number} is tagged {version.tags.get('gate')}, and was {entry.details['gate']}"


def files(layout: Layout) -> Iterator[str]:
    """No worktree, no hold, no note and no process is left."""
    for folder in (layout.worktrees, layout.curves, layout.engines):
        yield from (f"{path} is left" for path in sorted(folder.glob("*")))
    listed = git.git("worktree", "list", "--porcelain", cwd=layout.workspace).count("worktree ")
    if listed != 1:
        yield f"git knows {listed} worktrees"
    yield from (f"process {one.pid} is left: {' '.join(one.cmdline())[:100]}" for one in below(layout.workspace))


def below(root: Path) -> list[psutil.Process]:
    """The living processes that work below a folder or were started by a flow there; this one and its parents left out."""
    own = psutil.Process()
    ours, found = {own.pid, *(parent.pid for parent in own.parents())}, []
    for process in psutil.process_iter():
        try:
            if process.pid in ours or process.status() == psutil.STATUS_ZOMBIE:
                continue
            environment = process.environ()
            started = VARIABLE in environment and environment.get("PWD", "").startswith(str(root))
            if started or Path(process.cwd()).is_relative_to(root):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
