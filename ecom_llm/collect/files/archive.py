"""Zip archives: the one file in them, read where it stands. Nothing is ever unpacked to a path the archive names."""

import stat
import struct
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import BinaryIO

from ecom_llm.collect.files import limits
from ecom_llm.records import UserError

END = b"PK\x05\x06"
END_SIZE = 22
COMMENT = 1 << 16
"""Bytes that the comment behind the end record may take."""


@contextmanager
def faults_of(raw: BinaryIO) -> Iterator[None]:
    """What `zipfile` raises over damaged bytes, as a UserError; never around code of ours, whose faults have the same types."""
    try:
        yield
    # RuntimeError: encryption and methods it does not know; IndexError and struct.error: extra fields cut short
    except (zipfile.BadZipFile, struct.error, RuntimeError, IndexError) as error:
        raise UserError(f"{raw.name}: is not a zip archive that can be read ({error}). Pack the file again.") from error


def check_directory(raw: BinaryIO) -> None:
    """Refuse a table of contents longer than that of any spreadsheet: `zipfile` reads it as a whole."""
    # the end record stands before a comment of up to 64 KiB, whose length only it tells
    size = raw.seek(0, 2)
    raw.seek(max(0, size - END_SIZE - COMMENT))
    tail = raw.read(END_SIZE + COMMENT)
    place = tail.rfind(END)
    length = struct.unpack_from("<I", tail, place + 12)[0] if 0 <= place <= len(tail) - END_SIZE else 0
    # 0xFFFFFFFF points to the 64-bit record: `zipfile` follows it, and the file's own size is then the only bound
    if limits.DIRECTORY < length < 0xFFFFFFFF or (length == 0xFFFFFFFF and size < length):
        raise UserError(f"{raw.name}: its table of contents takes {length} bytes. {ONE}")


@contextmanager
def contents(raw: BinaryIO) -> Iterator[zipfile.ZipFile]:
    """Open an archive after a look at the size of its table of contents.

    Raises:
        UserError: it is no archive, or its table of contents is longer than that of any spreadsheet.
    """
    check_directory(raw)
    with faults_of(raw):
        archive = zipfile.ZipFile(raw)
    with archive:
        yield archive


ONE = "Expected an archive with exactly one file in it, or a spreadsheet. Unpack it, and name the file you mean."


def names_of(raw: BinaryIO) -> tuple[str, ...]:
    """The names in an archive; they are shown and compared, never used as paths."""
    with contents(raw) as archive:
        return tuple(archive.namelist())


def only_member(archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    """The one file of an archive; folders, and what macOS adds beside files, are not counted.

    Raises:
        UserError: there is none or more than one, or it is a link, encrypted, packed with a method other than
            deflate (the others have no bound on memory in `zipfile`), or named like a path out of the folder.
    """
    found = [member for member in archive.infolist() if not member.is_dir() and not of_macos(member.filename)]
    if len(found) != 1:
        shown = ", ".join(repr(member.filename[:80]) for member in found[:3])
        raise UserError(f"{archive.fp.name}: holds {len(found)} files{': ' + shown if found else ''}. {ONE}")
    member = found[0]
    fault = fault_of(member)
    if fault:
        raise UserError(f"{archive.fp.name}: the file {member.filename[:80]!r} in it {fault}. Pack it again, plainly.")
    return member


def fault_of(member: zipfile.ZipInfo) -> str:
    """What forbids reading a member; empty for a plain file."""
    # Nothing is unpacked by name, so such a name cannot harm here: it tells of an archive made to harm elsewhere
    parts = PurePosixPath(member.filename.replace("\\", "/"))
    if ".." in parts.parts or parts.is_absolute() or ":" in parts.parts[0]:
        return "is named like a path outside the archive"
    # never followed, but its content is the name of another file and no data
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a link, not a file"
    if member.flag_bits & 0x1:
        return "is encrypted"
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return f"is packed with method {member.compress_type}, expected deflate"
    return ""


def of_macos(name: str) -> bool:
    """Whether a member is one of the companions that macOS's Finder packs beside each file."""
    return name.startswith("__MACOSX/") or PurePosixPath(name).name == ".DS_Store"


@contextmanager
def open_member(raw: BinaryIO) -> Iterator[BinaryIO]:
    """Open the one file of an archive for reading."""
    with contents(raw) as archive:
        member = only_member(archive)
        with faults_of(raw):
            handle = archive.open(member)
        with handle:
            yield handle
