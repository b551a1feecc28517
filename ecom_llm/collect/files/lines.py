"""Bytes -> decoded lines with their numbers; a line that is too long, holds a NUL byte or does not decode is Bad."""

import codecs
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.compression import chunks
from ecom_llm.collect.files.encoding import mark_of
from ecom_llm.collect.files.rows import QUOTED, Fault, fault


class Bad(NamedTuple):
    """A line that is no good text: what is wrong, and its text with U+FFFD where it does not decode."""

    fault: Fault
    text: str
    whole: bool
    """False where the line was too long and `text` is but its beginning."""


class Overlong(NamedTuple):
    """The beginning of a line longer than `limits.LINE` bytes, whose rest was skipped."""

    beginning: bytes


def utf8_chunks(path: Path, compression: str | None, encoding: str) -> Iterator[bytes]:
    """A file's bytes without a byte order mark, in an encoding in which a line feed is the byte 0x0A and nothing else.

    That holds for all we know but UTF-16, which becomes UTF-8; its lone surrogates become bytes that UTF-8 refuses.
    """
    source = without_mark(chunks(path, compression), mark_of(encoding))
    if not encoding.startswith("utf-16"):
        yield from source
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
    for chunk in source:
        yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
    if decoder.getstate()[0]:
        yield b"\xff"  # half a character at the end: the last line is Bad


def without_mark(source: Iterable[bytes], mark: bytes) -> Iterator[bytes]:
    """The chunks less a mark at the beginning of the first one."""
    first = b""
    rest = iter(source)
    for chunk in rest:
        first += chunk
        if len(first) >= len(mark):
            break
    if first:
        yield first.removeprefix(mark)
    yield from rest


def line_ends(source: Iterable[bytes]) -> Iterator[bytes]:
    """Chunks with the lone carriage returns of old Macintosh files made line feeds: those whose first chunk has no other."""
    old: bool | None = None
    for chunk in source:
        if old is None:
            # told once for the file: a chunk that ends between \r and \n must not change it
            old = b"\r" in chunk and b"\n" not in chunk
        yield chunk.replace(b"\r", b"\n") if old else chunk


def blocks(source: Iterable[bytes]) -> Iterator[bytes | Overlong]:
    """Join and cut chunks at line ends. A block holds whole lines; a line above `limits.LINE` bytes comes as Overlong."""
    carry = b""
    skipped: bytes | None = None
    for chunk in source:
        if skipped is not None:
            place = chunk.find(b"\n")
            if place < 0:  # still the same line: nothing of it is kept
                continue
            yield Overlong(skipped)
            skipped, chunk = None, chunk[place + 1 :]
        carry += chunk
        cut = carry.rfind(b"\n") + 1
        if cut:
            yield carry[:cut]
            carry = carry[cut:]
        if len(carry) > limits.LINE:
            # twice or four times the characters a Fault shows, for an encoding of several bytes each
            skipped, carry = carry[: 4 * QUOTED], b""
    if skipped is not None:
        yield Overlong(skipped)
    if carry:
        yield carry


def text_lines(path: Path, compression: str | None, encoding: str) -> Iterator[tuple[int, str | Bad]]:
    """Yield each line with its 1-based number and its line end.

    Raises:
        UserError: the file cannot be read or unpacked.
    """
    codec = "utf-8" if encoding.startswith("utf-16") else encoding
    number = 1
    for block in blocks(line_ends(utf8_chunks(path, compression, encoding))):
        for line in overlong(block, codec) if isinstance(block, Overlong) else decoded(block, codec):
            yield number, line
            number += 1


def overlong(line: Overlong, codec: str) -> Iterator[Bad]:
    """A line that was skipped."""
    text = line.beginning.decode(codec, errors="replace")
    yield Bad(fault(f"a line of more than {limits.LINE} bytes", text), text, whole=False)


def decoded(block: bytes, codec: str) -> Iterator[str | Bad]:
    """The lines of a block, decoded at once where all is well, or one by one."""
    try:
        text = block.decode(codec)
    except UnicodeDecodeError:
        text = None
    if text is None or "\0" in text or "\ufeff" in text or len(block) > limits.LINE:
        yield from (one_line(line, codec) for line in io.BytesIO(block))
    else:
        # not splitlines(), which also cuts at U+2028, form feeds and their like
        yield from io.StringIO(text, newline="\n")


def one_line(line: bytes, codec: str) -> str | Bad:
    """Decode one line; a byte order mark at its beginning is left over from files that were joined, and dropped."""
    if len(line) > limits.LINE:
        return next(overlong(Overlong(line[: 4 * QUOTED]), codec))
    # with replacements first: a Fault shows its text too
    text = line.decode(codec, errors="replace").removeprefix("\ufeff")
    if b"\0" in line:
        return Bad(fault("a NUL byte", text), text, whole=True)
    try:
        line.decode(codec)
    except UnicodeDecodeError as error:
        return Bad(fault(f"a byte that is not {codec}: 0x{line[error.start]:02x}", text), text, whole=True)
    return text
