"""What the publisher gives beside the data for its scoring: word mappings, and which slots are counted by which words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.records import UserError

MAPPING, DETECT, SPECIAL = FILES = ("mapping.pair", "detect.pair", "special_values.txt")


@dataclass(frozen=True)
class Protocol:
    """The three files, read."""

    mapping: tuple[tuple[str, str], ...]
    """Words and what they become, in order: `it's` -> `it is`, `inches` -> `inch -s`."""
    general: Mapping[str, str]
    """Slot -> the token its value becomes (`SLOT_NAME`); the slots that count by their values."""
    binary: Mapping[str, tuple[str, ...]]
    """Slot -> the words that mention it; the slots that count by words. Yes or no makes no difference."""
    special: Mapping[str, str]
    """Spelling of a value that no text states -> its one name: `dont_care` -> `dontcare`, `true` -> `yes`."""


def read_protocol(folder: Path) -> Protocol:
    """The three files of a folder, as RNNLG published them; raises as `protocol_of` does, and where one cannot be read."""
    return protocol_of({name: read(folder / name) for name in FILES})


def protocol_of(files: Mapping[str, str]) -> Protocol:
    """What `mapping.pair`, `detect.pair` and `special_values.txt` say.

    Args:
        files: file name -> its text.

    Raises:
        UserError: one of them is not what it should be; names it.
    """
    pairs = tuple(tuple(line.split("\t")) for line in files[MAPPING].splitlines() if line)
    if any(len(pair) != 2 for pair in pairs):
        raise UserError(f"{MAPPING}: expected two words a line, parted by a tab, as RNNLG published them.")
    try:
        detect, special = (json.loads(files[name]) for name in (DETECT, SPECIAL))
        return Protocol(
            mapping=pairs,
            general=dict(detect["general"]),
            binary={slot: tuple(words) for slot, words in detect["binary"].items()},
            special={spelling: name for name, spellings in special.items() for spelling in spellings},
        )
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise UserError(
            f"{DETECT} or {SPECIAL} is not as RNNLG published it ({error!r}). Take the files from "
            "github.com/shawnwun/RNNLG, folder resource."
        ) from error


def read(path: Path) -> str:
    """The text of one of the files."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); RNNLG's figures cannot be computed without it."
        ) from error
