"""Runs killed at any moment: `python -m proofs.kills [N] [SEED] [SHOP]`.

The real flow makes a champion by recipes/tiny.yaml (or there is one in the checkout SHOP, which is copied). Then real processes
are killed with SIGKILL, the engine alone or all that it has started, at random moments spread over registration, decision,
promotion and roll-back, and one time in eight over a whole `ecom-llm run`: before its stages, in each, and after them (not with SHOP).
After `reconcile` nothing may run, be half there or disagree: no run RUNNING in MLflow or Prefect, no process, no worktree, no
partial version, a champion, a whole journal that tells of it. What was killed is then done once more; of a run, dvc.lock and
metrics have to be those of a run that nobody killed.
"""

import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from proofs import kills_flow, kills_registry
from proofs.checkouts import new_checkout, tiny_params
from proofs.kills_registry import ACTS, Trial

REPO = Path(__file__).parents[1]
RECIPE = REPO / "recipes" / "tiny.yaml"


def make_shop(folder: Path, api: str) -> Path:
    """A checkout of the working tree as it is, with tiny params, in which the real flow has made a champion."""
    new_checkout(folder, tiny_params())
    code, lines, seconds = kills_flow.command(folder, api, "run")
    if code:
        raise RuntimeError("\n".join(lines[-15:]))
    print(f"a shop with a champion: {seconds:.0f} s", flush=True)
    return folder


def registry_trials(shop: Path, count: int, rng: random.Random) -> Iterator[Trial]:
    """Kills of what acts on the registry, each act in its turn."""
    whole = kills_registry.unstruck(shop, rng)
    told = ", ".join(f"{name} {1000 * one.seconds:.0f} ms, {one.writes} writes" for name, one in whole.items())
    print(f"when nobody kills it: {told}", flush=True)
    for number in range(count):
        name = ACTS[(number + 2) % len(ACTS)]  # a change of the champion first
        yield kills_registry.trial(shop, kills_flow.MODEL, name, number, rng, whole)


def flow_trials(shop: Path, api: str, count: int, rng: random.Random) -> Iterator[Trial]:
    """Kills of whole runs, each phase in its turn; a run that nobody kills for each phase that there is a kill in."""
    references: dict[str, kills_flow.Reference] = {}
    for number in range(count):
        phase, seed = kills_flow.PHASES[(number + 3) % len(kills_flow.PHASES)], 70
        stage = kills_flow.VARIED.get(phase, phase)
        if stage not in references:
            copy = shop.with_name("reference")
            shutil.copytree(shop, copy, symlinks=True)
            kills_flow.rehome(shop, copy)
            references[stage] = kills_flow.unkilled(copy, api, phase, seed)
            shutil.rmtree(copy)
        yield kills_flow.trial(shop, api, phase, seed, references[stage], rng)


def shown(trials: Iterator[Trial], first: int) -> list[Trial]:
    """The trials, each told as it ends."""
    done = []
    for number, one in enumerate(trials, first):
        done.append(one)
        print(f"  kill {number:3} ({one.phase}), {one.where}; {len(one.mended)} mended", flush=True)
        for fault in one.faults:
            print(f"      FAULT {fault}", flush=True)
    return done


def main(count: int, seed: int, given: Path | None) -> int:
    """Run the proof; return the exit code."""
    for name in [name for name in os.environ if name.startswith(kills_flow.ELSEWHERE)]:
        del os.environ[name]
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}
    rng, runs = random.Random(seed), 0 if given else count // 8
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        kills_registry.preload()
        if given:
            shop = root / "shop"
            shutil.copytree(given, shop, symlinks=True)
            kills_flow.rehome(given, shop)
            done = shown(registry_trials(shop, count, rng), 1)
        else:
            with kills_flow.prefect_server(root / "prefect") as api:
                shop = make_shop(root / "shop", api)
                done = shown(flow_trials(shop, api, runs, rng), 1)
            done += shown(registry_trials(shop, count - runs, rng), runs + 1)
    print(f"seed {seed}: kills by phase, and what reconcile mended")
    for phase in dict.fromkeys(one.phase for one in done):
        own = [one for one in done if one.phase == phase]
        late = sum(one.where.startswith("not killed") for one in own)
        print(f"  {phase:<17} {len(own):4}  {'#' * len(own)}" + (f"  ({late} had ended before)" if late else ""))
    kinds = Counter(word for one in done for line in one.mended for word in MENDED if word in line)
    print("  " + ", ".join(f"{kinds[word]} x {word!r}" for word in MENDED if kinds[word]))
    failed = sum(bool(one.faults) for one in done)
    print(f"PROOF kills tried={len(done)} failed={failed}")
    return int(failed > 0)


MENDED = (
    "left at work",
    "worktree of",
    "passed for running",
    "passed for",
    "registered by half",
    "though its process died",
    "was broken off",
    "is kept with it",
    "nobody was told of",
    "still called",
    "last entry of the journal",
    "not in the journal yet",
    "had not been tried yet",
)
"""Words of the lines in which `reconcile` tells what it mended."""


if __name__ == "__main__":
    words = sys.argv[1:]
    count, seed, shop = [*words, *["100", "1", ""][len(words) :]]
    sys.exit(main(int(count), int(seed), Path(shop).resolve() if shop else None))
