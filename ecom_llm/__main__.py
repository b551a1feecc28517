"""Run one stage in the working directory: python -m ecom_llm STAGE."""

import errno
import hashlib
import importlib
import logging
import os
import random
import sys
from pathlib import Path

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError

STAGES = ("collect", "prepare", "train", "evaluate")


def code_hashes(package: Path) -> dict[Path, str]:
    """SHA-256 of every source and data file of the package."""
    files = (path for path in sorted(package.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)
    return {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def used_files(package: Path, stage: str) -> set[Path]:
    """The files this stage's result rests on: what was imported, and all that lies in the stage's own folder."""
    loaded = {Path(module.__file__) for module in list(sys.modules.values()) if getattr(module, "__file__", None)}
    return {path for path in code_hashes(package) if path in loaded or (package / stage) in path.parents}


def changed_since(before: dict[Path, str], params: Params, stage: str, layout: Layout) -> list[str]:
    """What the stage read that is not what it was when the stage began."""
    package = Path(__file__).parent
    after = code_hashes(package)
    used = used_files(package, stage) | {path for path in before if (package / stage) in path.parents}
    changed = [str(path.relative_to(package.parent)) for path in sorted(used) if before.get(path) != after.get(path)]
    if getattr(load_params(layout.params), stage) != getattr(params, stage):
        changed.append(f"params.yaml ({stage})")
    return changed


def run_stage(stage: str, layout: Layout) -> None:
    """Load params, seed Python's random, run the stage, and refuse to let a result be locked over changed inputs.

    DVC hashes code and params after the command ends: without this check an edit made meanwhile would be recorded as
    the origin of a result that it did not make.

    Raises:
        UserError: whatever the stage says of the user's input, or that its code or params changed while it ran.
    """
    before = code_hashes(Path(__file__).parent)
    params = load_params(layout.params)
    random.seed(getattr(params, stage).seed)
    importlib.import_module(f"ecom_llm.{stage}.stage").run(params, layout)
    changed = changed_since(before, params, stage, layout)
    if changed:
        raise UserError(
            f"{stage}: changed while the stage ran: {', '.join(changed)}. Its result belongs to the old version and is not "
            "recorded. Run `dvc repro` again, or use `ecom-llm run`: it works on a snapshot that edits cannot reach."
        )


def main(arguments: list[str]) -> int:
    """Entry point of the stages; returns the exit code (2 for a mistake the user can mend)."""
    if len(arguments) != 1 or arguments[0] not in STAGES:
        print(f"error: usage: python -m ecom_llm {{{'|'.join(STAGES)}}}; found {arguments}", file=sys.stderr)
        return 2
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a stage reads files; nothing of a run may depend on the network
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("DAFT_ANALYTICS_ENABLED", "0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)
    logging.getLogger("tracing").setLevel(logging.WARNING)  # Daft's engine tells of every operator it runs
    try:
        run_stage(arguments[0], Layout.here())
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS):
            raise
        where = error.filename or "the disk"
        print(f"error: {arguments[0]}: {where}: {error.strerror}. Mend that, then run again.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
