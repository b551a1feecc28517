"""The only Python file that spells paths: what a stage reads and writes, and where the project keeps its state."""

import os
from dataclasses import dataclass
from pathlib import Path

STATE_VARIABLE = "ECOM_LLM_STATE"
"""Environment variable that moves the state folder, for example to a larger disk."""


@dataclass(frozen=True)
class Layout:
    """Two roots: `workspace` holds a run's stage files, `state` what outlives runs and is shared by worktrees."""

    workspace: Path
    state: Path

    @classmethod
    def here(cls, workspace: Path | None = None) -> "Layout":
        """The layout of a checkout or of one of its worktrees (default: the working directory)."""
        root = (workspace or Path.cwd()).resolve()
        moved = os.environ.get(STATE_VARIABLE)
        return cls(root, Path(moved).resolve() if moved else main_checkout(root) / ".state")

    # what stages read and write, relative to the workspace; dvc.yaml says the same (a contract test compares them)
    @property
    def params(self) -> Path:
        return self.workspace / "params.yaml"

    @property
    def lock(self) -> Path:
        return self.workspace / "dvc.lock"

    @property
    def sweep(self) -> Path:
        """What a sweep tries, unless another file is named."""
        return self.workspace / "sweep.yaml"

    @property
    def deployments(self) -> Path:
        """What Prefect is to offer: names, schedules, forms."""
        return self.workspace / "prefect.yaml"

    @property
    def sources(self) -> Path:
        return self.workspace / "data" / "sources"

    @property
    def collected(self) -> Path:
        return self.workspace / "data" / "collected"

    @property
    def prepared(self) -> Path:
        return self.workspace / "data" / "prepared"

    @property
    def manifest(self) -> Path:
        return self.workspace / "reports" / "manifest.json"

    @property
    def card(self) -> Path:
        return self.workspace / "reports" / "card.json"

    @property
    def card_page(self) -> Path:
        return self.workspace / "reports" / "card.html"

    @property
    def model(self) -> Path:
        return self.workspace / "models" / "model"

    @property
    def curve(self) -> Path:
        return self.workspace / "reports" / "curve.csv"

    @property
    def metrics(self) -> Path:
        return self.workspace / "reports" / "metrics.json"

    @property
    def slices(self) -> Path:
        return self.workspace / "reports" / "slices.csv"

    @property
    def outputs(self) -> Path:
        return self.workspace / "reports" / "outputs.jsonl"

    # what outlives a run
    @property
    def checkpoints(self) -> Path:
        return self.state / "checkpoints"

    @property
    def tokens(self) -> Path:
        """Training texts as token ids, each data set and tokenizer encoded once."""
        return self.state / "tokens"

    @property
    def worktrees(self) -> Path:
        return self.state / "worktrees"

    @property
    def remote(self) -> Path:
        """DVC's remote, until the user configures another."""
        return self.state / "remote"

    @property
    def pages(self) -> Path:
        return self.state / "pages"

    @property
    def sweeps(self) -> Path:
        """Optuna's studies."""
        return self.state / "sweeps"

    @property
    def studies(self) -> Path:
        """Blind studies: what people are shown, the key that tells which text is whose, and what they answered."""
        return self.state / "studies"

    @property
    def mlflow(self) -> Path:
        return self.state / "mlflow"

    @property
    def keys(self) -> Path:
        """The key pair that signs versions, and the public keys whose signatures count."""
        return self.state / "keys"

    @property
    def journal(self) -> Path:
        """What happened to the models' versions, a file for each registered model."""
        return self.state / "journal"

    @property
    def clone(self) -> Path:
        """The name by which an MLflow server knows this state folder's journals among those of others."""
        return self.state / "clone"

    @property
    def curves(self) -> Path:
        """What trainings tell while they run, and notes of which have a run in MLflow."""
        return self.state / "curves"

    @property
    def live_curve(self) -> Path:
        """What the training in this workspace tells while it runs."""
        return self.curves / f"{self.workspace.name}.jsonl"

    @property
    def engines(self) -> Path:
        """Records of the processes that run flows, each held as long as it lives."""
        return self.state / "engines"

    @property
    def prefect(self) -> Path:
        return self.state / "prefect"

    @property
    def protocols(self) -> Path:
        """What publishers give for a scoring of their own, a JSON list inside `prepared`; `collect` writes one of that name."""
        return self.prepared / "protocols.json"

    def split(self, name: str) -> Path:
        """The examples of one split, a folder of Parquet shards inside `prepared`."""
        return self.prepared / name

    @property
    def items(self) -> Path:
        """The items that may be recommended, a folder of Parquet shards inside `prepared`."""
        return self.prepared / "items"


def main_checkout(root: Path) -> Path:
    """The main checkout of a git worktree, or `root` itself.

    A worktree's `.git` is a file `gitdir: MAIN/.git/worktrees/NAME` (gitrepository-layout(5)); reading it spares a process.
    """
    pointer = root / ".git"
    if pointer.is_file():
        target = Path(pointer.read_text(encoding="utf-8").removeprefix("gitdir:").strip())
        if target.parent.name == "worktrees" and target.parent.parent.name == ".git":
            return target.parents[2]
    return root
