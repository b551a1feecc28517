"""The GPU is one: of runs side by side, one stage at a time computes on it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prefect.concurrency.sync import concurrency

from ecom_llm.layout import Layout
from ecom_llm.params import Runtime, load_params

LIMIT = "gpu"
"""Prefect's global concurrency limit; a server that does not know it limits nothing."""
STAGES = ("train", "evaluate")
"""The stages that compute on a GPU where there is one."""
DRIVER = Path("/proc/driver/nvidia")
"""Is there where NVIDIA's driver is loaded: torch, which would know better, takes seconds to import."""


def on_gpu(runtime: Runtime) -> bool:
    """Whether stages will compute on a GPU."""
    return runtime.device == "cuda" or (runtime.device == "auto" and DRIVER.exists())


@contextmanager
def turn_on_gpu(stage: str, layout: Layout) -> Iterator[None]:
    """Wait for a slot of the limit `gpu` and hold it, for a stage that computes there; nothing on a CPU."""
    if stage in STAGES and on_gpu(load_params(layout.params).runtime):
        with concurrency(LIMIT, occupy=1):
            yield
    else:
        yield
