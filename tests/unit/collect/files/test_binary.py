"""Parquet and spreadsheets."""

import datetime
import decimal
import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecom_llm.collect.files import Fault, Shape, limits, read_lines, read_rows, shape_of
from ecom_llm.records import UserError
from proofs.reader_files import PACKED
from proofs.spreadsheets import formula_cell, number_cell, ods, sheet, text_cell, xlsx


def parquet(table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return out.getvalue()


def test_parquet_cells_are_plain(read):
    table = pa.table(
        {
            "text": ["真丝", None],
            "whole": [2**60, -1],
            "real": [1.5, float("nan")],
            "day": pa.array([datetime.date(2024, 2, 29), None]),
            "moment": pa.array([1_700_000_000_000_000_001, 0], pa.timestamp("ns")),
            "price": pa.array([decimal.Decimal("1.10"), None]),
            "list": [["a", None], []],
            "object": [{"b": 1}, None],
            "bytes": [b"abc", b"\xff\xfe"],
            "yes": [True, False],
        }
    )
    (_, first), (number, second) = read("a.parquet", parquet(table))
    assert first == {
        "text": "真丝", "whole": str(2**60), "real": "1.5", "day": "2024-02-29", "moment": "2023-11-14 22:13:20.000000001",
        "price": "1.10", "list": ["a", None], "object": {"b": "1"}, "bytes": "abc", "yes": True,
    }  # fmt: skip
    assert number == 2
    assert (second["real"], second["day"], second["bytes"]) == (None, None, "<2 bytes>")


def test_parquet_is_read_across_row_groups_and_packings(read, tmp_path):
    data = parquet(pa.table({"a": [str(number) for number in range(3000)]}), row_group_size=700)
    for packing in PACKED:
        assert read("a.dat", PACKED[packing](data)) == [(number + 1, {"a": str(number)}) for number in range(3000)]
    assert shape_of(tmp_path / "a.dat") == Shape("parquet", "zip", None, None, ("a",))


def test_parquet_text_that_is_not_utf8_spoils_its_own_row(read):
    column = pa.array([b"good", b"\xff", b"fine"]).view(pa.string())
    rows = read("a.parquet", parquet(pa.table({"a": column})))
    assert [row if isinstance(row, Fault) else row["a"] for _, row in rows] == [
        "good", Fault("a cell that cannot be read (UnicodeDecodeError)", ""), "fine",
    ]  # fmt: skip


def test_long_rows_come_in_small_batches(read, monkeypatch):
    monkeypatch.setattr(limits, "LINE", 1000)
    data = parquet(pa.table({"a": ["x" * 900, "y" * 1100, "z"]}))
    assert [isinstance(row, Fault) for _, row in read("a.parquet", data)] == [False, True, False]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PAR1", "is damaged or no Parquet"),
        (parquet(pa.table({"a": ["x"] * 99}))[:-30], "is damaged or no Parquet"),
        (parquet(pa.table([pa.array(["x"]), pa.array(["y"])], names=["a", "a"])), "two columns are called 'a'"),
    ],
)
def test_parquet_that_is_damaged_is_refused(read, data, words):
    with pytest.raises(UserError, match=words):
        read("a.parquet", data)


def test_parquet_columns_larger_than_memory_are_refused(read, monkeypatch):
    monkeypatch.setattr(limits, "COLUMN_CHUNK", 1000)
    with pytest.raises(UserError, match=r"column 1 of row group 1 unpacks .* smaller row groups"):
        read("a.parquet", parquet(pa.table({"a": [f"text {number}" for number in range(1000)]}), compression="zstd"))


HEAD = [text_cell("name"), text_cell("price"), text_cell("")]


def test_spreadsheets_come_as_a_person_sees_them(read, tmp_path):
    body = [text_cell("=1+1"), formula_cell("=1+1", "2"), number_cell("2.50")]
    rows = read(
        "a.xlsx", xlsx(sheet([HEAD, body, [text_cell("")] * 3, [text_cell("+1"), number_cell("1e3")]], first=4))
    )
    assert rows == [
        (5, {"name": "=1+1", "price": "2", "column_3": "2.5"}), (7, {"name": "+1", "price": "1000", "column_3": None}),
    ]  # fmt: skip
    assert shape_of(tmp_path / "a.xlsx") == Shape("excel", None, None, None, ("name", "price", "column_3"))


def test_open_document_and_packed_spreadsheets(read):
    rows = [(2, {"name": "=1+1", "text": "真丝"})]
    assert read("a.ods", ods([["name", "text"], ["=1+1", "真丝"]])) == rows
    for packing in PACKED:
        assert read("a.xlsx", PACKED[packing](ods([["name", "text"], ["=1+1", "真丝"]]))) == rows


def test_hidden_sheets_are_passed_over(read):
    note, table = sheet([[text_cell("note")]]), sheet([HEAD[:1], [text_cell("x")]])
    assert read("a.xlsx", xlsx(note, table, hidden=[1])) == [(2, {"name": "x"})]


CORNER = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (xlsx(sheet([HEAD]), sheet([]), sheet([HEAD])), "holds 2 sheets with cells ('S1', 'S3'), expected one"),
        (xlsx(sheet([HEAD], extra=CORNER)), "a cell far away from the others"),
        (xlsx(sheet([])), "hold no cells"),
        (xlsx(sheet([[text_cell("a"), text_cell(" a ")]])), "a.xlsx:1: two columns are called 'a'"),
        (xlsx("<worksheet><sheetData><row><c>"), "cannot be read as a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "cannot be read as a spreadsheet"),
    ],
    # named, since a file's bytes hold the time it was made at: two workers of one test run would collect other tests
    ids=["two tables", "far away", "empty", "equal columns", "broken", "old and broken"],
)
def test_spreadsheets_without_one_table_are_refused(read, data, words):
    with pytest.raises(UserError) as caught:
        read("a.xlsx", data)
    assert words in str(caught.value)


def test_a_spreadsheet_may_take_no_more_memory_than_its_process(read, monkeypatch):
    """A million rows to column Z are 600 MB as calamine's grid, which this machine would give."""
    data = xlsx(sheet([HEAD], extra='<row r="1000000"><c r="Z1000000"><v>1</v></c></row>'))
    monkeypatch.setattr(limits, "PROCESS_MEMORY", 400 << 20)
    with pytest.raises(UserError, match="could not be read within 400 MiB of memory"):
        read("a.xlsx", data)


def test_a_reader_that_is_left_ends_the_process_it_started(tmp_path):
    path = tmp_path / "a.xlsx"
    path.write_bytes(xlsx(sheet([HEAD[:1], *([number_cell(str(number))] for number in range(20_000))])))
    rows = read_rows(path)
    assert next(rows) == (2, {"name": "0"})
    rows.close()


def test_binary_files_have_no_lines(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(xlsx(sheet([HEAD])))
    with pytest.raises(UserError, match="kind excel, expected lines of text"):
        list(read_lines(tmp_path / "a.xlsx"))
