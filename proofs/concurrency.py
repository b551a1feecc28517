"""Many at once: `python -m proofs.concurrency`.

In a shop with a champion by recipes/tiny.yaml four runs with different seeds begin at the same moment: each has to end well with a
version of its own. Then twenty promotions and roll-backs, each a process of its own, begin at the same moment: afterwards there
is one champion, and the journal, entry by entry, leads to it. A roll-back by `ecom-llm rollback` may take 10 s, with servers
standing and without.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, open_registry, promote, rollback
from ecom_llm.registry.journal import Entry
from proofs import kills, kills_flow
from proofs.kills_checks import faults
from proofs.kills_registry import answer, forked, preload

RUNS, CHANGES, SECONDS = 4, 20, 10.0
STARTS = (17, 29, 43, 57)
"""Seeds of the runs; `train.seed`, so that what is trained is another model."""


def run_together(shop: Path, api: str) -> list[str]:
    """Four runs at once; what is wrong with them."""
    began = time.monotonic()
    running = [kills_flow.begun(shop, api, "train", seed) for seed in STARTS[:RUNS]]
    ended = [(run.communicate()[0], run.returncode) for run in running]
    print(
        f"{RUNS} runs at once: {time.monotonic() - began:.0f} s, exit codes {[code for _, code in ended]}", flush=True
    )
    return [f"a run ended with {code}: {told.splitlines()[-3:]}" for told, code in ended if code]


def one_change(shop: Path, number: int, start: float) -> str:
    """A promotion or a roll-back, at the moment when all begin; why it was refused, where it was."""
    layout, rng = Layout.here(shop), random.Random(number)
    registry = open_registry(load_params(layout.params).registry.model_name, layout)
    version = rng.choice(registry.versions())
    time.sleep(max(0.0, start - time.monotonic()))
    try:
        rollback(registry) if number % 2 else promote(registry, version, by_hand=True)
    except UserError as error:
        return str(error)
    return ""


def promote_all(shop: Path) -> None:
    """Every version once, so that there is something to go back to."""
    registry = open_registry(kills_flow.MODEL, Layout.here(shop))
    for version in registry.versions():
        promote(registry, version, by_hand=True)


def change_together(shop: Path) -> tuple[list[str], list[str]]:
    """Twenty promotions and roll-backs at once; returns the reasons of those refused, and what went wrong."""
    answer(lambda: promote_all(shop))
    start = time.monotonic() + 8.0
    begun = [
        forked(lambda pipe, number=number: os.write(pipe, one_change(shop, number, start).encode()))
        for number in range(CHANGES)
    ]
    codes = [os.waitpid(pid, 0)[1] for pid, _ in begun]
    told = [os.read(reading, 9999).decode() for _, reading in begun]
    for _, reading in begun:
        os.close(reading)
    return [one for one in told if one], [f"a change died: {code}" for code in codes if code]


def replayed(registry: Registry) -> list[str]:
    """Follow the journal from its first entry; what does not follow from what came before, and who is champion at its end."""
    wrong, champion, begun = [], None, None
    for entry in registry.journal.read().entries:
        fault, champion, begun = step(entry, champion, begun)
        wrong += [f"entry {entry.sequence}: {fault}"] if fault else []
    alias = registry.aliases().get("champion")
    return wrong + ([f"the journal leads to {champion}, and the alias names {alias}"] if champion != alias else [])


def step(entry: Entry, champion: str | None, begun: Entry | None) -> tuple[str, str | None, Entry | None]:
    """What is wrong with an entry after a champion and a change that was begun; champion and begun change after it."""
    if entry.event in ("promoting", "rolling back"):
        if begun:
            return "begins while another change goes on", champion, entry
        told = entry.details.get("instead_of") or None
        return ("" if told == champion else f"says instead of {told}, champion is {champion}"), champion, entry
    if entry.event in ("promoted", "rolled back"):
        fits = begun is not None and begun.version == entry.version
        return ("" if fits else "was not begun"), entry.version, None
    if entry.event == "abandoned":
        return "", champion, None
    return "", entry.champion or champion, begun


def roll_back_by_command(shop: Path, api: str) -> tuple[str, bool]:
    """The seconds of a roll-back, in words, and whether they are few enough."""
    code, lines, seconds = kills_flow.command(shop, api, "rollback")
    where = "with a Prefect server standing" if api else "without any server"
    return f"rollback {where}: {seconds:.1f} s, {lines[-1]}", code == 0 and seconds <= SECONDS


def main() -> int:
    """Run the proof; return the exit code."""
    for name in [name for name in os.environ if name.startswith(kills_flow.ELSEWHERE)]:
        del os.environ[name]
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}
    preload()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        with kills_flow.prefect_server(root / "prefect") as api:
            shop = kills.make_shop(root / "shop", api)
            layout = Layout.here(shop)
            wrong = run_together(shop, api)
            count = answer(lambda: len(open_registry(kills_flow.MODEL, layout).versions()))
            wrong += [] if count == 1 + RUNS else [f"{count} versions, not {1 + RUNS}"]
            refused, died = change_together(shop)
            kept = "".join(f"\n  refused: {one}" for one in refused)
            print(
                f"{CHANGES} promotions and roll-backs at once: {CHANGES - len(refused) - len(died)} done{kept}",
                flush=True,
            )
            wrong += died + (["most were refused"] if len(refused) > CHANGES // 2 else [])
            wrong += answer(lambda: replayed(open_registry(kills_flow.MODEL, layout)))
            wrong += answer(lambda: faults(layout, kills_flow.MODEL))
            rolled = [roll_back_by_command(shop, server) for server in (api, "")]
            wrong += [told for told, well in rolled if not well]
            print("\n".join(told for told, _ in rolled))
    print("\n".join(f"  FAULT {one}" for one in wrong), end="\n" if wrong else "")
    print(f"PROOF concurrency tried={RUNS + CHANGES + len(rolled)} failed={len(wrong)}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
