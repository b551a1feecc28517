"""Attacks on the readers by what files come in: packings, archives, spreadsheets, Parquet, and what is no file at all."""

import io
import os
import zipfile
from pathlib import Path
from random import Random

from proofs.reader_case import MIB, Case, put
from proofs.reader_files import PACKED, TEXT, rows, zipped
from proofs.spreadsheets import formula_cell, number_cell, sheet, text_cell, xlsx


def truncated(random: Random, folder: Path) -> Case:
    """A packed file that ends too early."""
    kind, packing = random.choice(list(TEXT)), random.choice(list(PACKED)[1:])
    path = put(folder, f"a.{kind}", TEXT[kind](rows(random, random.choice([3, 400]))), packing)
    data = path.read_bytes()
    path.write_bytes(data[: random.randrange(8, len(data) - 1)])
    return Case(path, "refuse")


def bombs(random: Random, folder: Path) -> Case:
    """A little that unpacks to very much."""
    kind = random.choice([*list(PACKED)[1:], "xlsx", "corner.xlsx", "flat.parquet", "page.parquet"])
    size = 100 * MIB
    if kind == "xlsx":
        return Case(put(folder, "a.xlsx", xlsx(sheet([[text_cell("a")], [text_cell("x" * size)]]))))
    if kind == "corner.xlsx":
        corner = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
        return Case(put(folder, "a.xlsx", xlsx(sheet([[text_cell("a")]], extra=corner))), "refuse")
    if kind == "flat.parquet":
        return Case(flat_parquet(folder), "read", 1_000_000, 0)
    if kind == "page.parquet":
        return Case(one_page(folder, "x" * 4 * size), "refuse")
    fill = random.choice([b"\0", b"x", b"a,b\n", b'{"a": "b"}\n'])
    part = fill * (MIB // len(fill))
    if kind == ".zip":
        return Case(put(folder, "a.csv", part * 100, kind), "refuse")
    # packed streams may follow one another, and packing them one by one would take the most of the proof's time
    path = folder / f"a.csv{kind}"
    path.write_bytes(PACKED[kind](part) * 100)
    return Case(path, "refuse")


def flat_parquet(folder: Path) -> Path:
    """A million equal rows of a thousand characters each in some hundred bytes."""
    import pyarrow
    import pyarrow.parquet

    column = pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * 1_000_000, pyarrow.int8()), ["x" * 1000])
    pyarrow.parquet.write_table(pyarrow.table({"a": column}), folder / "a.parquet")
    return folder / "a.parquet"


def one_page(folder: Path, text: str) -> Path:
    """One row whose only cell stands in one page, which must be unpacked as a whole."""
    import pyarrow
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table({"a": [text]}), folder / "a.parquet", compression="zstd")
    return folder / "a.parquet"


def empty(random: Random, folder: Path) -> Case:
    """Nothing, white space, a header alone; plain and packed."""
    packing = random.choice(list(PACKED))
    name = random.choice(["a.csv", "a.jsonl", "a.json", "a.txt", "a", "a.parquet", "a.xlsx"])
    if random.random() < 0.3:
        return Case(
            put(folder, "a.csv", random.choice([b"id,text\n", b"id,text", b"\xef\xbb\xbfid,text\r\n"]), packing),
            "read",
            0,
        )
    return Case(
        put(folder, name, random.choice([b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xff\xfe"]), packing), "refuse"
    )


def formulas(random: Random, folder: Path) -> Case:
    """Cells that a spreadsheet program would compute, or run: here they are text, or the number stored with them."""
    evil = ["=1+1", '=cmd|"/c calc"!A1', '=HYPERLINK("http://x","y")', "@SUM(1)", "+1", "-1+1", "=" * 9000]
    body = [
        [text_cell(random.choice(evil)), formula_cell(random.choice(evil), "2"), number_cell("1e308")] for _ in range(9)
    ]
    extra = random.choice(
        ["", f'<row r="{random.randint(20, 9999)}"><c r="C30"><v>x</v></c></row>', "<row><c><f>", '<row r="0"/>']
    )
    path = put(folder, "a.xlsx", xlsx(sheet([[text_cell("a"), text_cell("b"), text_cell("c")], *body], extra=extra)))
    return Case(path) if extra else Case(path, "read", 9, 0)


def archives(random: Random, folder: Path) -> Case:
    """Archives whose names lead elsewhere, that hold links, several files, folders, or nothing."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        names = [
            "../../evil.csv",
            "/etc/passwd",
            "..\\evil.csv",
            "C:\\evil.csv",
            "a/../../b.csv",
            "link.csv",
            "//x/y.csv",
        ]
        member = zipfile.ZipInfo(random.choice(names))
        if member.filename == "link.csv":
            member.external_attr = 0o120777 << 16
        archive.writestr(member, "id,text\n1,a\n")
        for number in range(random.choice([0, 0, 1, 3000])):
            archive.writestr(f"{number}.csv", "x")
    return Case(put(folder, "a.zip", out.getvalue()), "refuse")


def no_files(random: Random, folder: Path) -> Case:
    """What is no file at all, or is packed twice."""
    path = folder / "a.csv"
    what = random.choice(["folder", "missing", "pipe", "device", "nul", "twice"])
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    elif what == "twice":
        path.write_bytes(PACKED[".gz"](zipped(PACKED[".bz2"](b"id,text\n1,a\n"))))
    return Case({"device": Path("/dev/zero"), "nul": folder / "a\0.csv"}.get(what, path), "refuse")
