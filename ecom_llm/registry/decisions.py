"""A decision as it is kept with its version: for programs, for people, and its page; and the hashes the journal has of them."""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ecom_llm.promote.decision import GateDecision

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

FOLDER = "decision"
TOLD = f"{FOLDER}/decision.json"
"""The decision for programs; its hash is the entry's `sha256`."""


def log_decision(client: "MlflowClient", run_id: str, decision: GateDecision, page: Path) -> dict[str, str]:
    """Log a decision and its page; return the details of its entry in the journal."""
    told, words = decision.model_dump_json(indent=2), decision.markdown()
    client.log_text(run_id, told, TOLD)
    client.log_text(run_id, words, f"{FOLDER}/decision.md")
    client.log_artifact(run_id, str(page), FOLDER)
    return {
        "gate": "approved" if decision.approved else "refused",
        "compared_with": decision.compared_with or "",
        "sha256": digest(told.encode()),
        f"{FOLDER}/decision.md": digest(words.encode()),
        f"{FOLDER}/{page.name}": digest(page.read_bytes()),
    }


def logged_hashes(client: "MlflowClient", run_id: str) -> dict[str, str]:
    """Artifact -> SHA-256 of the decision's files as MLflow has them."""
    with TemporaryDirectory() as folder:
        names = [found.path for found in client.list_artifacts(run_id, FOLDER)]
        return {name: digest(Path(client.download_artifacts(run_id, name, folder)).read_bytes()) for name in names}


def hashes_in(details: dict[str, str]) -> dict[str, str]:
    """Artifact -> SHA-256, as a `decided` entry has them; earlier entries have the first alone."""
    others = {name: value for name, value in details.items() if name.startswith(f"{FOLDER}/")}
    return {TOLD: details.get("sha256", ""), **others}


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()
