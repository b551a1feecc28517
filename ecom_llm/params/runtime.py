"""The sections `registry` and `runtime`: where a model is registered, and where stages run."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from ecom_llm.params.section import Section

OWN = "own"
"""The key pair that is made in the state folder."""


class Registry(Section):
    """Where the model is registered, and by what key its versions are signed."""

    model_name: str = Field(pattern=r"^[^/:\s]+$")
    """Registered model in MLflow; one per purpose, a recipe names its own."""
    signing_key: str
    """`own` (a pair made in the state folder on first use), or the absolute path of a private key (PEM, elliptic) outside the checkout."""

    @field_validator("signing_key")
    @classmethod
    def _found_from_anywhere(cls, key: str) -> str:
        # a run works in a worktree, where a relative path would name another file
        if key != OWN and not Path(key).is_absolute():
            raise ValueError(f"expected {OWN}, or an absolute path outside of the checkout; found {key!r}")
        return key


class Runtime(Section):
    """Where and how loudly stages run; in no stage's fingerprint."""

    device: Literal["auto", "cpu", "cuda"]
    """`auto` takes CUDA where there is one; the same kind of device gives the same bytes."""
    log_level: Literal["debug", "info", "warning", "error"]
    """How much stages and flows say."""
    engine: Literal["native", "ray"]
    """What runs the preparation: Daft's own engine here, or Ray (`pip install 'ecom-llm[ray]'`); both write the same bytes."""
    ray_address: str = Field(min_length=1)
    """`local` starts Ray for the run; `host:port` or `auto` joins a cluster whose machines share the workspace's disk."""
    reconcile_minutes: int = Field(ge=1)
    """How often `ecom-llm up` mends what dead runs have left, in minutes; the next run and the next `up` do it too."""
