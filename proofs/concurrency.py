"""Many at once: `python -m proofs.concurrency [SHOP]`.

In a shop with a champion by recipes/tiny.yaml four runs with different seeds begin at the same moment: each has to end well with a
version of its own. Then twenty promotions and roll-backs, each a process of its own, begin at the same moment: afterwards there
is one champion, and the journal, entry by entry, leads to it. A roll-back by `ecom-llm rollback` may take 10 s, with servers
standing and without. In a copy of the checkout SHOP, which has a champion, only the changes are tried.
"""

import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Candidate, Registry, open_registry, rollback
from ecom_llm.registry.journal import Entry
from proofs import kills, kills_flow
from proofs.kills_checks import faults
from proofs.kills_registry import answer, forked, lay_out, preload, promoted
from tasks.fresh import trying

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


def one_change(shop: Path, number: int, gate: tuple[int, int], pipe: int) -> None:
    """A promotion or a roll-back of versions that pass for tried, when the gate opens for all; why it was refused goes into the pipe."""
    os.close(gate[1])
    layout, rng = Layout.here(shop), random.Random(number)
    registry = open_registry(load_params(layout.params).registry.model_name, layout)
    version = rng.choice(registry.versions())
    os.write(pipe, b"r")
    os.read(gate[0], 1)  # its end comes when the last who could write has closed it
    try:
        if number % 2:
            _, back = rollback(registry)
            registry.keep_trial(back, passed=True)
        else:
            with trying(registry):
                promoted(registry, version)
    except UserError as error:
        os.write(pipe, str(error).encode())


def promote_all(shop: Path) -> None:
    """Every version once, so that there is something to go back to."""
    registry = open_registry(kills_flow.MODEL, Layout.here(shop))
    for version in registry.versions():
        promoted(registry, version)


def change_together(shop: Path) -> tuple[list[str], list[str]]:
    """Twenty promotions and roll-backs at once; returns the reasons of those refused, and what went wrong."""
    answer(lambda: promote_all(shop))
    gate = os.pipe()
    begun = [forked(lambda pipe, number=number: one_change(shop, number, gate, pipe)) for number in range(CHANGES)]
    for _, reading in begun:
        os.read(reading, 1)
    os.close(gate[1])
    codes = [os.waitpid(pid, 0)[1] for pid, _ in begun]
    told = [os.read(reading, 9999).decode() for _, reading in begun]
    for descriptor in (gate[0], *(reading for _, reading in begun)):
        os.close(descriptor)
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


def more_versions(shop: Path) -> None:
    """Versions in place of the four runs', of the same results and with another dvc.lock."""
    registry = open_registry(kills_flow.MODEL, Layout.here(shop))
    for number in range(2):
        workspace = lay_out(shop, number)
        registry.register(Candidate(workspace.layout, load_params(workspace.layout.params), workspace.commit))
        shutil.rmtree(workspace.path)


def changes(shop: Path) -> list[str]:
    """Twenty changes at once in a shop with several versions; what is wrong afterwards."""
    layout = Layout.here(shop)
    refused, died = change_together(shop)
    kept = "".join(f"\n  refused: {one}" for one in refused)
    print(f"{CHANGES} promotions and roll-backs at once: {CHANGES - len(refused) - len(died)} done{kept}", flush=True)
    wrong = died + (["most were refused"] if len(refused) > CHANGES // 2 else [])
    wrong += answer(lambda: replayed(open_registry(kills_flow.MODEL, layout)))
    return wrong + answer(lambda: faults(layout, kills_flow.MODEL))


def at_once_in(given: Path) -> int:
    """The changes alone, in a copy of a shop; return the exit code."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        shop = Path(folder).resolve() / "shop"
        shutil.copytree(given, shop, symlinks=True)
        kills_flow.rehome(given, shop)
        answer(lambda: more_versions(shop))
        return verdict(changes(shop), CHANGES)


def verdict(wrong: list[str], tried: int) -> int:
    """Print what was wrong and the last line; return the exit code."""
    print("\n".join([*(f"  FAULT {one}" for one in wrong), f"PROOF concurrency tried={tried} failed={len(wrong)}"]))
    return int(bool(wrong))


def main(given: Path | None) -> int:
    """Run the proof; return the exit code."""
    for name in [name for name in os.environ if name.startswith(kills_flow.ELSEWHERE)]:
        del os.environ[name]
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "DVC_NO_ANALYTICS": "1"}
    preload()
    if given:
        return at_once_in(given)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        root = Path(folder).resolve()
        with kills_flow.prefect_server(root / "prefect") as api:
            shop = kills.make_shop(root / "shop", api)
            wrong = run_together(shop, api)
            count = answer(lambda: len(open_registry(kills_flow.MODEL, Layout.here(shop)).versions()))
            wrong += [] if count == 1 + RUNS else [f"{count} versions, not {1 + RUNS}"]
            wrong += changes(shop)
            answer(lambda: promote_all(shop))  # the changes may have left the first champion, with nobody before it
            rolled = [roll_back_by_command(shop, server) for server in (api, "")]
            wrong += [told for told, well in rolled if not well]
            print("\n".join(told for told, _ in rolled))
    return verdict(wrong, RUNS + CHANGES + len(rolled))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve() if sys.argv[1:] else None))
