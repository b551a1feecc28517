"""Cleaning against its peers: the same operations on the same corpus on the same two cores, and the outputs compared.

    python -m benchmarks.prepare STATE [--megabytes 500] [--rounds 3]

STATE is a folder outside git that keeps the corpus and the peers' environment between runs. MB are bytes of UTF-8 in the
texts, by the million. All three go from Parquet to
Parquet, and the ratios compare that; a second one leaves out the reading and writing of `datasets` but not ours.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import daft
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.corpus import build_corpus
from benchmarks.environment import environment
from ecom_llm.prepare.cleaning import OPERATIONS, cleaned

PEERS = Path(__file__).parent / "peers"
NAMES = tuple(OPERATIONS)
Times = dict[str, float]
"""Part -> seconds."""


def ours(shards: Path, out: Path, names: tuple[str, ...] = NAMES) -> Times:
    """Our program: read Parquet, clean, write Parquet, as one stream."""
    started = time.perf_counter()
    frame = daft.read_parquet(f"{shards}/*.parquet")
    cleaner = frame.with_column("text", cleaned(frame["text"], names))
    # Daft would gather 300 MB and encode them on one core after the last text is clean
    with daft.execution_config_ctx(parquet_target_row_group_size=16_000_000):
        cleaner.write_parquet(str(out), compression="snappy")
    return {"whole": time.perf_counter() - started}


def peer(python: Path, script: str) -> Callable[[Path, Path], Times]:
    """A peer's script in the peers' environment."""

    def run(shards: Path, out: Path) -> Times:
        command = [str(python), str(PEERS / script), str(shards), str(out), ",".join(NAMES)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return json.loads(done.stdout.splitlines()[-1])

    return run


def digest(out: Path) -> str:
    """A hash of the rows in a folder of Parquet, whatever their order: SHA-256 over sorted (id, text)."""
    tables = [pq.read_table(path, columns=["id", "text"]) for path in sorted(out.glob("*.parquet"))]
    strings = pa.schema([("id", pa.large_string()), ("text", pa.large_string())])
    table = pa.concat_tables([table.cast(strings) for table in tables]).sort_by("id")
    digest = hashlib.sha256()
    for row in zip(table["id"].to_pylist(), table["text"].to_pylist(), strict=True):
        digest.update(repr(row).encode())
    return digest.hexdigest()


def race(
    programs: dict[str, Callable[[Path, Path], Times]], shards: Path, state: Path, rounds: int
) -> dict[str, Times]:
    """The median times of each program over interleaved rounds.

    Raises:
        SystemExit: two programs wrote different texts; then their times say nothing.
    """
    times: dict[str, list[Times]] = {name: [] for name in programs}
    found: dict[str, str] = {}
    for number in range(rounds):
        for name, program in programs.items():
            out = state / "out"
            shutil.rmtree(out, ignore_errors=True)
            times[name].append(program(shards, out))
            print(f"round {number + 1}: {name} " + told(times[name][-1]), flush=True)
            found[name] = found.get(name) or digest(out)
            shutil.rmtree(out)
    if len(set(found.values())) != 1:
        raise SystemExit(f"the outputs differ: {found}")
    print(f"outputs equal: sha256 {found['ours'][:16]} over the sorted rows of each program")
    return {name: {part: median(run[part] for run in runs) for part in runs[0]} for name, runs in times.items()}


def told(times: Times) -> str:
    return ", ".join(f"{part} {seconds:.2f} s" for part, seconds in times.items())


def by_operation(shards: Path, state: Path, rounds: int, megabytes: float) -> None:
    """Our time with one operation alone, above that of reading and writing with none."""
    out = state / "out"
    bare = 0.0
    for names in ((), *((name,) for name in NAMES)):
        seconds = []
        for _ in range(rounds):
            shutil.rmtree(out, ignore_errors=True)
            seconds.append(ours(shards, out, names)["whole"])
        middle = median(seconds)
        bare = bare or middle
        more = "" if not names else f", {middle - bare:+.2f} s above reading and writing"
        print(f"  {names[0] if names else 'read and write':<15} {megabytes / middle:6.0f} MB/s{more}", flush=True)
    shutil.rmtree(out, ignore_errors=True)


def main() -> None:
    """Build what is missing, run the race and print the ratios."""
    told_to = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told_to.add_argument("state", type=Path)
    told_to.add_argument("--megabytes", type=int, default=500)
    told_to.add_argument("--rounds", type=int, default=3)
    given = told_to.parse_args()
    state = given.state.resolve()
    python = environment(state / "peers", PEERS / "requirements.txt")
    shards = state / f"corpus-{given.megabytes}"
    megabytes = build_corpus(shards, given.megabytes * 1_000_000) / 1e6
    print(f"{megabytes:.0f} MB of text, {given.rounds} rounds, operations: {', '.join(NAMES)}", flush=True)
    programs = {
        "ours": ours,
        "datasets": peer(python, "peer_datasets.py"),
        "datatrove": peer(python, "peer_datatrove.py"),
    }
    times = race(programs, shards, state, given.rounds)
    for name, parts in times.items():
        print(f"{name:<10} {megabytes / sum(parts.values()):6.1f} MB/s from Parquet to Parquet ({told(parts)})")
    print("ours, operation by operation:")
    by_operation(shards, state, given.rounds, megabytes)
    whole = {name: sum(parts.values()) for name, parts in times.items()}
    print(f"RATIO prepare_vs_datasets_map {whole['datasets'] / whole['ours']:.2f}")
    print(
        f"RATIO prepare_vs_datasets_map_without_its_reading_and_writing {times['datasets']['map'] / whole['ours']:.2f}"
    )
    print(f"RATIO prepare_vs_datatrove {whole['datatrove'] / whole['ours']:.2f}")


if __name__ == "__main__":
    main()
