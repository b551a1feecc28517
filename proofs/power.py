"""Good models are not lost, and equal ones change nothing: `python -m proofs.power FOLDER [MODELS]`.

Trains MODELS models on the built-in catalogue that differ by `train.seed` alone, and as many that learn twice as long; FOLDER
keeps what was made, and a second call goes on. The gate, by the rules of params.yaml that compare with a champion, then judges all
pairs of equals (promoted in at most 5 %), and each longer trained candidate against champions of the shorter kind (accepted in at
least 95 %). Of a better pair the improvement has to be twice what the gate asks for and this test set tells. What no model may do
(thresholds, sanity) is left out: it is about one model, `proofs.gate` asks for it, and so short a training does not always pass it.
"""

import os
import shutil
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from ecom_llm.layout import Layout
from ecom_llm.params import Params, Promote
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.promote.match import Match
from flows.overrides import chosen_params
from proofs.gate_scoring import read_from
from proofs.gate_shop import REPO, linked, stage

STEPS = (600, 1200)
"""Of the equals, and of the better ones."""
SETTINGS = (
    *("collect.products=1000", "collect.shoppers=600", "train.eval_examples=100", "train.num_threads=1"),
    *("train.logging_steps=100", "evaluate.num_return_sequences=2", "evaluate.num_threads=1"),
    *(
        "evaluate.bootstrap_samples=100",
        "evaluate.max_subsets=0",
        "promote.bootstrap_samples=400",
        "runtime.device=cpu",
    ),
)
"""Laid over params.yaml: a smaller shop, of whose hundred test products each has its texts looked at."""
AT_ONCE = 2
LEAST_ACCEPTED, MOST_PROMOTED = 0.95, 0.05
COMPARES = ("superior", "regression", "comparable", "trainings")


def params_of(steps: int, seed: int) -> Params:
    """The params of one training."""
    counted = [f"train.{name}={steps}" for name in ("max_steps", "eval_steps", "save_steps")]
    return chosen_params(REPO / "params.yaml", None, [*SETTINGS, *counted, f"train.seed={seed}"])


def made(folder: Path, steps: int, seed: int) -> Entrant:
    """The entrant of one training, made where it is not there yet; its weights are not kept."""
    workspace = folder / f"{steps}-{seed}"
    if not (workspace / "done").exists():
        shutil.rmtree(workspace, ignore_errors=True)
        linked(workspace, folder / "data" / "data" / "prepared")
        for name in ("train", "evaluate"):
            stage(name, workspace, params_of(steps, seed))
        shutil.rmtree(Layout(workspace, workspace / "state").model)
        shutil.rmtree(workspace / "state")
        (workspace / "done").touch()
        print(f"  {steps} steps, seed {seed}", flush=True)
    return read_from(workspace, f"{steps}-{seed}")


def models(folder: Path, count: int) -> tuple[list[Entrant], list[Entrant]]:
    """The equals and the better ones, by seeds 1, 2, ..."""
    data = folder / "data"
    if not (data / "done").exists():
        shutil.rmtree(data, ignore_errors=True)
        data.mkdir(parents=True)
        for name in ("collect", "prepare"):
            stage(name, data, params_of(STEPS[0], 1))
        (data / "done").touch()
    todo = [(steps, seed) for seed in range(1, count + 1) for steps in STEPS]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = dict(zip(todo, pool.map(lambda one: made(folder, *one), todo), strict=True))
    equal, better = ([done[steps, seed] for seed in range(1, count + 1)] for steps in STEPS)
    return equal, better


@dataclass(frozen=True)
class Verdict:
    """What the gate said of one pair."""

    approved: bool
    refusals: tuple[str, ...]
    times: float
    """The improvement on the primary metric, in multiples of what is asked for and told."""


def verdict(pair: tuple[Entrant, Entrant, Promote]) -> Verdict:
    """Let the gate judge a candidate against a champion."""
    candidate, champion, rules = pair
    checks = [one for one in decide(candidate, champion, rules, 1).checks if one.rule in COMPARES]
    refusals = tuple(f"{one.rule} {one.slice} {one.metric}" for one in checks if not one.passed)
    match, primary = Match(candidate, champion, rules, 1), rules.primary
    found = match.interval(primary, primary.skill, primary.locale)
    return Verdict(not refusals, refusals, found.estimate / (rules.min_improvement + (match.tells(found) or np.inf)))


def told(name: str, verdicts: Sequence[Verdict]) -> float:
    """Print what became of the pairs; returns the share that was approved."""
    share = float(np.mean([one.approved for one in verdicts]))
    times = [one.times for one in verdicts]
    print(f"  {name}: {sum(one.approved for one in verdicts)} of {len(verdicts)} promoted ({share:.1%}); improvement "
          f"{min(times):.2f} to {max(times):.2f} times what is asked for and told")  # fmt: skip
    for reason, count in Counter(reason for one in verdicts for reason in one.refusals).most_common(6):
        print(f"    refused {count}: {reason}")
    return share


def pairs(equal: Sequence[Entrant], better: Sequence[Entrant]) -> Iterator[tuple[str, list[tuple[Entrant, Entrant]]]]:
    """(what they are, candidates and champions)."""
    # of two equals the one that comes out ahead is the candidate half of the time: both ways round are judged
    yield "equals", [pair for one, other in combinations(equal, 2) for pair in ((one, other), (other, one))]
    yield "better", [(candidate, champion) for candidate in better for champion in equal]


def prove(folder: Path, count: int) -> int:
    """Train, judge, print; return the exit code."""
    equal, better = models(folder, count)
    rules = params_of(STEPS[0], 1).promote
    primary = rules.primary
    for name, entrants in zip(("equals", "better"), (equal, better), strict=True):
        values = [one.evidence.metrics[primary.skill][primary.locale][primary.metric] for one in entrants]
        print(f"  {len(values)} {name}: {primary.metric} {np.mean(values):.4f}, standard deviation between seeds "
              f"{np.std(values, ddof=1):.4f}")  # fmt: skip
    failed = 0
    for name, judged in pairs(equal, better):
        verdicts = [verdict((candidate, champion, rules)) for candidate, champion in judged]
        share = told(name, verdicts)
        failed += share > MOST_PROMOTED if name == "equals" else share < LEAST_ACCEPTED
        failed += name == "better" and min(one.times for one in verdicts) < 2
    print(f"PROOF power tried={count * (count - 1) + count**2} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    place, number = [*sys.argv[1:], "20"][:2]
    sys.exit(prove(Path(place).resolve(), int(number)))
