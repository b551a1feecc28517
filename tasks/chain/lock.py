"""dvc.lock as data: which stages there were, and by what hashes they know what they read and wrote."""

from pathlib import Path
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ValidationError

from ecom_llm.params import LOADER
from ecom_llm.registry.signing import BrokenLink


class Named(BaseModel):
    """A path with its hash."""

    path: str
    md5: str | None = None
    """None where DVC has no MD5 of it, as of what lies at an address."""

    @property
    def external(self) -> bool:
        """Whether it lies outside of the project, where no version of it is kept."""
        return self.md5 is None or Path(self.path).is_absolute() or bool(urlsplit(self.path).scheme)


class Stage(BaseModel):
    """A stage as it ran."""

    deps: tuple[Named, ...] = ()
    outs: tuple[Named, ...] = ()
    params: dict[str, dict[str, object]] = {}
    """File -> section -> values."""


class Lock(BaseModel):
    """A dvc.lock; keys that nothing here rests on are left out."""

    stages: dict[str, Stage]

    @property
    def outs(self) -> dict[str, str]:
        """Path -> hash of everything the stages wrote."""
        return {out.path: out.md5 or "" for stage in self.stages.values() for out in stage.outs}

    @property
    def origins(self) -> list[Named]:
        """What the stages read and none of them wrote: code, sources and external data; each once."""
        deps = {dep.path: dep for stage in self.stages.values() for dep in stage.deps}
        return [dep for path, dep in deps.items() if path not in self.outs]


def read_lock(path: Path) -> Lock:
    """Read a dvc.lock.

    Raises:
        BrokenLink: it is missing, or no dvc.lock.
    """
    try:
        return Lock.model_validate(yaml.load(path.read_bytes(), Loader=LOADER))
    except FileNotFoundError as error:
        raise BrokenLink(
            "dvc.lock: expected it among the version's artifacts, found no such file. Restore MLflow's artifacts."
        ) from error
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())[:160]
        raise BrokenLink(
            f"dvc.lock: expected the lock of four stages, found what is none ({said}). Restore MLflow's artifacts."
        ) from error
