"""Versions and aliases: which version is the candidate, the champion and the previous one."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ecom_llm.evaluate.evidence import Output, read_evidence
from ecom_llm.layout import Layout
from ecom_llm.params.location import bare_address, masked_address
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant
from ecom_llm.records import Record, UserError, read_jsonl
from ecom_llm.registry.artifacts import copied
from ecom_llm.registry.connection import alone, artifact_root, client, embedded_uri, first_line, probe, tracking_uri
from ecom_llm.registry.decisions import finish, logged_hashes, write_down
from ecom_llm.registry.journal import Event, Journal, name_of
from ecom_llm.registry.recording import Candidate, lock_key, record, tracking
from ecom_llm.registry.runs import experiment_id
from ecom_llm.registry.sealing import SIGNATURE, Sealed, unsealed
from ecom_llm.registry.trainings import log_training, nest, read_training

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.tracking import MlflowClient

P = ParamSpec("P")
T = TypeVar("T")
ANCHOR = "journal"
"""Tags `journal.NAME` of the registered model hold sequence and hash of the last entry of each clone's journal."""
PURPOSE = "Writes for the shop: descriptions, adverts, simulated reviews, answers, recommendations."
APPROVAL = "approval"
"""Tag of a version with a person's word on it: `awaited`, `approved` or `rejected`; absent or empty where none was asked."""
TRIAL = "smoke_test"
"""Tag of a version that became champion: `pending` until it was tried, then `passed` or `failed`."""


class Version(Record):
    """A registered model version, as it was when it was asked for."""

    model_name: str
    number: str
    run_id: str
    tags: dict[str, str]

    @property
    def complete(self) -> bool:
        """Whether its registration came to its end; only then it counts."""
        return self.tags.get("complete") == "true"

    @property
    def identity(self) -> dict[str, str]:
        """What the journal keeps of it: hash of its dvc.lock, snapshot commit, hash of its signature where it has one."""
        return {name: self.tags[name] for name in ("lock", "snapshot", SIGNATURE) if self.tags.get(name)}

    @property
    def rolled_back(self) -> bool:
        """Whether it was champion and was rolled back."""
        return self.tags.get("rolled_back") == "true"

    @property
    def awaited(self) -> bool:
        """Whether the gate approved it and a person has yet to say so."""
        return self.tags.get("gate") == "approved" and self.tags.get(APPROVAL) == "awaited"

    @property
    def approved(self) -> bool:
        """Whether a person approved it."""
        return self.tags.get(APPROVAL) == "approved"

    @property
    def rejected(self) -> bool:
        """Whether a person rejected it; it does not become champion by itself."""
        return self.tags.get(APPROVAL) == "rejected"

    @property
    def untried(self) -> bool:
        """Whether it was promoted and its smoke test has not come to an end."""
        return self.tags.get(TRIAL) == "pending"

    @property
    def promoted(self) -> int:
        """When it last became champion, as a count of promotions; 0: never."""
        return int(self.tags.get("promoted", "0"))

    @property
    def seeds(self) -> tuple[int, ...]:
        """`train.seed` of the trainings kept with it beside its own."""
        return tuple(int(seed) for seed in self.tags.get("trainings", "").split())


def as_version(found: "ModelVersion") -> Version:
    return Version(
        model_name=found.name, number=str(found.version), run_id=found.run_id or "", tags=dict(found.tags or {})
    )


def answered(method: Callable[Concatenate["Registry", P], T]) -> Callable[Concatenate["Registry", P], T]:
    """Turn MLflow's refusals and a full disk into a UserError that names the address and what was asked."""

    @wraps(method)
    def asking(self: "Registry", *args: P.args, **kwargs: P.kwargs) -> T:
        from mlflow.exceptions import MlflowException

        try:
            return method(self, *args, **kwargs)
        except (MlflowException, OSError) as error:
            doing = method.__name__.replace("_", " ")
            raise UserError(f"MLflow at {self.address} refused ({doing}): {first_line(error, self.uri)}") from error

    return asking


