"""DVC's hashes: of a file its MD5, of a folder the MD5 of its listing, as `Tree.as_bytes` of dvc-data writes that."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

FOLDER = ".dir"
"""What the hash of a folder ends with."""


def file_md5(path: Path) -> str:
    """MD5 of a file's bytes."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "md5").hexdigest()


def listing_md5(entries: Mapping[str, str]) -> str:
    """The hash of a folder.

    Args:
        entries: relative path -> MD5, of each file in it.
    """
    listing = [{"md5": entries[name], "relpath": name} for name in sorted(entries)]
    return hashlib.md5(json.dumps(listing, sort_keys=True).encode()).hexdigest() + FOLDER


def path_md5(path: Path) -> str | None:
    """The hash of a file or folder; None where there is neither."""
    if path.is_file():
        return file_md5(path)
    if not path.is_dir():
        return None
    files = (file for file in path.rglob("*") if file.is_file())
    return listing_md5({file.relative_to(path).as_posix(): file_md5(file) for file in files})
