"""One program on two engines: `python -m proofs.ray [SEED]` prepares three shops natively and on Ray and compares all bytes.

The first runs as it would for a user, on a Ray started for the run. The others are cut so small that there are many files,
partitions and buckets, and run on a cluster of two machines (two raylets, each with its own workers, on this one): only there
do rows travel between processes, come in another order, and get written by several hands. The last is spoilt on purpose.
Fails where a file of `data/prepared` or `reports` differs or is missing, and where a run was not on the engine asked for.
"""

import hashlib
import importlib.util
import json
import os
import random
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import daft
import yaml

from ecom_llm import __main__ as stages
from ecom_llm import shards
from ecom_llm.prepare import buckets
from flows.overrides import Plain, chosen_params
from proofs.near_duplicates import planted_texts

REPO = Path(__file__).parents[1]
RAN = "preparing on Ray"
"""What the log says of a run on Ray: equal bytes prove nothing where both ran natively."""
PRODUCTS, REVIEWS, PURCHASES = 150, 500, 300
SPOILS = (
    "",
    " Write to anna.b@example.com or call 13912345678.",
    " <b>Great</b> &amp; cheap",
    " it doesnâ€™t fit",
    "\x07\u200b  !",
)
"""What is put behind texts: personal data, markup, mojibake, and characters that are not seen."""


class Case(NamedTuple):
    """A shop, and how it is prepared."""

    name: str
    sets: tuple[str, ...]
    """What it changes in params.yaml, as `--set` takes it."""
    cut: bool
    """Whether it is cut into small files, partitions and buckets."""
    machines: int
    """Machines of its cluster; 0 lets the run start Ray for itself."""


def cases(shop: Path) -> list[Case]:
    """What is tried; `shop` holds the spoilt tables."""
    tables = [{"form": "tables", "path": ".", "locale": "en", "weight": 1.0, "columns": {}}]
    spoilt = (f"collect.location={shop}", f"collect.sources={json.dumps(tables)}")
    tiny = ("collect.products=120", "collect.shoppers=60")
    return [
        Case("catalogue", tiny, False, 0),
        Case("catalogue-cut", tiny, True, 2),
        Case("spoilt-cut", spoilt, True, 2),
    ]


def write_shop(folder: Path, rng: random.Random) -> None:
    """Tables of products, reviews and purchases whose texts need every step: near-copies, dirt, personal data, given splits."""
    texts = [text + rng.choice(SPOILS) for text in planted_texts(PRODUCTS + REVIEWS, rng)]
    products = [
        {
            "id": f"P{number}",
            "title": f"Thing {number % (PRODUCTS - 10)}{rng.choice(SPOILS)}",
            "colour": rng.choice(("red", "blue", "<i>green</i>")),
            "description": texts[number],
            "split": rng.choice(("", "", "", "train", "validation", "test")),
        }
        for number in range(PRODUCTS)
    ]
    any_product = [row["id"] for row in products] + ["unknown"]
    reviews = [
        {"product": rng.choice(any_product), "stars": rng.randint(1, 5), "text": text} for text in texts[PRODUCTS:]
    ]
    # many shoppers, some known by an address
    shoppers = [f"shopper{number}{rng.choice(('', '@example.com'))}" for number in range(40)]
    purchases = [{"shopper": rng.choice(shoppers), "product": rng.choice(any_product)} for _ in range(PURCHASES)]
    folder.mkdir()
    for name, rows in (("products", products), ("reviews", reviews), ("interactions", purchases)):
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def run_cut(stage: str) -> int:
    """Run a stage in this process with everything so small that a few hundred rows are many of each."""
    shards.BATCH, shards.SHARD, buckets.ROWS = 50, 100, 150
    daft.set_execution_config(scan_tasks_min_size_bytes=1, scan_tasks_max_size_bytes=1)
    return stages.main([stage])


def run_stages(workspace: Path, case: Case, engine: dict[str, Plain]) -> tuple[float, str]:
    """Collect and prepare in a new workspace; (seconds of the preparation, its log, or nothing where it failed)."""
    values = chosen_params(REPO / "params.yaml", None, case.sets).model_dump(mode="json")
    values["runtime"] |= engine
    workspace.mkdir()
    (workspace / "params.yaml").write_text(yaml.safe_dump(values, allow_unicode=True), encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(REPO)}
    for stage in ("collect", "prepare"):
        command = [sys.executable, "-m", *(("proofs.ray", "--cut") if case.cut else ("ecom_llm",)), stage]
        started = time.perf_counter()
        ended = subprocess.run(command, cwd=workspace, env=environment, capture_output=True, text=True, check=False)
        if ended.returncode:
            print(f"FAILED {case.name} {engine}: {stage} ended with {ended.returncode}:\n{ended.stderr[-3000:]}")
            return 0.0, ""
    return time.perf_counter() - started, ended.stderr


def digests(workspace: Path) -> dict[str, str]:
    """File -> SHA-256 of all that a preparation leaves."""
    files = [path for out in ("data/prepared", "reports") for path in (workspace / out).rglob("*") if path.is_file()]
    return {str(path.relative_to(workspace)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@contextmanager
def cluster_of(machines: int) -> Iterator[str]:
    """Yield the address of a Ray cluster with one core a machine; `local` where there is to be none."""
    if not machines:
        yield "local"
        return
    from ray.cluster_utils import Cluster  # reads its token from the environment that `main` sets

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    try:
        for _ in range(machines - 1):
            cluster.add_node(num_cpus=1)
        yield cluster.address
    finally:
        cluster.shutdown()


def compare(root: Path, case: Case) -> tuple[int, int]:
    """Prepare one shop on both engines; (files that were compared, files that differ)."""
    native_seconds, native_log = run_stages(root / f"{case.name}-native", case, {"engine": "native"})
    with cluster_of(case.machines) as address:
        on_ray = {"engine": "ray", "ray_address": address}
        ray_seconds, ray_log = run_stages(root / f"{case.name}-ray", case, on_ray)
    native, ray = digests(root / f"{case.name}-native"), digests(root / f"{case.name}-ray")
    files = sorted(native.keys() | ray.keys())
    differing = [name for name in files if native.get(name) != ray.get(name)]
    for name in differing[:10]:
        print(f"FAILED {case.name}: {name} is not the same")
    misled = RAN in native_log or f"{RAN} (machines: {max(case.machines, 1)}," not in ray_log
    if misled:
        print(f"FAILED {case.name}: not run on the engine asked for")
    print(
        f"  {case.name}: {len(files)} files, {len(differing)} differ; native {native_seconds:.1f} s, Ray {ray_seconds:.1f} s"
    )
    return len(files) + 1, len(differing) + misled


def main(seed: int) -> int:
    """Run the proof; return the exit code."""
    if importlib.util.find_spec("ray") is None:
        print("error: the package ray is not installed here. Install it: pip install 'ecom-llm[ray]'", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="ray-") as folder:
        root = Path(folder)
        # With a token and a folder of its own, the proof leaves nothing in the home folder, and no cluster of the user's is
        # taken for ours or ours for theirs. (The folder's name is short because sockets' paths may not be long.)
        os.environ.update(RAY_AUTH_TOKEN=secrets.token_hex(32), RAY_TMPDIR=folder, RAY_USAGE_STATS_ENABLED="0")
        write_shop(root / "shop", random.Random(seed))
        counts = [compare(root, case) for case in cases(root / "shop")]
    tried, failed = (sum(column) for column in zip(*counts, strict=True))
    print(f"PROOF ray tried={tried} failed={failed}")
    return int(failed > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--cut"]:
        sys.exit(run_cut(sys.argv[2]))
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
