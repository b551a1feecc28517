"""What a file is, from a bounded sample of its bytes: its name is asked only where the bytes leave it open."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.archive import names_of
from ecom_llm.collect.files.compression import chunks, compression_of, opened
from ecom_llm.collect.files.delimited import delimiter_of
from ecom_llm.collect.files.encoding import encoding_of, mark_of
from ecom_llm.collect.files.json_values import Parser
from ecom_llm.collect.files.literals import row_of
from ecom_llm.collect.files.rows import Kind
from ecom_llm.records import UserError

PACKED = {".gz", ".gzip", ".bz2", ".xz", ".zst", ".zstd", ".zip"}
TABLES = {".csv", ".tsv", ".tab", ".psv"}
JSON_LINES = {".jsonl", ".ndjson", ".jl"}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Magic bytes of Office files before 2007."""
LITERAL = re.compile(r"\{\s*u?'")
"""A Python dict with text as its first key; JSON has no single quotes."""
MARKUP = re.compile(r"\s*<(?:\?xml|!doctype|html|rss|feed|urlset)\b", re.IGNORECASE)
"""How feeds and pages begin, those that call themselves .xls too."""
OBJECT_LINE = re.compile(r"^\{.*\}\s*$", re.MULTILINE)


class Recognised(NamedTuple):
    """All of a file's Shape but its columns."""

    kind: Kind
    compression: str | None
    encoding: str | None = None
    delimiter: str | None = None


def recognise(path: Path) -> Recognised:
    """Recognise a file.

    Raises:
        UserError: it cannot be read or unpacked, is empty, is no text in a known encoding, or is compressed twice.
    """
    with opened(path) as raw:
        head = raw.read(16)
        compression = compression_of(head)
        if compression == "zip" and is_spreadsheet(names_of(raw)):
            return Recognised("excel", None)
    sample, whole = beginning(path, compression)
    binary = binary_kind(path, compression, sample)
    return Recognised(binary, compression) if binary else recognise_text(path, compression, sample, whole)


def is_spreadsheet(names: tuple[str, ...]) -> bool:
    """Whether an archive is an .xlsx, .xlsm, .xlsb or .ods file."""
    return any(name.startswith("xl/workbook.") for name in names) or {"mimetype", "content.xml"} <= set(names)


def beginning(path: Path, compression: str | None) -> tuple[bytes, bool]:
    """The first `limits.SAMPLE` bytes of the content, and whether they are all."""
    sample = b""
    source = chunks(path, compression)
    try:
        for chunk in source:
            sample += chunk
            if len(sample) > limits.SAMPLE:
                return sample[: limits.SAMPLE], False
    finally:
        source.close()  # and with it the file
    return sample, True


def binary_kind(path: Path, compression: str | None, sample: bytes) -> Kind | None:
    """Parquet and Excel by their magic bytes; None for what should be text."""
    if sample.startswith(b"PAR1"):
        return "parquet"
    if sample.startswith(OLE):
        return "excel"
    inner = compression_of(sample) if compression else None
    if inner == "zip":
        return "excel"  # calamine says it where the zip is no spreadsheet
    if inner:
        raise UserError(f"{path}: is compressed twice ({inner} in {compression}). Unpack it once.")
    return None


def recognise_text(path: Path, compression: str | None, sample: bytes, whole: bool) -> Recognised:
    """Kind, encoding and delimiter of a text file."""
    encoding = encoding_of(path, sample)
    # ids and prices may fill a sample before the first word that shows the encoding
    if sample.isascii() and not whole:
        encoding = encoding_of(path, first_foreign(chunks(path, compression)))
    text = sample.removeprefix(mark_of(encoding)).decode(encoding, errors="replace").removeprefix("\ufeff")
    if whole and not text.strip():
        raise UserError(f"{path}: is empty. Remove it from the sources, or fill it.")
    if MARKUP.match(text):
        raise UserError(
            f"{path}: is XML or HTML, which is not read. Save it as CSV, TSV, JSON or Excel: shops and feeds (Google Merchant's "
            "too) export their rows as one of them."
        )
    kind = structured_kind(path, text, whole)
    if kind:
        return Recognised(kind, compression, encoding)
    delimiter, certain = delimiter_of(text)
    if certain or suffix_of(path) in TABLES:
        return Recognised("csv", compression, encoding, delimiter)
    return Recognised("lines", compression, encoding)


