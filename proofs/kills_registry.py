"""Kills of what acts on the registry: each act in a process of its own, by the functions that the flow calls.

The processes are forked from one that has everything imported and no store open, so that a kill costs no start of Python. Half
of the kills come from outside after a random time, the others at a random one of the act's writes.
"""

import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.promote.gate import decide
from ecom_llm.registry import Candidate, Registry, Version, open_registry, promote, rollback
from ecom_llm.registry.journal import Journal
from proofs.kills_checks import faults
from tasks import engines, fresh, git
from tasks.curves import noted
from tasks.holds import hold, run_file
from tasks.reconcile import reconcile
from tasks.workspace import Workspace

ACTS = ("register", "decide", "promote", "take back", "roll back")
PRELOADED = (
    "mlflow.pyfunc",
    "mlflow.store.model_registry.sqlalchemy_store",
    "mlflow.store.tracking.sqlalchemy_store",
    "model_signing.signing",
    "model_signing.verifying",
    "transformers.models.llama.modeling_llama",  # MLflow loads a model that it registers, to write its example
    "transformers.models.auto.modeling_auto",
    "transformers.tokenization_utils_tokenizers",
)
WRITES = ("set_", "create_", "delete_", "log_", "update_", "finalize_")
"""What the methods of MLflow's client that write begin with."""


@dataclass(frozen=True)
class Blow:
    """How a process is to die: after some seconds, or before its Nth write."""

    seconds: float | None = None
    write: int | None = None


@dataclass(frozen=True)
class Struck:
    """How an act went."""

    killed: bool
    seconds: float
    writes: int
    """How many it came to, where it ended and nobody struck from outside."""


def preload() -> None:
    """Import what the acts need; nothing is opened."""
    for name in PRELOADED:
        importlib.import_module(name)


