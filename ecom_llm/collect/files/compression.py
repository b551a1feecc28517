"""Compressed files -> their bytes, chunk by chunk: recognised by magic bytes, guarded against bombs."""

import bz2
import gzip
import lzma
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import zstandard

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.archive import open_member
from ecom_llm.records import UserError

BROKEN = (EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError, zipfile.BadZipFile, OSError, ValueError)
"""What the decompressors raise for bytes that are cut off or damaged."""

ZSTD_FEED = 2048
"""Compressed bytes given to zstd at a time: four of them can make a block of 128 KiB, and it has no bound of its own."""


def compression_of(head: bytes) -> str | None:
    """The compression whose magic bytes a file begins with; its name is not asked, for names lie."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    # "BZh" alone could begin a text: the magic of the first block, or of an empty stream, must follow
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):
        return "bz2"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    return "zip" if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) else None


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file for reading.

    Raises:
        UserError: it is missing, a folder, a pipe or a device (which might never end), or may not be read.
    """
    try:
        # a pipe would block and /dev/zero never end, before any bound on lines is reached
        if not stat.S_ISREG(path.stat().st_mode):
            kind = "a folder" if path.is_dir() else "not a regular file"
            raise UserError(f"{path}: is {kind}, expected a file. Name a file in the source's path.")
        handle = path.open("rb")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read ({reason}). Check the path and your rights.") from error
    with handle:
        yield handle


def chunks(path: Path, compression: str | None) -> Iterator[bytes]:
    """Yield a file's bytes, decompressed, at most a few MiB at a time.

    Raises:
        UserError: it cannot be read, is cut off or damaged, holds no single plain member (zip), or is a bomb.
    """
    with opened(path) as raw:
        # the whole file's size, not what was read of it: decompressors read ahead
        size = raw.seek(0, 2)
        raw.seek(0)
        out = 0
        try:
            for chunk in PUMPS[compression](raw):
                out += len(chunk)
                if compression:
                    refuse_bomb(path, size, out)
                # a refusal of the reader behind must not be taken for damage: UserError is none of BROKEN
                yield chunk
        except BROKEN as error:
            told = str(error) or type(error).__name__
            raise UserError(
                f"{path}: is damaged or cut off after {out} bytes of its content ({compression or 'plain'}: {told}). "
                "Fetch or pack the file again."
            ) from error


def refuse_bomb(path: Path, size: int, out: int) -> None:
    """Stop a decompression that gives more than text can."""
    if out > limits.OUT or out > max(limits.RATIO_FROM, limits.RATIO * size):
        raise UserError(
            f"{path}: {size} compressed bytes unpack to more than {out - 1} bytes, which no text does (at most "
            f"{limits.RATIO} times its size and {limits.OUT} bytes are read). If the file is what you mean, unpack it."
        )


def read_all(handle: BinaryIO) -> Iterator[bytes]:
    """Yield what a file object holds, a chunk at a time."""
    while chunk := handle.read(limits.CHUNK):
        yield chunk


def read_gzip(raw: BinaryIO) -> Iterator[bytes]:
    with gzip.GzipFile(fileobj=raw) as handle:
        yield from read_all(handle)


def read_bz2(raw: BinaryIO) -> Iterator[bytes]:
    with bz2.BZ2File(raw) as handle:
        yield from read_all(handle)


def read_xz(raw: BinaryIO) -> Iterator[bytes]:
    """The streams of an xz file one after the other; `lzma.open` would take any amount of memory the header asks for."""
    given = raw.read(limits.CHUNK)
    while given:
        stream = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=limits.XZ_MEMORY)
        while not stream.eof:
            if stream.needs_input and not given:
                given = raw.read(limits.CHUNK)
                if not given:
                    raise EOFError("the last stream has no end")
            yield stream.decompress(given, limits.CHUNK)
            given = b""
        # streams may be followed by zeros that pad the file to a multiple of four bytes
        given = stream.unused_data.lstrip(b"\0") or raw.read(limits.CHUNK).lstrip(b"\0")


def read_zstd(raw: BinaryIO) -> Iterator[bytes]:
    """The frames of a zstd file; its own `stream_reader` takes a file that is cut off for a whole one."""
    given = raw.read(ZSTD_FEED)
    while given:
        frame = zstandard.ZstdDecompressor(max_window_size=limits.XZ_MEMORY // 2).decompressobj()
        while not frame.eof:
            if not given:
                raise EOFError("the last frame has no end")
            yield frame.decompress(given)
            given = b"" if frame.eof else raw.read(ZSTD_FEED)
        given = frame.unused_data or raw.read(ZSTD_FEED)


def read_zip(raw: BinaryIO) -> Iterator[bytes]:
    with open_member(raw) as handle:
        yield from read_all(handle)


PUMPS: dict[str | None, Callable[[BinaryIO], Iterator[bytes]]] = {
    None: read_all,
    "gzip": read_gzip,
    "bz2": read_bz2,
    "xz": read_xz,
    "zstd": read_zstd,
    "zip": read_zip,
}
