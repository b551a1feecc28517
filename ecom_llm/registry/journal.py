"""The journal: what happened to a model's versions, one line an entry, each chained to the one before by its hash.

The chain is that of a hash-linked log (Haber and Stornetta 1991, "How to time-stamp a digital document"): who edits, removes
or reorders a line breaks it, and the last hash stands in MLflow too, so that a shortened file is noticed. Whoever can write
both may begin a new history, but not change this one unnoticed by a reader who kept an earlier hash.
"""

import fcntl
import getpass
import json
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Literal

from pydantic import ValidationError

from ecom_llm.records import Record

Event = Literal[
    "found",
    "registered",
    "decided",
    "approved",
    "rejected",
    "unanswered",
    "promoting",
    "promoted",
    "rolling back",
    "rolled back",
    "unfit",
    "barred",
    "withdrawing",
    "withdrawn",
    "abandoned",
    "removed",
]
ANSWERS = ("approved", "rejected")
"""What a person said of a decision of the gate."""
BEGUN = ("promoting", "rolling back", "withdrawing")
"""What is written before the registry is changed: a crash leaves it as the last word, and it is settled later."""
ACTS = (*BEGUN, "promoted", "rolled back", "withdrawn", "abandoned")
"""What changes the champion, begins to, or says that it came to nothing."""
CHAMPION_SINCE = ("found", "promoted", "rolled back")
"""Events after which the entry's version is champion; `found` only where its details say so. After `withdrawn` none is."""
BEGINNING = "0" * 64
"""What the first entry is chained to."""


class Entry(Record):
    """One thing that happened."""

    sequence: int
    """1, 2, 3, ..."""
    time: str
    """UTC, ISO 8601: for people; the order is the chain's."""
    actor: str
    """The account and host it was done from."""
    event: str
    """An `Event`, or what a later version of this program writes there."""
    version: str
    """The version it happened to; for a roll-back the one that is champion again."""
    details: dict[str, str]
    previous: str
    """`hash` of the entry before."""
    hash: str
    """SHA-256 of the entry's other fields as canonical JSON."""

    @property
    def champion(self) -> str | None:
        """The version that was champion from here on; None where the entry does not say."""
        if self.event == "found":
            return self.version if self.details.get("alias") == "champion" else None
        return self.version if self.event in CHAMPION_SINCE else None