@dataclass(frozen=True)
class Registry:
    """One registered model: its versions and the aliases that say which of them writes for the shop.

    Every method raises a UserError that names the address where MLflow refuses.
    """

    uri: str
    model_name: str
    layout: Layout
    mlflow: "MlflowClient"
    _born: list[str] = field(default_factory=list, repr=False, compare=False)
    """What `born` has found."""

    @property
    def address(self) -> str:
        """Where it is, as may be shown: without a password."""
        return masked_address(self.uri)

    def url(self, version: Version) -> str | None:
        """The version in MLflow's UI; None where no server stands."""
        return f"{bare_address(self.uri)}/#/models/{self.model_name}/versions/{version.number}" if self.served else None

    @answered
    def run_url(self, version: Version) -> str | None:
        """The version's run in MLflow's UI; None where no server stands."""
        if not self.served:
            return None
        return self.run_page(self.mlflow.get_run(version.run_id).info.experiment_id, version.run_id)

    def run_page(self, experiment: str, run_id: str) -> str | None:
        """A run in MLflow's UI; None where no server stands."""
        return f"{bare_address(self.uri)}/#/experiments/{experiment}/runs/{run_id}" if self.served else None

    @property
    def served(self) -> bool:
        """Whether a server stands behind the address."""
        return self.uri.startswith("http")

    @property
    def locks(self) -> str:
        """The store beside which its locks lie: an embedded one, else that of the state folder, which those who share a server share."""
        return self.uri if self.uri.startswith("sqlite:///") else embedded_uri(self.layout)

    @answered
    def experiment(self) -> str:
        """The experiment of the model's runs, made on first use; returns its id."""
        where = None if self.served else (artifact_root(self.layout) / self.model_name).as_uri()
        return experiment_id(self.mlflow, self.model_name, where)

    @answered
    def aliases(self) -> dict[str, str]:
        """Alias -> version number; empty before the first registration."""
        if not self.mlflow.search_registered_models(f"name = '{self.model_name}'", max_results=1):
            return {}
        # search_model_versions never says aliases; the registered model does
        found = self.mlflow.get_registered_model(self.model_name).aliases
        return {alias: str(number) for alias, number in found.items()}

    @property
    def name_here(self) -> str:
        """Its name in the state folder, with the time at which it was made: another store's model of that name is another model."""
        return f"{self.model_name}.{self.born()}"

    @answered
    def born(self) -> str:
        """When the registered model was made, in milliseconds since the epoch; `0` while there is none."""
        if not self._born:
            found = self.mlflow.search_registered_models(f"name = '{self.model_name}'", max_results=1)
            if not found:
                return "0"
            self._born.append(str(found[0].creation_timestamp))
        return self._born[0]

    @property
    def journal(self) -> Journal:
        """What happened to its versions."""
        return Journal(self.layout.journal / f"{self.name_here}.jsonl")

    def note(self, event: Event, version: str, **details: str) -> None:
        """Write into the journal, within `journal.held`, and let MLflow know the new end of it.

        Where entries that MLflow has seen are not there any more, it goes on knowing those: what comes after must not hide it.
        """
        seen = self.anchor()
        self.journal.append(event, version, **details)
        chain = self.journal.read()
        if not chain.missing(seen):
            self.anchor_to(chain.head)

    @property
    def anchor_tag(self) -> str:
        """The tag of this clone's journal: clones that share a server have a journal each, and none may hide what another's lacks."""
        return f"{ANCHOR}.{name_of(self.layout.clone)}"

    def anchor_to(self, head: str) -> None:
        """Let MLflow know the end of the journal."""
        self.mlflow.set_registered_model_tag(self.model_name, self.anchor_tag, head)

    @answered
    def anchors(self) -> dict[str, str]:
        """Tag -> the end of a journal as MLflow knows it, of every clone that has written one."""
        if not self.mlflow.search_registered_models(f"name = '{self.model_name}'", max_results=1):
            return {}
        tags = self.mlflow.get_registered_model(self.model_name).tags
        return {tag: head for tag, head in tags.items() if tag.startswith(f"{ANCHOR}.")}

    def anchor(self) -> str:
        """The end of this clone's journal as MLflow knows it; empty before the first entry."""
        return self.anchors().get(self.anchor_tag, "")

    @answered
    def versions(self, condition: str = "") -> list[Version]:
        """The complete versions, newest first; `condition` as in MLflow's search, beginning with ` and `."""
        found = self.mlflow.search_model_versions(f"name = '{self.model_name}'{condition}", max_results=10_000)
        known = (as_version(version) for version in found)
        return sorted((version for version in known if version.complete), key=lambda v: int(v.number), reverse=True)

    def version(self, number: str) -> Version:
        """The version of that number.

        Raises:
            UserError: there is none; names those there are.
        """
        known = {version.number: version for version in self.versions()}
        if number not in known:
            there = ", ".join(known) or "none: run `ecom-llm run` first"
            raise UserError(f"{self.model_name} has no version {number!r} at {self.address}. There are: {there}.")
        return known[number]

    def version_for_lock(self, lock: str) -> Version | None:
        """The newest complete version made from a dvc.lock with that `lock_key`."""
        return next(iter(self.versions(f" and tags.lock = '{lock}'")), None)

    def champion(self) -> Version | None:
        """The version that writes for the shop; None also where the alias names one whose registration did not come to its end."""
        number = self.aliases().get("champion")
        return next((one for one in self.versions() if one.number == number), None) if number else None

    def settled(self, lock: str, rules_key: str, promote: bool) -> Version | None:
        """The version of this lock if nothing is left to do: it was decided on by these rules, against this champion.

        An approved version that is not champion is left to do when `promote` asks for it, unless it was rolled back, or a person
        has yet to answer or said no.
        """
        version = self.version_for_lock(lock)
        if version is None or version.tags.get("decision_key") != rules_key:
            return None
        champion = self.aliases().get("champion", "")
        asked = version.awaited or version.rejected
        waiting = promote and version.tags.get("gate") == "approved" and not (version.rolled_back or asked)
        unchanged = champion == version.tags.get("compared_with") and not waiting
        done = champion == version.number and not version.untried
        return version if done or unchanged else None

    @answered
    def register(self, candidate: Candidate) -> Version:
        """Log a run with everything about the candidate, make a model version of it and give it the alias `candidate`.

        A dvc.lock is registered once: a second time the same version comes back. What a broken registration leaves is
        a failed run and perhaps a version that lacks the tag `complete`, which never counts.
        """
        lock = lock_key(candidate.layout.lock)
        with alone(self.locks, "registration"), tracking(self.uri):
            version = self.version_for_lock(lock)
            if version is None:
                if not self.mlflow.search_registered_models(f"name = '{self.model_name}'", max_results=1):
                    self.mlflow.create_registered_model(self.model_name, description=PURPOSE)
                experiment = self.experiment()
                version = self.version(record(self.mlflow, self.model_name, experiment, candidate))
            self.announce(version)
        return version

    def announce(self, version: Version, **details: str) -> bool:
        """Tell the journal of a version that is complete, once, and let it be the candidate; returns whether it was news."""
        with self.journal.held():
            told = (entry.version for entry in self.journal.read().entries if entry.event in ("registered", "found"))
            news = version.number not in set(told)
            if news:
                self.note("registered", version.number, **version.identity, **details)
            if self.aliases().get("champion") != version.number:
                self.alias("candidate", version.number)
        return news

    @answered
    def files(self, version: Version, folder: Path) -> Layout:
        """Copy a version's dvc.lock, params.yaml and reports into a folder, laid out as in the workspace it came from."""
        made = Layout(folder, self.layout.state)
        for path in (made.lock, made.params, made.metrics.parent):
            copied(self.mlflow, version.run_id, path.relative_to(folder).as_posix(), folder)
        return made

    @answered
    def params_file(self, version: Version, folder: Path) -> Path:
        """Copy a version's params.yaml into a folder; returns where it lies."""
        made = Layout(folder, self.layout.state).params
        copied(self.mlflow, version.run_id, made.name, folder)
        return made

    @answered
    def entrant(self, version: Version) -> Entrant:
        """The version with its evidence and outputs, those of its trainings too, as the gate takes it."""
        with TemporaryDirectory() as name:
            folder = Path(name)
            found = self.files(version, folder)
            evidence, outputs = read_evidence(found.metrics), list(read_jsonl(found.outputs, Output))
            trainings = tuple(read_training(self.mlflow, version.run_id, seed, folder) for seed in version.seeds)
        return Entrant(self.model_name, version.number, evidence, outputs, version.rolled_back, trainings)

    @answered
    def keep_training(self, version: Version, seed: int, layout: Layout) -> Version:
        """Keep what a training by another seed wrote; the tag, set last, says that all of it is there."""
        log_training(self.mlflow, version.run_id, seed, layout)
        nest(self.mlflow, self.experiment(), version.run_id, seed, layout.workspace.name)
        seeds = sorted({*self.version(version.number).seeds, seed})
        self.tag(version.number, "trainings", " ".join(str(one) for one in seeds))
        return self.version(version.number)

    @answered
    def record_decision(self, version: Version, decision: GateDecision, page: Path) -> None:
        """Keep a decision and its page with the version; the tag `decision_key`, set last, says that all is there."""
        with self.journal.held():
            finish(self)
            details = write_down(self.journal, decision, page)
            self.note("decided", version.number, **details)
            finish(self)

    @answered
    def keep_trial(self, version: Version, passed: bool) -> None:
        """Keep with a version how its smoke test ended."""
        self.tag(version.number, TRIAL, "passed" if passed else "failed")

    @answered
    def decision_hashes(self, version: Version) -> dict[str, str]:
        """Artifact -> SHA-256 of what is kept of the version's last decision."""
        return logged_hashes(self.mlflow, version.run_id)

    def tag(self, number: str, key: str, value: str) -> None:
        """Set a version's tag."""
        self.mlflow.set_model_version_tag(self.model_name, number, key, value)

    def alias(self, alias: str, number: str | None) -> None:
        """Point an alias at a version; None takes it away."""
        if number:
            self.mlflow.set_registered_model_alias(self.model_name, alias, number)
        else:
            self.mlflow.delete_registered_model_alias(self.model_name, alias)

    def named(self, word: str) -> Version:
        """The version of that number or alias; raises as `version`."""
        return self.version(self.aliases().get(word, word))

    @answered
    def sealed(self, version: Version, folder: Path) -> Sealed:
        """Copy a version's record and signatures into a folder; what MLflow no longer has is missing there."""
        source = self.mlflow.get_model_version_download_uri(self.model_name, version.number)
        return unsealed(self.mlflow, version.run_id, source, version.tags.get("snapshot", ""), folder)

    @property
    def downloads(self) -> Path:
        """Where copies of its versions lie that a server keeps."""
        return self.layout.mlflow / "downloads" / self.name_here

    @answered
    def model_folder(self, version: Version) -> Path:
        """A local folder with the version's safetensors and tokenizer: where it lies, or a copy from the server."""
        import mlflow.artifacts

        source = self.mlflow.get_model_version_download_uri(self.model_name, version.number)
        address = urlsplit(source)
        if address.scheme in ("", "file"):
            return Path(url2pathname(address.path)) / "artifacts" / "model"
        kept = self.downloads / version.number
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=kept.parent) as folder:
                where = mlflow.artifacts.download_artifacts(
                    artifact_uri=f"{source}/artifacts/model", dst_path=folder, tracking_uri=self.uri
                )
                try:
                    Path(where).rename(kept)  # only a whole copy bears the name
                except OSError:
                    if not kept.is_dir():  # else another process was first, with the same files
                        raise
        return kept


def registry_at(uri: str, model_name: str, layout: Layout) -> Registry:
    """The registry at a tracking URI.

    Raises:
        UserError: nobody answers there, or the folder cannot be written.
    """
    probe(uri)
    with alone(uri, "mlflow"):
        return Registry(uri, model_name, layout, client(uri))


def open_registry(model_name: str, layout: Layout) -> Registry:
    """The registry at MLFLOW_TRACKING_URI where that is set, else the one in the state folder; raises as `registry_at`."""
    return registry_at(tracking_uri(layout), model_name, layout)
