"""The sections `registry` and `runtime`: where a model is registered, and where stages run."""

from typing import Literal

from pydantic import Field

from ecom_llm.params.section import Section


class Registry(Section):
    """Where the model is registered."""

    model_name: str = Field(pattern=r"^[^/:\s]+$")
    """Registered model in MLflow; one per purpose, a recipe names its own."""


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
