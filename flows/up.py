"""`ecom-llm up`: Prefect's server, MLflow's server and the served deployments, started, watched and stopped together."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params.location import masked_address
from ecom_llm.records import UserError
from ecom_llm.registry import artifact_root, embedded_uri
from ecom_llm.registry.connection import alone, make_tables
from flows.lost import end_lost_runs
from flows.settings import ADDRESSES, noted, require_prefect, standing, standing_file
from tasks.engines import living_runs
from tasks.holds import drop, end_group, hold, is_held, works_in
from tasks.reconcile import reconcile
from tasks.workspace import remove_dead_runs

HOST = "127.0.0.1"
START_SECONDS = 180
"""How long a server may take to say that it is well."""


@dataclass(frozen=True)
class Service:
    """One started program, leader of a process group of its own."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def last_words(self) -> str:
        """The end of its log."""
        return "\n  ".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-8:])


def is_free(port: int) -> bool:
    """Whether nothing listens there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def chosen_port(option: str, asked: int | None, usual: int) -> int:
    """The port asked for, else the usual one, else any free one.

    Raises:
        UserError: the port asked for is taken, or no port at all.
    """
    if asked is not None:
        if not 1 <= asked <= 65535:
            raise UserError(f"{option} {asked}: a port is a number from 1 to 65535.")
        if not is_free(asked):
            raise UserError(f"{option} {asked}: the port is taken. Stop what listens there, or leave {option} out.")
        return asked
    if is_free(usual):
        return usual
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start(name: str, command: list[str], layout: Layout, **extra: str) -> Service:
    """Start a program with its output in a log file of the state folder."""
    log = layout.state / "logs" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as handle:
        process = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=layout.workspace,
            env={**os.environ, **extra},
            stdin=subprocess.DEVNULL,
            stdout=handle,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Service(name, process, log)


def prefect_server(layout: Layout, port: int) -> Service:
    """Prefect's server and UI; the UI asks port 4200 unless told where its API is."""
    command = ["flows.prefect_server", "server", "start", "--host", HOST, "--port", str(port)]
    return start("prefect", command, layout, PREFECT_UI_API_URL=f"http://{HOST}:{port}/api")


def mlflow_server(layout: Layout, port: int) -> Service:
    """MLflow's server and UI over the embedded store; it names artifacts by their place, as the embedded store does."""
    with alone(embedded_uri(layout), "mlflow"):
        make_tables(embedded_uri(layout))
    store = ["--backend-store-uri", embedded_uri(layout)]
    artifacts = ["--default-artifact-root", artifact_root(layout).as_uri(), "--no-serve-artifacts"]
    command = ["mlflow", "server", "--host", HOST, "--port", str(port), "--workers", "1", *store, *artifacts]
    return start("mlflow", command, layout, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false")


def dead(services: list[Service]) -> Service | None:
    """A service that ended by itself."""
    return next((service for service in services if service.process.poll() is not None), None)


def await_health(url: str, services: list[Service]) -> None:
    """Wait until a server says that it is well.

    Raises:
        UserError: a service died meanwhile, or it took too long.
    """
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if (gone := dead(services)) is not None:
            raise UserError(f"{gone.name} ended while starting. Its log, {gone.log}, ends:\n  {gone.last_words()}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    raise UserError(f"{url} did not answer within {START_SECONDS} s. Logs: {services[0].log.parent}")


def note(layout: Layout, services: list[Service], **addresses: str) -> None:
    """Note the process groups, for an `up` after this one was killed, and the addresses once all stands."""
    groups = [service.process.pid for service in services]
    standing_file(layout).write_text(json.dumps({"groups": groups, "environment": addresses}), encoding="utf-8")


def end_leftovers(layout: Layout) -> bool:
    """End what an `up` that was killed has left standing; returns whether there was anything."""
    file = standing_file(layout)
    if not file.exists() or is_held(file):
        return False
    groups = [group for group in noted(file).get("groups", []) if works_in(group, layout.workspace)]
    for group in groups:
        end_group(group)
    drop(file)
    return bool(groups)


def stop(services: list[Service]) -> None:
    """End every service, the last started first: runs report their end to servers that still stand."""
    for service in reversed(services):
        end_group(service.process.pid, grace=30.0)
        service.process.wait()


@contextmanager
def servers(layout: Layout, prefect_port: int | None, mlflow_port: int | None) -> Iterator[list[Service]]:
    """Start what the user's environment does not name already, set the addresses, and stop all at the end.

    Raises:
        UserError: a port is taken, or a server does not start; whatever was started is stopped again.
    """
    ports = {
        "prefect": chosen_port("--prefect-port", prefect_port, 4200) if "PREFECT_API_URL" not in os.environ else None,
        "mlflow": chosen_port("--mlflow-port", mlflow_port, 5000) if "MLFLOW_TRACKING_URI" not in os.environ else None,
    }
    services: list[Service] = []
    try:
        health = []
        if (port := ports["prefect"]) is not None:
            services.append(prefect_server(layout, port))
            os.environ["PREFECT_API_URL"] = f"http://{HOST}:{port}/api"
            health.append(f"{os.environ['PREFECT_API_URL']}/health")
        if (port := ports["mlflow"]) is not None:
            services.append(mlflow_server(layout, port))
            os.environ["MLFLOW_TRACKING_URI"] = f"http://{HOST}:{port}"
            health.append(f"{os.environ['MLFLOW_TRACKING_URI']}/health")
        note(layout, services)
        for url in health:
            await_health(url, services)
        if ports["prefect"] is not None:
            end_lost_runs(os.environ["PREFECT_API_URL"], living_runs(layout))
        ours = "" if ports["prefect"] is not None else masked_address(os.environ["PREFECT_API_URL"].rstrip("/"))
        for line in reconcile(layout, ours).lines():
            print(line, flush=True)
        require_prefect()
        services.append(start("deployments", ["flows.serving"], layout))
        note(layout, services, **{name: masked_address(os.environ[name]) for name in ADDRESSES})
        yield services
    finally:
        stop(services)
        remove_dead_runs(layout)


def keep_up(layout: Layout, prefect_port: int | None, mlflow_port: int | None) -> int:
    """Start all, say where, and wait; returns 1 when a service ended by itself. Ctrl-C and SIGTERM stop all.

    Raises:
        UserError: it stands already for this checkout, a port is taken, or a server does not start.
    """
    if is_held(standing_file(layout)):
        address = standing(layout).get("PREFECT_API_URL", "still starting")
        raise UserError(f"`ecom-llm up` runs already for this checkout ({address}). Stop it first.")
    end_leftovers(layout)
    print("Starting; the first time takes half a minute.", flush=True)
    with hold(standing_file(layout)), servers(layout, prefect_port, mlflow_port) as services:
        print(
            f"Prefect  {masked_address(os.environ['PREFECT_API_URL']).removesuffix('/api')}\n"
            f"MLflow   {masked_address(os.environ['MLFLOW_TRACKING_URI'])}\n"
            f"Logs     {layout.state / 'logs'}\n"
            "Start runs in Prefect under Deployments, or with `ecom-llm run` in another terminal. Ctrl-C stops everything.",
            flush=True,
        )
        while (gone := dead(services)) is None:
            time.sleep(0.5)
        print(
            f"error: {gone.name} ended by itself; stopping all. Its log ends:\n  {gone.last_words()}", file=sys.stderr
        )
    return 1
