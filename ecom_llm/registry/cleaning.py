"""Removing old versions: which may go, and how one goes so that a kill in the middle leaves nothing to guess."""

import shutil
from collections.abc import Sequence

from ecom_llm.records import UserError
from ecom_llm.registry.journal import Chain, Journal
from ecom_llm.registry.mending import folder_of, models_of, remove_model, size
from ecom_llm.registry.versions import Registry, Version, answered


def told_elsewhere(registries: Sequence[Registry]) -> list[Version]:
    """Versions that journals here tell of and that belong to other stores: whether those still need their results is not known here."""
    ours = {one.journal.file for one in registries}
    folder = registries[0].layout.journal
    found = []
    for file in sorted(set(folder.glob("*.*.jsonl")) - ours):
        entries = Journal(file).read().entries
        gone = {one.version for one in entries if one.event == "removed"}
        name = file.stem.rpartition(".")[0]
        found += [
            Version(model_name=f"{name} (of another MLflow, {file})", number=one.version, run_id="", tags=one.details)
            for one in entries
            if one.event in ("registered", "found") and "lock" in one.details and one.version not in gone
        ]
    return found


def named(chain: Chain) -> set[str]:
    """The versions that a journal names as champion, as the one before, or as what a candidate was compared with."""
    changes = [entry for entry in chain.entries if entry.champion or entry.event in ("promoting", "rolling back")]
    others = (entry.details.get(name, "") for entry in chain.entries for name in ("instead_of", "compared_with"))
    return {entry.version for entry in changes} | {one for one in others if one}


def removable(registry: Registry, keep: int, busy: bool = False) -> list[Version]:
    """The versions that may go, oldest first: not among the `keep` newest, without an alias, never champion, not `named`, and
    nobody's to decide on.

    Args:
        busy: whether runs are at work: then what is not decided on yet may be theirs.

    Raises:
        UserError: the journal is damaged, so that nobody knows what it named.
    """
    chain = registry.journal.read()
    if faults := (*chain.faults, *chain.missing(registry.anchor())):
        raise UserError(
            f"{registry.model_name}: no version is removed while its journal is damaged, since it may have named it: {faults[0]}. "
            "`ecom-llm history` says more"
        )
    aliases = registry.aliases()
    stay = named(chain) | set(aliases.values())
    open_ones = ("pending", "") if busy else ()
    return [
        one
        for one in reversed(registry.versions()[keep:])
        if one.number not in stay
        and not (one.promoted or one.awaited or one.approved or might_be_next(one, aliases.get("champion", "")))
        and one.tags.get("gate", "") not in open_ones
    ]


def might_be_next(version: Version, champion: str) -> bool:
    """Whether the gate approved it over today's champion, so that it can be promoted as it is."""
    asked = version.tags.get("gate") == "approved" and version.tags.get("compared_with") == champion
    return asked and not (version.rolled_back or version.rejected)


@answered
def old_versions(registry: Registry, keep: int, busy: bool = False) -> list[tuple[Version, int]]:
    """The versions that may go, with the bytes that each would free; see `removable`."""
    return [(one, weight(registry, one)) for one in removable(registry, keep, busy)]


def weight(registry: Registry, version: Version) -> int:
    """Bytes of a version's model files on this machine's disk."""
    folder = folder_of(registry.mlflow.get_model_version_download_uri(registry.model_name, version.number))
    copied = registry.downloads / version.number
    return sum(size(one) for one in (folder, copied) if one is not None and one.is_dir())


@answered
def remove_old(registry: Registry, version: Version, keep: int, busy: bool = False) -> bool:
    """Remove a version and its model files; its run with numbers and reports stays. Returns whether it still might go.

    The journal tells of it first and the version goes last, so that `finish_removals` knows what a kill has cut off.
    """
    with registry.journal.held():
        if version.number not in {one.number for one in removable(registry, keep, busy)}:
            return False  # it became somebody's champion since
        registry.note("removed", version.number, **version.identity)
        remove(registry, version)
    return True


def remove(registry: Registry, version: Version) -> None:
    """Remove a version's files, unless another version has the same, and then itself."""
    client, name = registry.mlflow, registry.model_name
    place = client.get_model_version_download_uri(name, version.number)
    others = client.search_model_versions(f"name = '{name}'", max_results=10_000)
    places = {
        client.get_model_version_download_uri(name, one.version) for one in others if str(one.version) != version.number
    }
    for model in models_of(registry, client.get_run(version.run_id)) if place not in places else ():
        if model.artifact_location == place:
            remove_model(registry, model)
    shutil.rmtree(registry.downloads / version.number, ignore_errors=True)
    registry.mlflow.delete_model_version(registry.model_name, version.number)


def finish_removals(registry: Registry) -> list[str]:
    """Within `journal.held`: remove what the journal says is removed and a kill has left; returns what it was, in words."""
    gone = {entry.version for entry in registry.journal.read().entries if entry.event == "removed"}
    gone -= set(registry.aliases().values())
    left = [version for version in registry.versions() if version.number in gone] if gone else []
    for version in left:
        remove(registry, version)
    return [f"version {version.number} was half removed: now it is gone" for version in left]
