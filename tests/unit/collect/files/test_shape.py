"""What files are recognised as; the published data sets among them."""

from pathlib import Path

import pytest

from ecom_llm.collect.files import Fault, Shape, read_lines, read_rows, shape_of
from ecom_llm.records import UserError

REPO = Path(__file__).parents[4]
SHARED = REPO.parent / "shared" / "data"


@pytest.mark.parametrize(
    ("name", "text", "kind", "columns"),
    [
        ("a.json", '{"a": 1}\n{"b": 2}\n', "jsonl", ("a", "b")),
        ("a.json", '[{"a": 1}, {"b": 2}]', "json", ("a", "b")),
        ("a.json", '# about\n\n[\n{"a": 1}]', "json", ("a",)),
        ("a.json", '{"rows": [{"a": 1}]}', "json", ("a",)),
        ("a.json", '{"a": "one row", "tags": ["x"]}', "jsonl", ("a", "tags")),
        ("a.jsonl", '{"rows": [{"a": 1}]}', "jsonl", ("rows",)),
        ("a.json", '{"broken": \n{"a": 1}\n{"a": 2}\n', "jsonl", ("a",)),
        ("a.csv", '{"a": 1}\n{"a": 2}\n', "jsonl", ("a",)),
        ("a", "{'a': 1}\n", "literals", ("a",)),
        ("a.json", "{u'a': 1}\n", "literals", ("a",)),
        ("a.txt", "id\ttext\n1\tx\n", "csv", ("id", "text")),
        ("a.csv", "[1] odd,name\n1,x\n", "csv", ("[1] odd", "name")),
        ("a.csv", "# id,name\n1,x\n", "csv", ("# id", "name")),
        ("a.txt", "one\ntwo, three\n", "lines", ("text",)),
        ("a.enc", "[数字x]元,好\n好\n", "lines", ("text",)),
        ("a.csv", "name\nshirt\n", "csv", ("name",)),
    ],
)
def test_kinds(tmp_path, name, text, kind, columns):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    shape = shape_of(path)
    assert (shape.kind, shape.columns) == (kind, columns)


@pytest.mark.parametrize("text", ['<?xml version="1.0"?>\n<rss></rss>', "<html><table>", "\n<!DOCTYPE html>"])
def test_feeds_and_pages_are_refused_by_name(tmp_path, text):
    (tmp_path / "feed.xls").write_text(text)
    with pytest.raises(UserError, match=r"feed\.xls: is XML or HTML, which is not read\. Save it as CSV"):
        shape_of(tmp_path / "feed.xls")


def test_plain_lines_are_rows_and_blank_ones_too(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("one\n\nthree, 3\n")
    assert list(read_rows(path)) == [(1, {"text": "one"}), (2, {"text": ""}), (3, {"text": "three, 3"})]
    assert list(read_lines(path)) == [(1, "one"), (2, ""), (3, "three, 3")]


PUBLISHED = [
    ("advertisegen/train.gb18030.json", Shape("jsonl", None, "gb18030", None, ("content", "summary")), 5000),
    ("groceries/Groceries_dataset.csv", Shape("csv", None, "utf-8", ",", ("Member_number", "Date", "itemDescription")), 38765),
    ("jddc-sample/train.enc", Shape("lines", None, "utf-8", None, ("text",)), 10270),
    ("amazon-industrial/items.json", Shape("json", None, "utf-8", None, ("key", "title", "description", "brand", "categories")), 3686),
    ("rnnlg-laptop/train.json", Shape("json", None, "utf-8", None, ("column_1", "column_2", "column_3")), 7944),
    ("amazon-qa-appliances/qa_Appliances.json.gz", "literals", 9011),
    ("womens-clothing-reviews/reviews.csv", "csv", 23486),
    ("flipkart-sample/flipkart_com-ecommerce_sample.csv", "csv", 4994),
]  # fmt: skip


@pytest.mark.skipif(not SHARED.is_dir(), reason="the published data sets do not stand beside the repository")
@pytest.mark.parametrize(("name", "shape", "count"), PUBLISHED)
def test_published_files_are_read_row_by_row(name, shape, count):
    found = shape_of(SHARED / name)
    assert shape in (found, found.kind)
    rows = [row for _, row in read_rows(SHARED / name)]
    assert len(rows) == count
    assert not any(isinstance(row, Fault) for row in rows)
    assert set(found.columns) == {column for row in rows for column in row}
