"""The links to what was told of a version: the gate's decision, and the journal."""

from ecom_llm.registry.approvals import last_decision
from ecom_llm.registry.decisions import hashes_in
from ecom_llm.registry.sealing import SIGNATURE
from ecom_llm.registry.signing import BrokenLink
from tasks.chain.version import MLFLOW, Followed


def decision(followed: Followed) -> str:
    """The last decision, its words and its page are what the journal has the hashes of."""
    entry, tags = last_decision(followed.told.chain, followed.version.number), followed.told.tags
    if entry is None:
        if tags.get("gate", "pending") == "pending":
            return "none yet"
        raise BrokenLink(
            f"decision: expected an entry in {followed.registry.journal.file}, found none: it was decided elsewhere, or the "
            f"journal is another. `ecom-llm promote {followed.version.number}` decides anew.",
            absent=True,
        )
    found, noted = followed.told.decision_hashes, hashes_in(entry.details)
    for name, expected in noted.items():
        if found.get(name) != expected:
            is_there = f"SHA-256 {found[name][:16]}..." if name in found else "no such file"
            raise BrokenLink(
                f"{name}: expected SHA-256 {expected[:16]}... as in entry {entry.sequence} of the journal, found {is_there}. "
                f"Restore it, or `ecom-llm promote {followed.version.number}` decides anew."
            )
    for name in ("gate", "compared_with"):
        if tags.get(name, "") != entry.details.get(name, ""):
            raise BrokenLink(
                f"tag `{name}` in MLflow: expected {entry.details.get(name)!r} as in entry {entry.sequence} of the journal, "
                f"found {tags.get(name)!r}. `ecom-llm promote {followed.version.number}` decides anew."
            )
    return f"{entry.details.get('gate')} at {entry.time}; its {len(noted)} files are those of entry {entry.sequence}"


def journal(followed: Followed) -> str:
    """The journal is whole up to the entry that MLflow knows, and its entry of the version names the same bytes."""
    chain, registry, version = followed.told.chain, followed.registry, followed.version
    if not (chain.entries or chain.faults or chain.notes or followed.told.anchor):
        raise BrokenLink(
            f"expected a journal at {registry.journal.file}, found none, nor has MLflow seen one of this state folder: it is kept "
            "where versions are registered. Verify there (docs/runbook.md).",
            absent=True,
        )
    faults = [*chain.faults, *chain.missing(followed.told.anchor)]
    restore = f"Restore {registry.journal.file} from a backup (docs/runbook.md)."
    if faults:
        raise BrokenLink(f"expected entries each chained to the one before, found that {faults[0]}. {restore}")
    entry = followed.registration
    if entry is None:
        raise BrokenLink(
            f"expected version {version.number} in {registry.journal.file}, found no entry: it was registered elsewhere. "
            "The next promotion or roll-back notes it.",
            absent=True,
        )
    for name in ("lock", "snapshot", SIGNATURE):
        noted, tag = entry.details.get(name), version.tags.get(name)
        if noted != tag and not (noted is None and entry.event == "found"):
            raise BrokenLink(
                f"tag `{name}` in MLflow: expected {noted} as in entry {entry.sequence} of the journal, found {tag}. {MLFLOW}"
            )
    return f"{len(chain.entries)} entries, whole; entry {entry.sequence} names this lock, commit and signature"
