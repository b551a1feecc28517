"""CSV and its kin: what a writer wrote is read back, and a bad record costs no other."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ecom_llm.collect.files import Fault, limits, read_rows, shape_of
from ecom_llm.collect.files.delimited import delimiter_of, records
from ecom_llm.records import UserError

CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r\ufeff"), max_size=12)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, delimiter=st.sampled_from(",\t;|"), end=st.sampled_from(["\n", "\r\n"]))
def test_what_was_written_is_read_back(tmp_path, rows, delimiter, end):
    # of '"⇥"⇥"' twice nobody can say whether it is two rows of quotes or one row of a tab, a line's end and a tab
    assume(delimiter != "\t" or not any("\t" in cell for row in rows for cell in row))
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([("id", "title", "text"), *rows])
    path = tmp_path / "a.csv"
    path.write_bytes(out.getvalue().encode())
    assert shape_of(path).columns == ("id", "title", "text")
    assert [tuple(row.values()) for _, row in read_rows(path)] == rows


@given(st.lists(st.text('",\nab ', max_size=8).map(lambda text: text + "\n"), max_size=30))
def test_every_line_is_in_one_record_or_fault(lines):
    """Whatever the quotes do, records come in order, each begins where one may, and the reader ends."""
    numbered = enumerate("".join(lines).splitlines(keepends=True), start=1)
    found = [line for line, _ in records(iter(numbered), ",")]
    assert found == sorted(set(found))
    assert all(line <= "".join(lines).count("\n") for line in found)


def test_quotes_between_tabs_may_be_plain_signs(read):
    """Amazon's reviews as published: no cell is quoted, and inches and half a quotation stand where they stand."""
    text = 'id\ttitle\ttext\n1\t18" doll\t"Great" toy\n2\t"Half of it\tgood\n3\tin 12"\tit is 12"\n4\t"a ""b"""\t"two\nlines"\n'
    assert [(line, tuple(row.values())) for line, row in read("a.tsv", text)] == [
        (2, ("1", '18" doll', '"Great" toy')),
        (3, ("2", '"Half of it', "good")),
        (4, ("3", 'in 12"', 'it is 12"')),
        (5, ("4", 'a "b"', "two\nlines")),
    ]


def test_a_quotation_over_two_lines_between_tabs_glues_no_rows(read):
    glued = 'id\ttext\tdate\n1\t"Half of it\t2015\n2\tit is 12"\t2016\n3\tfine\t2017\n'
    assert [row["id"] for _, row in read("a.tsv", glued)] == ["1", "2", "3"]


def test_excels_hint_at_the_delimiter_is_no_header(read):
    text = 'sep=;\nid;name;about\n1;"Lamp; white";a, b, c\n'
    assert read("a.csv", text) == [(3, {"id": "1", "name": "Lamp; white", "about": "a, b, c"})]


def test_rows_carry_the_line_they_start_on(read):
    assert read("a.csv", 'id,text\n1,"two\nlines"\n\n2,x\n') == [
        (2, {"id": "1", "text": "two\nlines"}), (5, {"id": "2", "text": "x"}),
    ]  # fmt: skip


def test_rows_of_the_wrong_width_are_faults(read):
    assert read("a.csv", "id,text\n1\n1,2,3\n1,2\n") == [
        (2, Fault("1 cells, expected 2", "1")),
        (3, Fault("3 cells, expected 2", "1,2,3")),
        (4, {"id": "1", "text": "2"}),
    ]


def test_a_quote_that_is_never_closed_costs_its_own_line_only(read):
    rows = read("a.csv", 'id,text\n1,"open\n2,b\n3,"c, d"\n4,"open again\n5,e\n')
    assert [line for line, _ in rows] == [2, 3, 4, 5, 6]
    assert [row["text"] for _, row in rows if not isinstance(row, Fault)] == ["b", "c, d", "e"]
    assert rows[0][1].reason == "not valid CSV: ',' expected after '\"'"
    assert rows[3][1] == Fault("a quote that opens in this line is not closed", '4,"open again')


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LINE", 1000)
    path = tmp_path / "a.csv"
    path.write_text('id,text\n1,"open\n' + "2,b\n" * 5000)
    taken = 0
    rows = read_rows(path)
    assert next(rows) == (2, Fault("a quote that opens in this line is not closed", '1,"open'))
    taken = sum(row == {"id": "2", "text": "b"} for _, row in rows)
    assert taken == 5000


def test_short_lines_behind_an_open_quote_count_for_what_they_take(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "LINE", 100_000)
    (tmp_path / "a.csv").write_text('id,text\n1,"open\n' + "\n" * 90_000)
    tracemalloc.start()
    try:
        assert [line for line, _ in read_rows(tmp_path / "a.csv")] == [2]
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


def test_an_overlong_line_within_quotes_is_given_up_alone(read, monkeypatch):
    monkeypatch.setattr(limits, "LINE", 500)
    rows = read("a.csv", 'id,text\n1,"a\n' + "x" * 600 + '\n2,b\n3,"c\nd"\n')
    assert [(line, isinstance(row, Fault)) for line, row in rows] == [(2, True), (3, True), (4, False), (5, False)]


def test_a_bad_byte_in_a_quoted_cell_spoils_the_whole_record(read):
    rows = read("a.csv", 'id,text\n1,"真\n'.encode() + b"\xff\n" + 'end"\n2,真\n'.encode())
    assert [(line, isinstance(row, Fault)) for line, row in rows] == [(2, True), (5, False)]


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (",a,b", ("column_1", "a", "b")),
        ("a,,", ("a", "column_2", "column_3")),
        (' a ,"b\nc"', ("a", "b\nc")),
    ],
)
def test_columns_without_a_name_get_one(tmp_path, header, columns):
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n")
    assert shape_of(path).columns == columns
    assert list(read_rows(path)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b, a\n1,2,3\n", ":1: two columns are called 'a', the second is column 3"),
        ("\n\na,column_1,,column_3\n1,2,3,4\n", ":3: two columns are called 'column_3'"),
        ('a,"b\n1,2\n', ":1: the header holds a quote that opens in this line is not closed"),
        ("a\0,b\n1,2\n3,4\n5,6\n", ":1: the header holds a NUL byte"),
        (",".join(map(str, range(20_000))) + "\n", "20000 columns, expected at most 16384"),
    ],
)
def test_headers_that_name_no_columns_are_refused(read, text, words):
    with pytest.raises(UserError) as caught:
        read("a.csv", text)
    assert f"a.csv{words}" in str(caught.value) or words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "delimiter", "certain"),
    [
        ("a,b\n1,2\n", ",", True),
        ("a;b\n1,5;2,5\n1,5;2,5\n", ";", True),
        ("a\tb c, d\n1\t2, 3, 4\n", "\t", True),
        ('a|b\n"1|,,2"|3\n', "|", True),
        ("a,b;c\n1,2;3\n1,2;3\n", ",", True),
        ("name\nshirt\n", ",", False),
        ("one, two\nthree\nfour, five, six\n", ",", False),
        ("你好,在吗,\n在的\n", ",", False),
    ],
)
def test_delimiters(text, delimiter, certain):
    assert delimiter_of(text) == (delimiter, certain)


def test_long_cells_are_read_though_the_csv_module_forbids_them(read):
    assert read("a.csv", "id,text\n1," + "x" * 300_000 + "\n")[0][1]["text"] == "x" * 300_000
