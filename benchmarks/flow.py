"""What the orchestration costs where nothing is to be computed: the flow beside bare DVC and Prefect, a run beside ZenML's.

    python -m benchmarks.flow STATE [--rounds 7] [--without-zenml]

A shop with the params of recipes/tiny.yaml runs once; from then on all four stages are up to date. Every program is a process
of its own, and they take turns:

- `dvc`: a bare `dvc repro`.
- `prefect`: an empty flow, under the same settings: what Prefect costs before anything is done.
- `flow`: the whole training flow over the four unchanged stages (a `--set` to the value it has passes by the short cut).
- `run`: `ecom-llm run`, which sees that nothing changed.
- `zenml`: a pipeline of four cached steps, in an environment of its own.

`prefect` and `flow` speak to one standing server, which both would otherwise start for themselves; with --own-server they do.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.environment import environment
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from flows import up
from flows.settings import defaults
from proofs.checkouts import new_checkout, tiny_params

REPO = Path(__file__).parents[1]
PEERS = Path(__file__).parent / "peers"
EMPTY = "from prefect import flow\n@flow\ndef nothing():\n    pass\nnothing()"
COMMAND = [sys.executable, "-c", "from flows.cli import main; main()"]
NAMED = ("PREFECT_", "MLFLOW_", "ECOM_LLM_", "DVC_", "ZENML_")


@dataclass(frozen=True)
class Took:
    """What a program took, its children included."""

    wall: float
    cpu: float


def build_shop(shop: Path) -> Layout:
    """A checkout with every file that git would see here, tiny params, and a champion."""
    shutil.rmtree(shop, ignore_errors=True)
    new_checkout(shop, tiny_params())
    return Layout(shop, shop / ".state")


def environ(layout: Layout) -> dict[str, str]:
    """The settings under which `ecom-llm` runs Prefect, for every program; nothing that leads outside the shop."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NAMED)}
    ours = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(layout.workspace)}
    return kept | defaults(layout, "info") | ours | {"OMP_WAIT_POLICY": "PASSIVE"}


def timed(command: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> Took:
    """Run a program to its end.

    Raises:
        SystemExit: it failed.
    """
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


@contextmanager
def standing_prefect(layout: Layout, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment in which one server stands for all."""
    os.environ.update({name: value for name, value in env.items() if name.startswith("PREFECT_")})
    port = up.chosen_port("--prefect-port", None, 4600)
    server = up.prefect_server(layout, port)
    address = f"http://{up.HOST}:{port}/api"
    try:
        up.await_health(f"{address}/health", [server])
        yield env | {"PREFECT_API_URL": address}
    finally:
        up.stop([server])


@dataclass(frozen=True)
class Program:
    """A command with its folder and environment."""

    command: Sequence[str | Path]
    cwd: Path
    env: Mapping[str, str]


def programs(layout: Layout, env: dict[str, str], served: dict[str, str]) -> dict[str, Program]:
    """What takes turns, less ZenML; `served` names the server, if one stands."""
    same = f"train.seed={load_params(layout.params).train.seed}"
    shop = layout.workspace
    return {
        "dvc": Program([sys.executable, "-m", "dvc", "repro"], shop, env),
        "prefect": Program([sys.executable, "-c", EMPTY], shop, served),
        "flow": Program([*COMMAND, "run", "--set", same], shop, served),
        "run": Program([*COMMAND, "run"], shop, env),
    }


def zenml(state: Path) -> Program:
    """ZenML's pipeline, run once so that its steps are cached; its store lies in the state folder, and it tells nobody."""
    python = environment(state / "zenml", PEERS / "flow-requirements.txt")
    home = state / "zenml-home"
    home.mkdir(exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith((*NAMED, "PYTHONPATH"))}
    env = kept | {
        "ZENML_CONFIG_PATH": str(home),
        "ZENML_LOCAL_STORES_PATH": str(home / "stores"),
        "ZENML_ANALYTICS_OPT_IN": "false",
        "ZENML_LOGGING_VERBOSITY": "WARN",
        "AUTO_OPEN_DASHBOARD": "false",
    }
    shutil.copy(PEERS / "zenml_four_steps.py", home)
    return Program([python, home / "zenml_four_steps.py"], home, env)


def in_turns(given: dict[str, Program], rounds: int) -> dict[str, list[Took]]:
    """Every program once a round, after one round that counts for nothing."""
    took: dict[str, list[Took]] = {name: [] for name in given}
    for number in range(rounds + 1):
        for name, one in given.items():
            found = timed(one.command, one.cwd, one.env)
            if number:
                took[name].append(found)
            print(f"round {number}: {name}: {found.wall:.2f} s, CPU {found.cpu:.2f} s", flush=True)
    return took


def tell_ratio(name: str, theirs: Sequence[list[Took]], ours: list[Took]) -> None:
    """Print medians' ratio, by the clock on the wall and by CPU: theirs (summed) over ours."""
    for kind in ("cpu", "wall"):
        cost = sum(median(getattr(one, kind) for one in runs) for runs in theirs)
        ratio = cost / median(getattr(one, kind) for one in ours)
        print(f"{name}, by CPU seconds: {ratio:.2f}" if kind == "cpu" else f"RATIO {name} {ratio:.2f}", flush=True)


def main() -> None:
    """Build the shop, let the programs take turns, print ratios."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("state", type=Path)
    told.add_argument("--rounds", type=int, default=7)
    told.add_argument("--own-server", action="store_true", help="every flow starts a temporary server of its own")
    told.add_argument("--without-zenml", action="store_true")
    given = told.parse_args()
    state = given.state.resolve()
    layout = build_shop(state / "shop")
    env = environ(layout)
    peer = {} if given.without_zenml else {"zenml": zenml(state)}
    timed([*COMMAND, "run"], layout.workspace, env)
    if given.own_server:
        took = in_turns(programs(layout, env, env) | peer, given.rounds)
    else:
        with standing_prefect(layout, env) as served:
            took = in_turns(programs(layout, env, served) | peer, given.rounds)
    tell_ratio("flow_vs_dvc", [took["dvc"], took["prefect"]], took["flow"])
    if peer:
        tell_ratio("run_vs_zenml", [took["zenml"]], took["run"])


if __name__ == "__main__":
    main()
