"""A byte changed somewhere in a version's chain: `python -m proofs.verify [N] [SEED] [SHOP]`.

The real flow trains, registers and promotes a version by recipes/tiny.yaml (or there is one in the checkout SHOP). Then N times
one byte of its weights, params, lock, reports, journal or data becomes another, `ecom-llm verify champion` has to fail with one line
that names the file, and the byte is put back. Fails when a change is not found, when the line names another file, or when
the chain is not whole before the first change and after the last.
"""

import contextlib
import io
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.registry import open_registry
from ecom_llm.registry.sealing import CARD
from flows import cli
from flows.overrides import chosen_params
from proofs.checkouts import new_checkout
from tasks.chain.lock import read_lock
from tasks.chain.store import Store

REPO = Path(__file__).parents[1]
RECIPE = "recipes/tiny.yaml"
COMMAND = [sys.executable, "-c", "from flows.cli import main; main()"]
ELSEWHERE = ("PREFECT_", "MLFLOW_", "ECOM_LLM_", "DVC_")
"""What the environment's names begin with that would lead out of the shop."""


@dataclass(frozen=True)
class Change:
    """One byte that became another, and what `verify` said."""

    kind: str
    file: Path
    offset: int
    fault: str | None
    """Why that does not do; None where the change was found and named."""


def make_shop(folder: Path) -> Path:
    """A checkout of the working tree as it is, in which the real flow has made a champion."""
    new_checkout(folder)
    subprocess.run([*COMMAND, "run", "--recipe", RECIPE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return folder


def places(shop: Path, recipe: Path | None) -> Mapping[str, Sequence[Path]]:
    """Kind -> files in which a byte may be changed: all that the champion's chain reads of that kind."""
    layout = Layout.here(shop)
    params = chosen_params(layout.params, recipe, ()) if recipe else load_params(layout.params)
    registry = open_registry(params.registry.model_name, layout)
    version = registry.named("champion")
    artifacts = Path(url2pathname(urlsplit(registry.mlflow.get_run(version.run_id).info.artifact_uri).path))
    store, lock = Store.of(shop), read_lock(artifacts / "dvc.lock")
    hashes = {md5 for path, md5 in lock.outs.items() for md5 in store.files(md5, path).values()}
    return {
        "weights": sorted(path for path in registry.model_folder(version).rglob("*") if path.is_file()),
        "params": [artifacts / "params.yaml"],
        "lock": [artifacts / "dvc.lock"],
        "reports": [artifacts / CARD, *sorted(path for path in (artifacts / "reports").rglob("*") if path.is_file())],
        "journal": [registry.journal.file],
        "data": [store.check(md5, md5) for md5 in sorted(hashes)],
    }


@contextlib.contextmanager
def changed(file: Path, offset: int, bits: int) -> Iterator[None]:
    """Another byte at one place of a file, and afterwards the file as it was, times and rights included."""
    before = file.stat()
    file.chmod(0o600)
    try:
        flip(file, offset, bits)
        yield
    finally:
        flip(file, offset, bits)
        file.chmod(before.st_mode & 0o7777)
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def flip(file: Path, offset: int, bits: int) -> None:
    """Flip some bits of one byte; a second time puts it back."""
    with file.open("r+b") as handle:
        handle.seek(offset)
        byte = handle.read(1)[0]
        handle.seek(offset)
        handle.write(bytes([byte ^ bits]))


def verified(recipe: Path | None) -> tuple[int, str]:
    """Exit code and error line of `ecom-llm verify champion`, run in this process by the command's own code."""
    words = ["verify", "champion", *(["--recipe", str(recipe)] if recipe else [])]
    out, err = io.StringIO(), io.StringIO()
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            cli.main(words)
    except SystemExit as ended:
        return int(ended.code), err.getvalue()
    return 0, out.getvalue()


def fault_of(code: int, said: str, file: Path) -> str | None:
    """What is wrong with how a change was found; None where it is as it should be."""
    if code == 0:
        return "was not found"
    if code != 1 or not said.startswith("error: ") or said.count("\n") != 1:
        return f"exit code {code}, and not one plain line: {said[:300]!r}"
    return None if file.name in said else f"the line does not name it: {said.strip()}"


def changes(shop: Path, recipe: Path | None, count: int, rng: random.Random) -> Iterator[Change]:
    """Change, verify, put back; kinds take turns, so that each has its share."""
    found = places(shop, recipe)
    kinds = list(found)
    for number in range(count):
        kind = kinds[number % len(kinds)]
        file = rng.choice([path for path in found[kind] if path.stat().st_size])
        offset, bits = rng.randrange(file.stat().st_size), rng.randrange(1, 256)
        with changed(file, offset, bits):
            fault = fault_of(*verified(recipe), file)
        yield Change(kind, file, offset, fault)


def histogram(done: Sequence[Change]) -> Iterator[str]:
    """Lines of how many changes each kind had, in how many files, and how far into them."""
    for kind in dict.fromkeys(change.kind for change in done):
        own = [change for change in done if change.kind == kind]
        files = len({change.file for change in own})
        tenths = Counter(min(9, change.offset * 10 // change.file.stat().st_size) for change in own)
        spread = " ".join(f"{tenths[tenth]:3}" for tenth in range(10))
        missed = sum(bool(change.fault) for change in own)
        yield f"  {kind:<8} {len(own):4} changes in {files:3} files, by tenth of the file: {spread}   {missed} missed"


def attack(shop: Path, recipe: Path | None, count: int, seed: int) -> int:
    """Run the proof on a shop with a champion; return the exit code."""
    before = Path.cwd()
    os.chdir(shop)
    whole = [verified(recipe)]
    done = list(changes(shop, recipe, count, random.Random(seed)))
    whole.append(verified(recipe))
    for number, change in enumerate(done, 1):
        if change.fault:
            print(f"  change {number} ({change.kind}), byte {change.offset} of {change.file}: {change.fault}")
    print(f"seed {seed}: one byte changed at a time, verified, put back")
    print("\n".join(histogram(done)))
    alarms = [said for code, said in whole if code]
    print(
        "\n".join(f"  a false alarm, with nothing changed: {said.strip()}" for said in alarms) or whole[-1][1].strip()
    )
    failed = sum(bool(change.fault) for change in done) + len(alarms)
    print(f"PROOF verify tried={count} failed={failed}")
    os.chdir(before)
    return int(failed > 0)


def main(count: int, seed: int, shop: Path | None) -> int:
    """Run the proof; return the exit code."""
    for name in [name for name in os.environ if name.startswith(ELSEWHERE)]:
        del os.environ[name]
    if shop is not None:
        return attack(shop.resolve(), None, count, seed)
    with tempfile.TemporaryDirectory() as folder:
        made = make_shop(Path(folder).resolve())
        return attack(made, made / RECIPE, count, seed)


if __name__ == "__main__":
    given = sys.argv[1:]
    count, seed, shop = [*given, *["200", "1", ""][len(given) :]]
    sys.exit(main(int(count), int(seed), Path(shop) if shop else None))