def first_foreign(source: Iterator[bytes]) -> bytes:
    """The first part of a file that is not ASCII: its encoding shows only there. Empty where it is not near."""
    seen = 0
    for chunk in source:
        if not chunk.isascii():
            # From the beginning of a line on, so that no character is cut in two
            place = next(place for place, byte in enumerate(chunk) if byte > 127)
            return chunk[chunk.rfind(b"\n", 0, place) + 1 :][: limits.SAMPLE]
        seen += len(chunk)
        if seen > limits.ASCII_SEARCH:
            break
    return b""


def suffix_of(path: Path) -> str:
    """The suffix that tells the kind, behind which one of a compression may stand."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    while suffixes and suffixes[-1] in PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes else ""


def structured_kind(path: Path, text: str, whole: bool) -> Kind | None:
    """JSON, JSON lines or Python literals; None for tables and plain lines."""
    suffix = suffix_of(path)
    body = without_comments(text)
    if body.startswith("{"):
        return object_kind(suffix, body, whole)
    # its lines that are no objects are Faults then, and not rows of a table nobody meant
    if suffix in JSON_LINES:
        return "jsonl"
    inner = body[1:].lstrip()[:1]
    if suffix == ".json" or (body.startswith("[") and inner and inner in '{["' and suffix not in TABLES):
        return "json"
    return None


def without_comments(text: str) -> str:
    """A text from its first line on that is neither blank nor, before JSON, a `#` comment."""
    # a `#` may as well begin the header of a CSV file, so it is passed over before a bracket only
    body = text.lstrip()
    while body.startswith("#"):
        body = body.partition("\n")[2].lstrip()
    return body if body.startswith(("{", "[")) else text.lstrip()


def object_kind(suffix: str, body: str, whole: bool) -> Kind:
    """What a text is that begins with a brace."""
    if LITERAL.match(body):
        return "literals"
    if suffix in JSON_LINES:
        return "jsonl"
    first, line_end, rest = body.partition("\n")
    value = json_value(first)
    if isinstance(value, dict):
        return "json" if whole and not rest.strip() and holds_rows(value) else "jsonl"
    if isinstance(row_of(first.strip()), dict):
        return "literals"  # with a first key in double quotes, as Python spells one that holds an apostrophe
    # The first line is no whole object: an object over many lines, unless most of the others are whole ones
    lines = [line for line in rest.splitlines() if line.strip()][:20]
    return "jsonl" if line_end and len(OBJECT_LINE.findall("\n".join(lines))) > len(lines) / 2 else "json"


def json_value(text: str) -> object:
    """The JSON value a line holds, or None."""
    try:
        return Parser().decode(text, 0)[0]
    except (ValueError, RecursionError):
        return None


def by_columns(value: dict[str, object]) -> bool:
    """Whether an object holds a table's columns rather than its rows, as pandas writes a frame in some orientations."""
    if {"columns", "data"} <= value.keys():
        return True
    lengths = {len(member) if isinstance(member, list) else 0 for member in value.values()}
    return len(value) > 1 and len(lengths) == 1 and lengths.pop() > 1


def holds_rows(value: dict[str, object]) -> bool:
    """Whether a single object is a document with rows in it, rather than a row."""
    lists = [member for member in value.values() if isinstance(member, list)]
    if any(isinstance(member, dict) for found in lists for member in found[:1]) or by_columns(value):
        return True
    return bool(value) and all(isinstance(member, dict) for member in value.values())