def digest(fields: dict[str, object]) -> str:
    """SHA-256 of an entry's fields, its hash left out, as JSON with sorted keys and no spaces."""
    kept = {name: value for name, value in fields.items() if name != "hash"}
    return sha256(json.dumps(kept, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def here() -> str:
    """Who acts: account and host, as far as the system knows them."""
    try:
        account = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        account = str(os.getuid())
    return f"{account}@{socket.gethostname()}"


@dataclass(frozen=True)
class Chain:
    """A journal as it was read: the entries that could be, and what is wrong with it."""

    entries: tuple[Entry, ...]
    faults: tuple[str, ...]
    """In words: an edited, missing or reordered entry; empty where the chain holds."""
    notes: tuple[str, ...]
    """What a reader should know and what is no fault, such as a line that a crash cut off."""

    @property
    def champion(self) -> str | None:
        """The champion's version as the entries tell it, one after the other."""
        told = (entry for entry in reversed(self.entries) if entry.champion or entry.event == "withdrawn")
        return next((entry.champion for entry in told), None)

    @property
    def begun(self) -> Entry | None:
        """The change of the champion that was begun last, where nothing says what came of it."""
        last = next((entry for entry in reversed(self.entries) if entry.event in ACTS), None)
        return last if last and last.event in BEGUN else None

    @property
    def head(self) -> str:
        """Sequence and hash of the last entry, as MLflow keeps them; empty before the first."""
        return f"{self.entries[-1].sequence} {self.entries[-1].hash}" if self.entries else ""

    def missing(self, anchor: str) -> list[str]:
        """What the sequence and hash that MLflow keeps say is not in the file any more."""
        if not anchor:
            return []
        number, _, hashed = anchor.partition(" ")
        found = {str(entry.sequence): entry.hash for entry in self.entries}
        if number not in found:
            last = self.entries[-1].sequence if self.entries else 0
            return [f"entries {last + 1} to {number} are missing at its end: MLflow has seen entry {number}"]
        return [] if found[number] == hashed else [f"entry {number} is not the one MLflow has seen: it was replaced"]


@dataclass(frozen=True)
class Journal:
    """One registered model's journal."""

    file: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the journal, so that of two who change the champion at once one goes after the other; not reentrant."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.with_suffix(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def lines(self) -> list[str]:
        """The file's lines; none before the first entry."""
        try:
            text = self.file.read_bytes().decode(errors="replace")
        except FileNotFoundError:
            return []
        # of the characters that may end a line only the one that `append` writes: another would be an edit unnoticed
        return text.removesuffix("\n").split("\n") if text else []

    def append(self, event: Event, version: str, **details: str) -> Entry:
        """Write an entry; it is on the disk when this returns. Call it within `held`.

        The chain before it is not checked: a damaged journal must not keep a shop from its roll-back.
        """
        last = next((entry for entry in map(parsed, reversed(self.lines())) if entry), None)
        fields: dict[str, object] = {
            "sequence": last.sequence + 1 if last else 1,
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "actor": here(),
            "event": event,
            "version": version,
            "details": details,
            "previous": last.hash if last else BEGINNING,
        }
        entry = Entry.model_validate({**fields, "hash": digest(fields)})
        with self.file.open("ab+") as handle:
            # a line that a crash cut off stays as it is: it was never acknowledged, and the next begins on its own
            torn = handle.tell() and not ends_whole(self.file)
            handle.write(f"{chr(10) if torn else ''}{entry.model_dump_json()}\n".encode())
            handle.flush()
            os.fsync(handle.fileno())
        return entry

    def read(self) -> Chain:
        """The entries, and every place where the chain does not hold."""
        entries: list[Entry] = []
        faults: list[str] = []
        notes: list[str] = []
        unread: list[int] = []
        for number, line in enumerate(self.lines(), 1):
            entry = parsed(line)
            if entry is None:
                unread.append(number)
                continue
            broken = link_fault(entry, line, entries[-1] if entries else None)
            if broken:
                faults.append(f"{self.file}:{number}: {broken}")
            elif unread:
                notes += [f"{self.file}:{one}: was cut off while it was written; nothing rests on it" for one in unread]
                unread = []
            faults += [f"{self.file}:{one}: is no entry: it was edited" for one in unread]
            unread = []
            entries.append(entry)
        notes += [f"{self.file}:{one}: was cut off while it was written; nothing rests on it" for one in unread]
        return Chain(tuple(entries), tuple(faults), tuple(notes))


def name_of(clone: Path) -> str:
    """The name in a clone's file, made there on first use: the same for all who share the state folder."""
    if not clone.exists():
        clone.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=clone.parent, encoding="ascii") as made:
            made.write(f"{secrets.token_hex(6)}\n")
            made.flush()
            Path(made.name).chmod(0o644)  # whoever shares the state folder reads it
            with suppress(FileExistsError):  # another process was first: its name counts
                os.link(made.name, clone)
    return clone.read_text(encoding="ascii").strip()


def ends_whole(file: Path) -> bool:
    """Whether a file's last byte ends a line."""
    with file.open("rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) == b"\n"


def parsed(line: str) -> Entry | None:
    """The entry in a line; None where there is none."""
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None


def link_fault(entry: Entry, line: str, before: Entry | None) -> str | None:
    """Why an entry does not follow the one before, or its line is not as it was written; None where all is well."""
    if digest(entry.model_dump()) != entry.hash:
        return f"entry {entry.sequence} was edited: its hash is another"
    if line != entry.model_dump_json():
        return f"entry {entry.sequence} was edited: it says the same in other characters"
    if entry.previous == (before.hash if before else BEGINNING):
        return None
    last = before.sequence if before else 0
    if entry.sequence > last + 1:
        return f"entries {last + 1} to {entry.sequence - 1} are missing before entry {entry.sequence}"
    return f"entry {entry.sequence} does not follow entry {last}: entries were reordered or replaced"
