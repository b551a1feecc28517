"""Scoring and writing against their peers: the same model, strings and cores, in turns.

    python -m benchmarks.evaluation STATE [--rounds 3] [--threads 2]

Perplexity: `evaluate`'s reference (peers/perplexity_evaluate.py) on 1,000 rendered texts of the test split, of all skills,
at its default batch size, 16, which ours takes too. Generation: transformers' pipeline on 1,000 test prompts, at its default
batch size, 1, and at the best of several, found on fewer prompts first.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import TypedDict

from benchmarks.environment import environment
from benchmarks.evaluation_input import REPO, build_input, environ

PEERS = Path(__file__).parent / "peers"
BATCH_SIZE = 16
"""`evaluate`'s default."""
MAX_NEW_TOKENS = 160
SWEPT = 200
"""Prompts on which batch sizes are tried."""


class Run(TypedDict, total=False):
    """What a program says."""

    seconds: float
    cpu_seconds: float
    perplexities: list[float]
    texts: list[str]


def run(command: Sequence[str | int | Path]) -> Run:
    """Run one program and read its last line."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=REPO, env=environ(), capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def in_turns(programs: dict[str, Sequence[str | int | Path]], rounds: int) -> dict[str, list[Run]]:
    """Every program once a round."""
    runs: dict[str, list[Run]] = {name: [] for name in programs}
    for number in range(rounds):
        for name, command in programs.items():
            runs[name].append(run(command))
            told = runs[name][-1]
            print(f"round {number + 1}: {name}: {told['seconds']:.2f} s, CPU {told['cpu_seconds']:.2f} s", flush=True)
    return runs


def tell_ratio(name: str, peer: list[Run], ours: list[Run]) -> None:
    """Print how many times ours is as fast, by medians: by the clock, and by the CPU's, which other work disturbs less."""
    clock, cpu = (
        median(one[key] for one in peer) / median(one[key] for one in ours) for key in ("seconds", "cpu_seconds")
    )
    print(f"{name}, by CPU seconds: {cpu:.2f}\nRATIO {name} {clock:.2f}", flush=True)


def compare_perplexity(python: Path, place: Path, rounds: int, threads: int) -> None:
    """Both programs in turns, and how far their numbers are apart.

    Raises:
        SystemExit: they differ by more than 1e-4 of themselves.
    """
    ours = [sys.executable, "-m", "benchmarks.evaluation_ours", "perplexity", place, BATCH_SIZE, threads]
    peer = [python, PEERS / "perplexity_evaluate.py", place, BATCH_SIZE, threads]
    runs = in_turns({"perplexity, ours": ours, "perplexity, evaluate": peer}, rounds)
    mine, theirs = (runs[name][0]["perplexities"] for name in runs)
    apart = max(abs(one - other) / other for one, other in zip(mine, theirs, strict=True))
    mean, total = sum(theirs) / len(theirs), sum(mine) / len(mine)
    print(
        f"mean of the texts' perplexities: evaluate {mean:.5f}, ours {total:.5f}; of no text further apart than {apart:.1e}"
    )
    if apart > 1e-4:
        raise SystemExit("the perplexities differ by more than 1e-4: there is no result.")
    tell_ratio("perplexity_vs_evaluate", runs["perplexity, evaluate"], runs["perplexity, ours"])


def best_batch_size(command: Sequence[str | int | Path], sizes: Sequence[int], threads: int) -> int:
    """The batch size of least seconds on SWEPT prompts; `command` lacks prompts, batch size, tokens and threads."""
    seconds = {size: run([*command, SWEPT, size, MAX_NEW_TOKENS, threads])["seconds"] for size in sizes}
    told = ", ".join(f"{size}: {took:.2f} s" for size, took in seconds.items())
    print(f"{SWEPT} prompts by batch size: {told}", flush=True)
    return min(seconds, key=lambda size: seconds[size])


def compare_generation(
    python: Path, place: Path, prompts: int, sizes: Sequence[int], rounds: int, threads: int
) -> None:
    """The pipeline at its default and at its best, and ours, in turns; how many texts differ."""
    ours = [sys.executable, "-m", "benchmarks.evaluation_ours", "generate", place]
    peer = [python, PEERS / "generate_pipeline.py", place]
    mine, best = (best_batch_size(command, sizes, threads) for command in (ours, peer))
    rest = [MAX_NEW_TOKENS, threads]
    programs = {
        f"generation, ours ({mine})": [*ours, prompts, mine, *rest],
        f"generation, pipeline at its best ({best})": [*peer, prompts, best, *rest],
    }
    runs = in_turns(programs, rounds)
    default = in_turns({"generation, pipeline at its default (1)": [*peer, prompts, 1, *rest]}, 1)
    first, second = programs
    for name, found in [(second, runs[second]), *default.items()]:
        differ = sum(one != other for one, other in zip(runs[first][0]["texts"], found[0]["texts"], strict=True))
        print(f"texts of ours that differ from {name}: {differ} of {prompts}")
    tell_ratio("generation_vs_pipeline", *default.values(), runs[first])
    tell_ratio("generation_vs_pipeline_best", runs[second], runs[first])


def main() -> None:
    """Build the input, run the programs in turns, print ratios."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("state", type=Path)
    told.add_argument("--rounds", type=int, default=3)
    told.add_argument("--threads", type=int, default=2)
    told.add_argument("--prompts", type=int, default=1000)
    told.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 32, 64, 128])
    given = told.parse_args()
    state = given.state.resolve()
    python = environment(state / "peers", PEERS / "evaluation-requirements.txt")
    place = build_input(state / "input", given.prompts)
    compare_perplexity(python, place, given.rounds, given.threads)
    compare_generation(python, place, given.prompts, given.batch_sizes, given.rounds, given.threads)


if __name__ == "__main__":
    main()
