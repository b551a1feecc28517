"""A decision as it is kept with its version: for programs, for people, and its page; and the hashes the journal has of them.

It is written down beside the journal first, then told there, then kept in MLflow. A process may die between any two of these:
what is written down is then kept for it if the journal tells of it, and dropped if it does not.
"""

import json
import os
import shutil
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ecom_llm.promote.decision import GateDecision
from ecom_llm.registry.artifacts import copied
from ecom_llm.registry.journal import Chain, Entry, Journal

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from ecom_llm.registry.versions import Registry

FOLDER = "decision"
TOLD = f"{FOLDER}/decision.json"
"""The decision for programs; its hash is the entry's `sha256`."""


def written_down(journal: Journal) -> Path:
    """Where a decision lies from before it is told until it is kept; one at a time, within `journal.held`."""
    return journal.file.with_suffix(".decision")


def write_down(journal: Journal, decision: GateDecision, page: Path) -> dict[str, str]:
    """Write a decision and its page down, whole and on the disk; return the details of its entry in the journal."""
    half = written_down(journal).with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    content = {
        "decision.json": decision.model_dump_json(indent=2).encode(),
        "decision.md": decision.markdown().encode(),
        page.name: page.read_bytes(),
    }
    for name, text in content.items():
        with (half / name).open("wb") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
    half.rename(written_down(journal))
    return details_of(decision, content)


def details_of(decision: GateDecision, content: dict[str, bytes]) -> dict[str, str]:
    """What the journal keeps of a decision."""
    others = {f"{FOLDER}/{name}": digest(text) for name, text in content.items() if name != "decision.json"}
    return {
        "gate": "approved" if decision.approved else "refused",
        "compared_with": decision.compared_with or "",
        "sha256": digest(content["decision.json"]),
        **others,
    }


def entry_of(journal: Journal, chain: Chain) -> Entry | None:
    """The entry that tells of the decision that is written down; None where none does, or it is not whole."""
    folder = written_down(journal)
    found = {f"{FOLDER}/{path.name}": digest(path.read_bytes()) for path in folder.iterdir()}
    last = next((entry for entry in reversed(chain.entries) if entry.event == "decided"), None)
    return last if last is not None and hashes_in(last.details) == found else None


def keep(client: "MlflowClient", run_id: str, journal: Journal) -> str:
    """Log the decision that is written down; return its `rules_key`. To do it again changes nothing."""
    folder = written_down(journal)
    client.log_artifacts(run_id, str(folder), FOLDER)
    return json.loads((folder / "decision.json").read_bytes())["rules_key"]


def finish(registry: "Registry") -> list[str]:
    """Within `journal.held`: bring a decision that is written down to its end, or drop it if the journal does not tell of it.

    Returns:
        What became of it, in words.
    """
    journal = registry.journal
    if not written_down(journal).exists():
        return []
    entry = entry_of(journal, journal.read())
    version = next((one for one in registry.versions() if entry and one.number == entry.version), None)
    if entry is None or version is None:
        strike_out(journal)
        return ["a decision that nobody was told of was dropped: the next run decides anew"]
    key = keep(registry.mlflow, version.run_id, journal)
    for name in ("gate", "compared_with"):
        registry.tag(version.number, name, entry.details[name])
    registry.tag(version.number, "decision_key", key)
    strike_out(journal)
    return [f"the decision on version {version.number} is kept with it"]


def strike_out(journal: Journal) -> None:
    """Remove what was written down. Renamed first: what a kill leaves of a removal must not pass for a decision."""
    half = written_down(journal).with_suffix(".half")
    shutil.rmtree(half, ignore_errors=True)
    written_down(journal).rename(half)
    shutil.rmtree(half)


def logged_hashes(client: "MlflowClient", run_id: str) -> dict[str, str]:
    """Artifact -> SHA-256 of the decision's files as MLflow has them."""
    with TemporaryDirectory() as folder:
        names = [found.path for found in client.list_artifacts(run_id, FOLDER)]
        return {name: digest(copied(client, run_id, name, Path(folder)).read_bytes()) for name in names}


def hashes_in(details: dict[str, str]) -> dict[str, str]:
    """Artifact -> SHA-256, as a `decided` entry has them; earlier entries have the first alone."""
    others = {name: value for name, value in details.items() if name.startswith(f"{FOLDER}/")}
    return {TOLD: details.get("sha256", ""), **others}


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()
