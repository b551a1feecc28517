"""Prefect's server for tests: on a port and with a home that outlive it, so that it can be killed and started again."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from flows import up


@dataclass
class Server:
    """The server that `ecom-llm up` starts, without the rest."""

    folder: Path
    port: int
    service: up.Service | None = None

    @property
    def api(self) -> str:
        return f"http://{up.HOST}:{self.port}/api"

    def start(self) -> None:
        self.service = up.prefect_server(Layout(self.folder, self.folder / "state"), self.port)
        up.await_health(f"{self.api}/health", [self.service])

    def kill(self) -> None:
        os.killpg(self.service.process.pid, signal.SIGKILL)
        self.service.process.wait()


@contextmanager
def prefect_standing(folder: Path, port: int) -> Iterator[Server]:
    """A server with a home of its own, while the block lasts; the environment names nothing else of Prefect's.

    Args:
        port: where a free one is looked for; each test file has its own, as they run side by side.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("PREFECT_")]:
            patch.delenv(name)
        patch.setenv("PREFECT_HOME", str(folder / "home"))
        patch.setenv("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
        made = Server(folder, up.chosen_port("--prefect-port", None, port))
        made.start()
        try:
            yield made
        finally:
            up.stop([made.service])
