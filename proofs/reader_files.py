"""Valid files of every kind and packing, with known rows, for the attacks on the readers to spoil."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from random import Random

import zstandard

from proofs.spreadsheets import number_cell, ods, sheet, text_cell, xlsx

WORDS = (
    "shirt",
    "silky",
    "dress, red",
    'the "best"',
    "=1+1",
    "真丝连衣裙",
    "显瘦又百搭",
    "été",
    "größe",
    "two\nlines",
    "5'",
)
Rows = list[dict[str, str]]


def rows(random: Random, count: int) -> Rows:
    """Rows of a small shop."""
    return [
        {
            "id": str(number),
            "title": random.choice(WORDS),
            "text": " ".join(random.choices(WORDS, k=random.randint(1, 9))),
        }
        for number in range(1, count + 1)
    ]


def as_csv(table: Rows, delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, ["id", "title", "text"], delimiter=delimiter)
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue().encode()


def as_tsv(table: Rows) -> bytes:
    return as_csv(table, "\t")


def as_jsonl(table: Rows) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table).encode()


def as_json(table: Rows) -> bytes:
    return json.dumps(table, indent=1, ensure_ascii=False).encode()


def as_json_object(table: Rows) -> bytes:
    return json.dumps({"version": 1, "rows": table, "note": "end"}).encode()


def as_literals(table: Rows) -> bytes:
    return "".join(f"{row!r}\n" for row in table).encode()


def as_parquet(table: Rows) -> bytes:
    import pyarrow
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), out, row_group_size=64, compression="zstd")
    return out.getvalue()


def as_xlsx(table: Rows) -> bytes:
    names = [text_cell(name) for name in table[0]]
    return xlsx(
        sheet([names, *([number_cell(row["id"]), text_cell(row["title"]), text_cell(row["text"])] for row in table)])
    )


def as_ods(table: Rows) -> bytes:
    return ods([list(table[0]), *(list(row.values()) for row in table)])


def zipped(data: bytes, name: str = "table.dat") -> bytes:
    """A zip archive of one member."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


TEXT: dict[str, Callable[[Rows], bytes]] = {
    "csv": as_csv,
    "tsv": as_tsv,
    "jsonl": as_jsonl,
    "json": as_json,
    "object.json": as_json_object,
    "py.json": as_literals,
}
BINARY: dict[str, Callable[[Rows], bytes]] = {"parquet": as_parquet, "xlsx": as_xlsx, "ods": as_ods}
"""Suffix -> writer."""

PACKED: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lambda data: lzma.compress(data, preset=0),
    ".zst": lambda data: zstandard.compress(data),
    ".zip": zipped,
}
"""Suffix -> packer."""
