"""One case of an attack on the readers: the spoilt file, and what reading it must come to."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple

from proofs.reader_files import PACKED

MIB = 1 << 20


class Case(NamedTuple):
    """One spoilt file, and what reading it must come to."""

    path: Path
    must: Literal["end", "refuse", "read"] = "end"
    """`refuse`: a UserError; `read`: all of it, rows or Faults; `end`: either."""
    count: int | None = None
    """Rows and Faults there are together, where that is known: nothing may be lost in silence."""
    faults: int | None = None
    """Faults among them, where that is known."""


Attack = Callable[[Random, Path], Case]


def put(folder: Path, name: str, data: bytes, packing: str = "") -> Path:
    """Write a file, packed, under a name that says so."""
    path = folder / (name + packing)
    path.write_bytes(PACKED[packing](data))
    return path


def described(case: Case) -> str:
    """A case for a message."""
    return json.dumps({**case._asdict(), "path": case.path.name})
