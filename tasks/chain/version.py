"""The version whose chain is followed, with what every link looks at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from ecom_llm.registry import Registry, Version
from ecom_llm.registry.journal import Chain, Entry
from ecom_llm.registry.sealing import Sealed
from ecom_llm.registry.signing import BrokenLink
from tasks.chain.commit import Commit, read_commit
from tasks.chain.lock import Lock, read_lock

MLFLOW = "Restore MLflow's artifacts and database from a backup, or train anew and promote that version."
"""What can be done where MLflow holds another thing than was signed."""


@dataclass(frozen=True)
class Told:
    """What is told of a version."""

    anchor: str
    """What MLflow has seen of the journal."""
    chain: Chain
    tags: dict[str, str]
    """MLflow's, of the version."""
    decision_hashes: dict[str, str]


@dataclass(frozen=True)
class Followed:
    """A version, and copies of what its run holds."""

    registry: Registry
    version: Version
    checkout: Path
    """Whose git repository and DVC cache are asked."""
    folder: Path
    """Where copies may go."""

    @cached_property
    def sealed(self) -> Sealed:
        """Its record and signatures, copied."""
        return self.registry.sealed(self.version, self.folder / "sealed")

    @cached_property
    def lock(self) -> Lock:
        """Its dvc.lock; raises as `read_lock`."""
        return read_lock(self.sealed.record.lock)

    @cached_property
    def commit(self) -> Commit:
        """Its snapshot; raises as `read_commit`."""
        return read_commit(self.checkout, self.version.tags.get("snapshot", ""))

    @cached_property
    def model(self) -> Path:
        """The folder of its weights and tokenizer.

        Raises:
            BrokenLink: there is none.
        """
        folder = self.registry.model_folder(self.version)
        if not folder.is_dir():
            raise BrokenLink(f"{folder}: expected the version's weights, found no such folder. {MLFLOW}")
        return folder

    @cached_property
    def told(self) -> Told:
        """What journal and MLflow tell of the version, of one moment: between the two others may be writing."""
        with self.registry.journal.held():
            anchor, chain = self.registry.anchor(), self.registry.journal.read()
            now = self.registry.version(self.version.number)
            return Told(anchor, chain, now.tags, self.registry.decision_hashes(now))

    @cached_property
    def journal(self) -> Chain:
        """The journal of its model, read by whoever may hold it: what it tells of registrations does not change."""
        return self.registry.journal.read()

    @property
    def registration(self) -> Entry | None:
        """The entry with which the journal first knew it."""
        known = (one for one in self.journal.entries if one.event in ("registered", "found"))
        return next((one for one in known if one.version == self.version.number and "lock" in one.details), None)


@contextmanager
def opened(registry: Registry, version: Version, checkout: Path) -> Iterator[Followed]:
    """Take up a version to follow its chain; the copies go when the block ends."""
    with TemporaryDirectory() as folder:
        (Path(folder) / "sealed").mkdir()
        yield Followed(registry, version, checkout, Path(folder))
