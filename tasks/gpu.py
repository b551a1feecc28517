"""The GPU is one: of runs side by side, one stage at a time computes on it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.sync import concurrency
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from ecom_llm.layout import Layout
from ecom_llm.params import Runtime, load_params

LIMIT = "gpu"
"""Prefect's global concurrency limit, made where a server does not know it: such a one limits nothing."""
STAGES = ("train", "evaluate")
"""The stages that compute on a GPU where there is one."""
DRIVER = Path("/proc/driver/nvidia")
"""Is there where NVIDIA's driver is loaded: torch, which would know better, takes seconds to import."""


def on_gpu(runtime: Runtime) -> bool:
    """Whether stages will compute on a GPU."""
    return runtime.device == "cuda" or (runtime.device == "auto" and DRIVER.exists())


def make_limit() -> None:
    """Make the limit where there is none yet; one that is there keeps its number."""
    with get_client(sync_client=True) as client:
        try:
            client.read_global_concurrency_limit_by_name(LIMIT)
        except ObjectNotFound:
            with suppress(ObjectAlreadyExists):  # by another run, a moment ago
                client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name=LIMIT, limit=1))


@contextmanager
def slot(needed: bool, patience: float | None = None) -> Iterator[None]:
    """Wait for a slot of the limit and hold it, where one is needed.

    Raises:
        TimeoutError: there was none within `patience` seconds.
    """
    if needed:
        make_limit()
        with concurrency(LIMIT, occupy=1, timeout_seconds=patience):
            yield
    else:
        yield


@contextmanager
def turn_on_gpu(stage: str, layout: Layout) -> Iterator[None]:
    """Hold a slot for a stage that computes on the GPU; nothing on a CPU."""
    with slot(stage in STAGES and on_gpu(load_params(layout.params).runtime)):
        yield


@contextmanager
def turn_to_try(patience: float | None = None) -> Iterator[None]:
    """Hold a slot for a smoke test, which takes a GPU where there is one; raises as `slot`."""
    with slot(DRIVER.exists(), patience):
        yield
