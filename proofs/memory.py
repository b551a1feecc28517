"""Memory that does not grow with the text: `python -m proofs.memory MEGABYTES [SEED]`.

Collects and prepares made-up reviews of half that size and of the whole, each stage in a process of its own, and looks at the
memory its processes hold fifty times a second. Fails where the larger one's peak is above the smaller one's by more than
ALLOWED bytes for each row more: what a stage may keep of a row are a few numbers, and not its text.
"""

import csv
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import psutil
import yaml

from flows.overrides import chosen_params

REPO = Path(__file__).parents[1]
STAGES = ("collect", "prepare")
ALLOWED = 300
"""Bytes per row: an allowance for keys, hashes and fates of examples, half of what a review here is long."""
NOISE = 128 << 20
"""Equal runs differ by this much: how many batches are under way at once is not the same twice."""
COPIES = 0.1
"""Share of the reviews that nearly repeat an earlier one."""
REMEMBERED = 10_000
"""Reviews that may be repeated; the generator's own memory must not matter."""
WORDS = 160
"""Words of a long review, about a thousand bytes."""


class Peak(NamedTuple):
    """What one stage held at most, of how many rows."""

    rows: int
    bytes: int
    seconds: float


def reviews(target: int, rng: random.Random) -> Iterator[str]:
    """Texts of 20 to WORDS words until they hold `target` bytes; some nearly repeat one of the first REMEMBERED."""
    vocabulary = ["".join(rng.choices("etaoinshrdlu", k=rng.randint(2, 9))) for _ in range(20_000)]
    weights = list(accumulate(1 / (place + 5) for place in range(len(vocabulary))))
    known: list[list[str]] = []
    written = 0
    while written < target:
        if known and rng.random() < COPIES:
            words = list(rng.choice(known))
            words[rng.randrange(len(words))] = rng.choice(vocabulary)
        else:
            words = rng.choices(vocabulary, cum_weights=weights, k=rng.randint(20, WORDS))
            known += [words] * (len(known) < REMEMBERED)
        text = " ".join(words)
        written += len(text)
        yield text


def write_reviews(path: Path, target: int, seed: int) -> int:
    """A CSV of reviews, thirty to a product; return its rows."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("product", "kind", "stars", "text"))
        count = 0
        for count, text in enumerate(reviews(target, rng), 1):
            writer.writerow((f"P{count // 30}", f"kind {count // 30 % 50}", rng.randint(1, 5), text))
    return count


def write_params(folder: Path) -> None:
    """params.yaml for those reviews."""
    columns = {
        "products.id": "product",
        "products.attributes.kind": "kind",
        "reviews.product": "product",
        "reviews.stars": "stars",
        "reviews.text": "text",
    }
    source = {"form": "mapped", "path": "reviews.csv", "locale": "en", "weight": 1.0, "columns": columns}
    # of made-up words no language can be told
    filters = ["placeholder", "short", "long", "letters", "links", "repetition"]
    sets = [f"collect.location={folder}", f"collect.sources={[source]}", f"prepare.filters={filters}"]
    params = chosen_params(REPO / "params.yaml", None, sets)
    (folder / "params.yaml").write_text(yaml.safe_dump(params.model_dump(mode="json"), allow_unicode=True))


def held(process: psutil.Process) -> int:
    """Bytes that a process and its children hold now."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def peak_of(stage: str, folder: Path, rows: int) -> Peak:
    """Run a stage in `folder` and watch it.

    Raises:
        RuntimeError: the stage failed; with the end of what it said.
    """
    began, peak = time.monotonic(), 0
    with (folder / f"{stage}.log").open("w+") as log:
        command = [sys.executable, "-m", "ecom_llm", stage]
        environment = os.environ | {"PYTHONPATH": str(REPO)}
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)
        watched = psutil.Process(process.pid)
        while process.poll() is None:
            peak = max(peak, held(watched))
            time.sleep(0.02)
        if process.returncode:
            log.seek(0)
            raise RuntimeError(f"{stage} ended with {process.returncode}: {log.read()[-2000:]}")
    return Peak(rows, peak, time.monotonic() - began)


def peaks(target: int, seed: int) -> dict[str, Peak]:
    """Stage -> what it held at most, of reviews of `target` bytes."""
    with tempfile.TemporaryDirectory(prefix="ecom-llm-memory-") as name:
        folder = Path(name)
        rows = write_reviews(folder / "reviews.csv", target, seed)
        write_params(folder)
        found = {}
        for stage in STAGES:
            found[stage] = peak_of(stage, folder, rows)
            print(
                f"  {target / 1e6:,.0f} MB, {rows:,} reviews: {stage:8} {found[stage].bytes / 1e6:6,.0f} MB at most, "
                f"{found[stage].seconds:.0f} s",
                flush=True,
            )
    return found


def growth(small: Peak, large: Peak) -> float:
    """Bytes per row by which the larger one's peak is above the smaller one's and the noise; 0 where it is not."""
    return max(0, large.bytes - small.bytes - NOISE) / (large.rows - small.rows)


def main(megabytes: int, seed: int) -> int:
    """Run the proof; return the exit code."""
    small, large = (peaks(target, seed) for target in (megabytes * 500_000, megabytes * 1_000_000))
    grown = {stage: growth(small[stage], large[stage]) for stage in STAGES}
    for stage, value in grown.items():
        print(f"GROWTH {stage} {value:.0f} bytes per row above {NOISE >> 20} MiB (at most {ALLOWED})")
    failed = sum(value > ALLOWED for value in grown.values())
    print(f"PROOF memory tried={len(grown)} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
