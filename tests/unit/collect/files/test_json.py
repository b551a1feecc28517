"""JSON, JSON lines and Python literals: what was written is read back as spelt; what is wrong is a Fault or refused."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_llm.collect.files import Fault, limits, read_rows, shape_of
from ecom_llm.records import UserError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NUMBERS = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,6})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
)
TABLES = st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=6)
IN_ONE_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def wrapped(table, form):
    """A table as each of the documents that hold one."""
    if form == "lines":
        return "\n".join(json.dumps(row, ensure_ascii=False) for row in table)
    if form == "list":
        return "# a comment\n" + json.dumps(table, indent=1)
    return json.dumps({"a": 12345, "meta": {"b": [1]}, "rows": table, "z": None}, indent=form == "wide" or None)


@IN_ONE_FOLDER
@given(table=TABLES, form=st.sampled_from(["lines", "list", "object", "wide"]), chunk=st.sampled_from([1, 2, 7, 4096]))
def test_what_was_written_is_read_back(tmp_path, table, form, chunk):
    path = tmp_path / ("a.jsonl" if form == "lines" else "a.json")
    path.write_text(wrapped(table, form), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "CHUNK", chunk)
        assert [row for _, row in read_rows(path)] == table


@IN_ONE_FOLDER
@given(number=NUMBERS)
def test_numbers_stay_as_they_are_spelt(tmp_path, number):
    (tmp_path / "a.json").write_text(f'[{{"price": {number}}}]')
    (tmp_path / "a.jsonl").write_text(f'{{"price": {number}}}')
    for path in tmp_path.iterdir():
        assert [row for _, row in read_rows(path)] == [{"price": number}]


def test_rows_carry_the_line_they_start_on(read, monkeypatch):
    monkeypatch.setattr(limits, "CHUNK", 5)
    text = '\n\n{"n": 1,\n "rows":\n [{"a":\n "b"}, {"c": "d"}\n,\n{"e": "f"}]}\n'
    assert [line for line, _ in read("a.json", text)] == [5, 6, 8]


def test_lists_of_lists_and_objects_of_objects_are_tables(read):
    assert read("a.json", '[["a", "b"], ["c"]]') == [(1, {"column_1": "a", "column_2": "b"}), (1, {"column_1": "c"})]
    assert read("b.json", '{"x": {"t": "1"},\n "y": {"t": "2"}}') == [
        (1, {"key": "x", "t": "1"}), (2, {"key": "y", "t": "2"}),
    ]  # fmt: skip
    assert read("c.json", '{"x": {"key": "1"}}')[0][1].reason.startswith("the column 'key' twice")


BAD = {
    "1": "a JSON str",  # numbers stay text
    "[1]": "a JSON list",
    "null": "a JSON NoneType",
    '{"a": 1, "a": 2}': "a key that stands twice",
    '{"a": [{"b": 1, "b": 2}]}': "a key that stands twice",
    '{"a": NaN}': "NaN, which is not JSON",
    '{"a": -Infinity}': "-Infinity, which is not JSON",
    '{"a": "\\ud800"}': "half of a surrogate pair",
    '{"\\uDC00": "a"}': "half of a surrogate pair",
    '{"a": ' + "[" * 101 + "]" * 101 + "}": "JSON nested more than 100 levels deep",
    '{"a": ' + "[" * 100_000 + "]" * 100_000 + "}": "JSON nested more than 100 levels deep",
}
BROKEN = {
    '{"a": 1} x': "more text behind the JSON value",
    '{"a": 1': "not JSON: Expecting ',' delimiter",
    "{'a': 1}": "not JSON: Expecting property name",
    "x": "not JSON: Expecting value",
    "\ufeff\ufeff{}": "not JSON: Expecting value",
}


@pytest.mark.parametrize(("line", "reason"), [*BAD.items(), *BROKEN.items()], ids=lambda value: value[:20])
def test_bad_lines_are_faults(read, line, reason):
    first, bad, last = read("a.jsonl", f'{{"a": "1"}}\n{line}\n{{"a": "3"}}\n')
    assert (first, last) == ((1, {"a": "1"}), (3, {"a": "3"}))
    assert bad[0] == 2
    assert bad[1].reason.startswith(reason)


def test_members_that_are_no_rows_are_faults(read):
    members = [line for line in BAD if line != "[1]" and len(line) < 10_000]
    rows = read("a.json", '[{"a": "1"},\n' + ",\n".join(members) + ',\n{"a": "3"}]')
    assert (rows[0], rows[-1]) == ((1, {"a": "1"}), (len(members) + 2, {"a": "3"}))
    for (line, bad), (number, member) in zip(rows[1:-1], enumerate(members, start=2), strict=True):
        assert (line, bad.reason.startswith(BAD[member])) == (number, True)


def test_bytes_that_do_not_fit_spoil_their_member_only(read):
    data = '[{"a": "真"},\n{"a": "?"},\n{"a": "丝"}]'.encode().replace(b"?", b"\xff\xfe")
    rows = read("a.json", data)
    assert [row for _, row in rows[::2]] == [{"a": "真"}, {"a": "丝"}]
    assert rows[1] == (
        2,
        Fault("half of a surrogate pair, or bytes that do not fit the encoding", '{"a": "\\udcff\\udcfe"}'),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": "b",\n "c": 1}', ":2: found an object without lists or objects"),
        ('{"a": [{}],\n "b": [{}]}', ":2: found a second thing to read under 'b'"),
        ('[{"a": "b"}\n{"c": "d"}]', ":2: found '{' behind a member of a list, expected ',' or ']'"),
        ('[{"a": "b"},\n{"c": "d"', ":2: no JSON (Expecting ',' delimiter, line 2)"),
        ('[{"a": "b"}', ":1: the text ends behind a member of a list"),
        ('[{"a": "b"}]\n[', ":2: found '[' behind the end of the document"),
        ("[" * 100_000, ":1: JSON nested more than 100 levels deep"),
        ("text", ":1: found 't' at the beginning"),
        ('{"a": {},\n "a": {}}', ":2: the name 'a' stands twice"),
        ("{\n1: {}}", """:2: found '1' where a name should stand, expected '"'"""),
    ],
)
def test_documents_that_are_no_json_are_refused(read, text, words):
    with pytest.raises(UserError) as caught:
        read("a.json", text)
    assert f"a.json{words}" in str(caught.value)


COLUMNS = {
    "columns": {"id": {"0": "P1", "1": "P2"}, "name": {"0": "Lamp", "1": "Tote"}},
    "lists": {"id": ["P1", "P2"], "name": ["Lamp", "Tote"]},
    "split": {"columns": ["id", "name"], "index": [0, 1], "data": [["P1", "Lamp"], ["P2", "Tote"]]},
}


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("orient", COLUMNS)
def test_a_table_by_its_columns_is_refused_with_the_remedy(read, orient, indent):
    with pytest.raises(UserError, match=r"a.json: holds no list of objects.*orient='records', lines=True"):
        read("a.json", json.dumps(COLUMNS[orient], indent=indent))


def test_lists_of_plain_values_beside_the_rows_are_no_rows(read):
    rows = read("a.json", json.dumps({"errors": [], "tags": ["a", "b"], "products": [{"id": 1}], "more": ["x"]}))
    assert [row for _, row in rows] == [{"id": "1"}]


def test_a_row_with_lists_in_it_stays_a_row(read):
    row = {"id": "1", "tags": ["a", "b"], "sizes": ["s"]}
    assert read("a.jsonl", json.dumps(row)) == read("a.json", json.dumps(row)) == [(1, row)]


def test_a_member_may_not_be_longer_than_a_line(read, monkeypatch):
    monkeypatch.setattr(limits, "CHUNK", 50)
    monkeypatch.setattr(limits, "LINE", 200)
    assert read("a.json", json.dumps([{"a": "x" * 150}] * 9)) == [(1, {"a": "x" * 150})] * 9
    with pytest.raises(UserError, match="a value of more than 200 characters"):
        read("a.json", json.dumps([{"a": "x" * 1000}] * 9))


@IN_ONE_FOLDER
@given(table=TABLES)
def test_literals_are_read_back(tmp_path, table):
    table = [{**row, "it's": ""} for row in table]
    path = tmp_path / "a.json"
    path.write_text("".join(f"{row!r}\n" for row in table), encoding="utf-8")
    assert shape_of(path).kind == "literals"
    assert [row for _, row in read_rows(path)] == table


def test_literals_become_plain_cells(read):
    assert read("a.txt", "{'a': 1, u'b': (2.50, None, True), 'c': {'d': {3}}, 4: b'x', 'e': '\\d'}\n") == [
        (1, {"a": "1", "b": ["2.5", None, True], "c": {"d": ["3"]}, "4": "x", "e": "\\d"})
    ]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{'a': __import__('os').system('true')}", "not a Python literal"),
        ("{'a': open}", "not a Python literal"),
        ("{'a': 1j}", "not a Python literal"),
        ("{'a': 1, 'a': 2}", "a key that stands twice"),
        ("{'a': {'b': 1, 'b': 2}}", "a key that stands twice"),
        ("{'a': {1: 1, '1': 2}}", "not a Python literal"),
        ("{'a': [1}", "not a Python literal: closing parenthesis"),
        ("{**{}}", "not a Python literal"),
        ("['a']", "a Python list, expected a dict"),
        ("{'a': '\\ud800'}", "half of a surrogate pair"),
        ("{'a': '\\U0000d800'}", "half of a surrogate pair"),
        ("{'a': " + "[" * 150 + "]" * 150 + "}", "a literal nested more than 100 levels deep"),
        ("{'a': " + "-" * 200_000 + "1}", "a literal nested more than 100 levels deep"),
        ("{'a': '" + "x" * (1 << 20) + "'}", "a literal of more than 1048576 characters"),
    ],
    ids=lambda value: value[:30],
)
def test_bad_literals_are_faults(read, line, reason):
    first, bad, last = read("a.txt", f"{{'a': 'b'}}\n{line}\n{{'a': 'b'}}\n")
    assert first[1] == last[1] == {"a": "b"}
    assert bad[1].reason.startswith(reason)
