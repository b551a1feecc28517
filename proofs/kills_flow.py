"""Kills of whole runs: the real `ecom-llm run`, killed in a stage or around the stages, reconciled, and run again."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

import psutil

from ecom_llm.layout import Layout
from ecom_llm.registry import open_registry
from proofs.kills_checks import below, faults
from proofs.kills_registry import Trial, answer
from tasks.reconcile import models

COMMAND = [sys.executable, "-c", "from flows.cli import main; main()"]
ELSEWHERE = ("PREFECT_", "MLFLOW_", "ECOM_LLM_", "DVC_")
"""What the environment's names begin with that would lead out of the shop."""
PHASES = ("start", "collect", "prepare", "train", "evaluate", "after the stages")
VARIED = {"start": "train", "after the stages": "evaluate"}
"""The stage that has work to do, where the phase is none: its seed is another one, the stages before come from the cache."""
LIVE = ["PENDING", "RUNNING", "CANCELLING", "PAUSED"]


@dataclass(frozen=True)
class Reference:
    """A run that nobody killed."""

    marks: dict[str, float]
    """Phase -> seconds after the start at which it began."""
    seconds: float
    results: dict[str, str]
    """The texts of its dvc.lock and metrics.json."""


def environment(shop: Path, api: str) -> dict[str, str]:
    """The environment of a command in a shop, with a Prefect server that stands."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    own = {"PYTHONPATH": str(shop), "PWD": str(shop), "DVC_NO_ANALYTICS": "1", "PYTHONUNBUFFERED": "1"}
    return kept | own | ({"PREFECT_API_URL": api} if api else {})


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """A Prefect server of the proof's own, so that no run has to start one; yields its address."""
    from flows.up import chosen_port

    port = chosen_port("--prefect-port", None, 4231)
    own = {"PREFECT_HOME": str(home), "PREFECT_SERVER_ANALYTICS_ENABLED": "false", "PREFECT_LOGGING_LEVEL": "ERROR"}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ELSEWHERE)}
    command = [
        sys.executable,
        "-m",
        "flows.prefect_server",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
    server = subprocess.Popen(command, env=kept | own, start_new_session=True, **quiet)
    api = f"http://127.0.0.1:{port}/api"
    try:
        until = time.monotonic() + 180
        while not answers(f"{api}/health"):
            if server.poll() is not None or time.monotonic() > until:
                raise RuntimeError("Prefect's server does not start")
            time.sleep(0.3)
        yield api
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()


def answers(url: str) -> bool:
    """Whether a server says that it is well."""
    try:
        urlopen(url, timeout=5).close()
    except OSError:
        return False
    return True


def asked(api: str, path: str, body: dict[str, object]) -> list[dict[str, object]]:
    """What Prefect's server answers."""
    request = Request(f"{api}/{path}", json.dumps(body).encode(), {"content-type": "application/json"})
    with urlopen(request, timeout=30) as reply:
        return json.loads(reply.read())


def words(phase: str, seed: int) -> list[str]:
    """The run in which the phase's stage has work to do."""
    return ["run", "--set", f"{VARIED.get(phase, phase)}.seed={seed}"]


def phase_of(line: str, now: str) -> str:
    """The phase that a line of the run's output begins, or the one it was in."""
    for stage in PHASES[1:5]:
        if f"Running stage '{stage}'" in line:
            return stage
    return "after the stages" if now == "evaluate" and "Updating lock file" in line else now


def begun(shop: Path, api: str, phase: str, seed: int) -> subprocess.Popen[str]:
    """A run, its output in a pipe."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL, "text": True}
    return subprocess.Popen([*COMMAND, *words(phase, seed)], cwd=shop, env=environment(shop, api), **pipes)


def unkilled(shop: Path, api: str, phase: str, seed: int) -> Reference:
    """A run to its end, and when its phases began.

    Raises:
        RuntimeError: it fails by itself.
    """
    began, now, marks, lines = time.monotonic(), "start", {"start": 0.0}, []
    with begun(shop, api, phase, seed) as run:
        for line in run.stdout:
            lines.append(line)
            now = phase_of(line, now)
            marks.setdefault(now, time.monotonic() - began)
    if run.returncode:
        raise RuntimeError("".join(lines[-15:]))
    return Reference(marks, time.monotonic() - began, answer(lambda: results(shop)))


def results(shop: Path) -> dict[str, str]:
    """What the newest version was made of."""
    layout = Layout.here(shop)
    registry = open_registry(models(layout)[0], layout)
    run = registry.mlflow.get_run(registry.versions()[0].run_id)
    folder = Path(run.info.artifact_uri.removeprefix("file://"))
    return {name: (folder / name).read_text() for name in ("dvc.lock", "reports/metrics.json")}


def kill(run: subprocess.Popen[str], whole: bool) -> None:
    """SIGKILL the engine, or it and all that it has started, however deep; a run that has ended is left alone."""
    if run.poll() is not None:
        return
    parent = psutil.Process(run.pid)
    found = [parent, *(parent.children(recursive=True) if whole else [])]
    for process in found:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue


def killed_run(shop: Path, api: str, phase: str, seed: int, reference: Reference, rng: random.Random) -> str | None:
    """Run, and kill in the phase; returns where, or None where it had ended before."""
    later = [mark for mark in reference.marks.values() if mark > reference.marks[phase]]
    span, whole = min([*later, reference.seconds]) - reference.marks[phase], rng.random() < 0.5
    delay, reached = rng.uniform(0, span), threading.Event()
    with begun(shop, api, phase, seed) as run:
        reader = threading.Thread(target=listen, args=(run, phase, reached), daemon=True)
        reader.start()
        while not reached.wait(0.02) and run.poll() is None:
            pass
        until = time.monotonic() + delay
        while run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        alive = run.poll() is None
        kill(run, whole)
        for process in below(shop) if whole else []:  # what was started while the tree was being cut down
            process.kill()
        run.wait()
        what = "the whole tree" if whole else "the engine alone"
        reader.join(timeout=None if whole else 2.0)  # what outlives the engine holds its end of the pipe
    return f"{delay:.1f} s of {span:.1f} into it, {what}" if alive else None


def listen(run: subprocess.Popen[str], phase: str, reached: threading.Event) -> None:
    """Read a run's lines, and tell when it is in a phase."""
    now = "start"
    if now == phase:
        reached.set()
    for line in run.stdout:
        now = phase_of(line, now)
        if now == phase:
            reached.set()


def command(shop: Path, api: str, *given: str) -> tuple[int, list[str], float]:
    """Exit code, lines and seconds of an `ecom-llm` command in the shop."""
    began = time.monotonic()
    done = subprocess.run(
        [*COMMAND, *given], cwd=shop, env=environment(shop, api), capture_output=True, text=True, check=False
    )
    return done.returncode, (done.stdout + done.stderr).splitlines(), time.monotonic() - began


def trial(base: Path, api: str, phase: str, seed: int, reference: Reference, rng: random.Random) -> Trial:
    """Kill a run in a copy of the shop, reconcile, check, run again, and compare with the run that nobody killed."""
    shop = base.with_name("trial")
    shutil.copytree(base, shop, symlinks=True)
    rehome(base, shop)
    try:
        where = killed_run(shop, api, phase, seed, reference, rng)
        code, lines, _ = command(shop, api, "reconcile")
        mended = [line for line in lines if "ended" in line.lower()]
        found = [] if code == 0 else [f"reconcile ended with {code}: {lines[-1:]}"]
        found += [f"after reconcile: {fault}" for fault in answer(lambda: faults(Layout.here(shop), MODEL))]
        live = asked(api, "flow_runs/filter", {"flow_runs": {"state": {"type": {"any_": LIVE}}}})
        found += [f"Prefect's flow run {run['name']} is {run['state_type']}" for run in live]
        code, lines, _ = command(shop, api, *words(phase, seed))
        if code:
            found.append(f"the next run ended with {code}: {lines[-1:]}")
        else:
            now = answer(lambda: results(shop))
            found += [f"{name} is another than without a kill" for name in now if now[name] != reference.results[name]]
            found += [f"after the next run: {fault}" for fault in answer(lambda: faults(Layout.here(shop), MODEL))]
        return Trial(phase, where or "not killed: it had ended", mended, found)
    finally:
        for process in below(shop):
            process.kill()
        shutil.rmtree(shop)


MODEL = "ecom-llm-tiny"


def rehome(base: Path, shop: Path) -> None:
    """Let a copy of a shop name its own folder where the original's stands: in MLflow's database."""
    import sqlite3

    with sqlite3.connect(shop / ".state" / "mlflow" / "mlflow.db") as store:
        tables = store.execute("select name from sqlite_master where type = 'table'").fetchall()
        for (table,) in tables:
            for _, column, kind, *_ in store.execute(f"pragma table_info({table})").fetchall():
                if "CHAR" in kind.upper() or "TEXT" in kind.upper():
                    store.execute(
                        f'update {table} set "{column}" = replace("{column}", ?, ?) where instr("{column}", ?)',
                        (str(base), str(shop), str(base)),
                    )
    store.close()