def lay_out(shop: Path, number: int) -> Workspace:
    """A workspace with the results of the shop's checkout, and a dvc.lock that no version was made from yet."""
    layout = Layout.here(shop)
    own = Layout(layout.worktrees / f"20260101-000000-{number:04x}", layout.state)
    for name in ("ecom_llm", "models/model", "reports"):
        shutil.copytree(shop / name, own.workspace / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(layout.params, own.params)
    own.lock.write_text(f"{layout.lock.read_text()}# {number}\n")
    return Workspace(own.workspace, git.git("rev-parse", "HEAD", cwd=shop), own, None)


def act(name: str, shop: Path, rng: random.Random, workspace: Workspace | None) -> Callable[[], object]:
    """What is to be done, everything before its first write being done."""
    layout = Layout.here(shop)
    params = load_params(layout.params)
    registry = open_registry(params.registry.model_name, layout)
    if name == "register":
        candidate = Candidate(workspace.layout, params, workspace.commit)

        def registering() -> None:
            with hold(run_file(workspace.path)), noted(workspace):
                registry.register(candidate)

        return registering
    version = rng.choice(registry.versions())
    if name == "decide":
        entrant = registry.entrant(version)
        decision = decide(entrant, registry.entrant(registry.champion()), params.promote, rng.randrange(99), None)
        page = layout.pages / f"{version.model_name}-{version.number}.html"
        page.write_text(f"<html>{rng.random()}</html>")
        return lambda: registry.record_decision(version, decision, page)
    if name in ("promote", "take back"):
        other = rng.choice([one for one in registry.versions() if one.number != registry.aliases()["champion"]])
        return lambda: promoted(registry, other) if name == "promote" else found_unfit(registry, other, layout)
    back = back_to(registry, rng)
    return lambda: rollback(registry, back)


def promoted(registry: Registry, version: Version) -> None:
    """Promote a version and write down that it writes, as after its smoke test, which takes seconds and writes nothing itself."""
    promote(registry, version, by_hand=True)
    registry.keep_trial(version, passed=True)


def found_unfit(registry: Registry, version: Version, layout: Layout) -> None:
    """Promote a version that fails its smoke test: it is taken back at once."""
    promote(registry, version, by_hand=True)
    fresh.smoke_test = lambda *_: "it writes nothing"
    fresh.tried(registry, version, layout)


def back_to(registry: Registry, rng: random.Random) -> str:
    """An earlier champion; where there is none yet, one is made."""
    others = [one for one in registry.versions() if one.number != registry.aliases()["champion"]]
    earlier = [one.number for one in others if one.promoted]
    if not earlier:
        now = registry.champion()
        promoted(registry, others[0])
        return now.number
    return rng.choice(earlier)


def dying_at(count: int | None, writes: list[int]) -> Callable[[], None]:
    """What counts a write, and kills this process before that of a number."""

    def write() -> None:
        if writes[0] == count:
            os.kill(os.getpid(), signal.SIGKILL)
        writes[0] += 1

    return write


def counted(kind: type, name: str, write: Callable[[], None]) -> None:
    """Let a method count as a write."""
    method = getattr(kind, name)

    def counting(*given: object, **named: object) -> object:
        write()
        return method(*given, **named)

    setattr(kind, name, counting)


def count_writes(write: Callable[[], None]) -> None:
    """Let everything that changes MLflow, the journal or the notes count as a write."""
    from mlflow.tracking import MlflowClient

    for name in [name for name in dir(MlflowClient) if name.startswith(WRITES)]:
        counted(MlflowClient, name, write)
    counted(Journal, "append", write)
    for name in ("rename", "unlink", "replace"):
        counted(Path, name, write)


def forked(work: Callable[[int], object]) -> tuple[int, int]:
    """Run something in a process of its own that may write to a pipe; returns its id and the pipe's reading end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    code = 1
    try:
        os.close(reading)
        engines.held.clear()
        work(writing)
        code = 0
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def answer(work: Callable[[], object]) -> object:
    """What a function returns, as JSON, from a process of its own.

    Raises:
        RuntimeError: it failed.
    """
    pid, reading = forked(lambda writing: os.write(writing, json.dumps(work()).encode()))
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    if os.waitpid(pid, 0)[1]:
        raise RuntimeError(f"a process failed: {text.decode()}")
    return json.loads(text)


def struck(shop: Path, name: str, seed: int, workspace: Workspace | None, blow: Blow) -> Struck:
    """Do an act in a process of its own, which is killed on the way.

    Raises:
        RuntimeError: it failed by itself.
    """

    def doing(writing: int) -> None:
        with engines.engine(Layout.here(shop), ""):
            todo, writes = act(name, shop, random.Random(seed), workspace), [0]
            if blow.seconds is None:
                count_writes(dying_at(blow.write, writes))
            os.write(writing, b"ready")
            todo()
            os.write(writing, str(writes[0]).encode())

    pid, reading = forked(doing)
    with os.fdopen(reading, "rb", buffering=0) as pipe:
        ready, began = pipe.read(5), time.monotonic()
        if ready and blow.seconds is not None:
            time.sleep(blow.seconds)
            os.kill(pid, signal.SIGKILL)
        writes = int(pipe.read() or 0)
    seconds, status = time.monotonic() - began, os.waitpid(pid, 0)[1]
    if not ready or (os.WIFEXITED(status) and os.WEXITSTATUS(status)):
        raise RuntimeError(f"{name} failed by itself")
    return Struck(os.WIFSIGNALED(status), seconds, writes)


def mend(shop: Path) -> list[str]:
    """Reconcile, without Prefect: there is no flow run in it."""
    layout = Layout.here(shop)
    from tasks import reconcile as module

    module.crash = lambda one: iter(())
    return list(reconcile(layout, "").lines())


def trial(shop: Path, model_name: str, name: str, number: int, rng: random.Random, whole: dict[str, Struck]) -> "Trial":
    """Kill one act, reconcile, check, reconcile again, do the act again, and check that too."""
    at_write = rng.random() < 0.5
    blow = Blow(write=rng.randrange(whole[name].writes)) if at_write else Blow(rng.uniform(0, whole[name].seconds))
    seed, layout = rng.randrange(10**9), Layout.here(shop)
    workspace = lay_out(shop, number) if name == "register" else None
    done = struck(shop, name, seed, workspace, blow)
    found: list[str] = []
    lines = answer(lambda: mend(shop))
    found += [f"after reconcile: {fault}" for fault in answer(lambda: faults(layout, model_name))]
    again = answer(lambda: mend(shop))
    if again:
        found.append(f"a second reconcile still mends: {again}")
    workspace = lay_out(shop, number) if name == "register" else None
    try:
        struck(shop, name, seed, workspace, Blow())
    except RuntimeError as error:
        found.append(f"once more: {error}")
    if workspace:
        shutil.rmtree(workspace.path)
    found += [f"after it was done once more: {fault}" for fault in answer(lambda: faults(layout, model_name))]
    where = f"before write {blow.write}" if blow.write is not None else f"after {1000 * done.seconds:.0f} ms"
    return Trial(name, where if done.killed else "not killed: it had ended", lines, found)


@dataclass(frozen=True)
class Trial:
    """One kill and what came of it."""

    phase: str
    where: str
    mended: list[str]
    faults: list[str]


def unstruck(shop: Path, rng: random.Random) -> dict[str, Struck]:
    """Each act when nobody kills it; makes a second version on the way."""
    whole = {}
    for number, name in enumerate(ACTS):
        workspace = lay_out(shop, 0xF000 + number) if name == "register" else None
        whole[name] = struck(shop, name, rng.randrange(10**9), workspace, Blow())
        if workspace:
            shutil.rmtree(workspace.path)
    return whole
