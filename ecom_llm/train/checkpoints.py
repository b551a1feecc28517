"""Where a killed training goes on: checkpoints in the state folder, keyed by all that decides the result, and locked."""

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecom_llm.params import Train

logger = logging.getLogger(__name__)
FINISHED = "trainer_state.json"
"""transformers writes it last: a checkpoint without it was cut short."""


def digest(paths: list[Path]) -> str:
    """SHA-256 over the names and bytes of files, folders included."""
    total = hashlib.sha256()
    for root in paths:
        for path in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if path.is_file() and "__pycache__" not in path.parts:
                total.update(f"{path.relative_to(root.parent)}\0".encode())
                total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def checkpoint_key(train: Train, inputs: list[Path]) -> str:
    """The same key means the same training: its params, its data, its starting checkpoint and its code."""
    return hashlib.sha256(f"{train.model_dump_json()}\n{digest(inputs)}".encode()).hexdigest()[:16]


@contextmanager
def checkpoint_folder(root: Path, key: str) -> Iterator[Path]:
    """Yield the folder of this training, alone: the same training in another process is waited for.

    Removed when the block succeeds; kept when it does not, so that the next attempt goes on from it.
    """
    folder = root / key
    folder.mkdir(parents=True, exist_ok=True)
    with (root / f"{key}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            logger.info("the same training runs in another process; waiting for it (lock %s)", lock.name)
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder.mkdir(parents=True, exist_ok=True)
        done = root / f"{key}.done"
        shutil.rmtree(done, ignore_errors=True)
        yield folder
        # renamed first: a kill amid the removal would leave a checkpoint that looks whole and lacks the optimizer
        folder.rename(done)
        shutil.rmtree(done)


def is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was written to its end: its last file is there, and it is JSON to its last brace."""
    try:
        json.loads((checkpoint / FINISHED).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return False
    return True


def last_checkpoint(folder: Path) -> Path | None:
    """The latest complete checkpoint, and the best one that it names; what else there is was cut short, and is removed."""
    found = sorted(folder.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True)
    last = next((path for path in found if is_whole(path)), None)
    best = json.loads((last / FINISHED).read_text(encoding="utf-8"))["best_model_checkpoint"] if last else None
    for path in found:
        # transformers removes the oldest by their times, which a removal cut short has changed
        if path != last and not (best and path.name == Path(best).name and is_whole(path)):
            shutil.rmtree(path)
    return last
