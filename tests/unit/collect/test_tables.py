"""tables: what becomes of good rows, bad rows and malformed files."""

import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.collect.reading import read_csv, read_json_lines, read_sheet
from ecom_llm.collect.tables import collect_tables
from ecom_llm.records import LIST_SEPARATOR, UserError


def write(folder, **files):
    for name, content in files.items():
        stem, suffix = name.rsplit("_", 1)
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{stem}.{suffix}").write_bytes(data)
    return folder


def refusal(folder):
    with pytest.raises(UserError) as caught:
        collect_tables(folder, "en")
    return str(caught.value)


def test_products_take_further_columns_as_attributes_in_order(tmp_path):
    write(
        tmp_path, products_csv="id,colour,title,locale,description,size\nP1,red,Dress,,A dress.,\nP2,blue,Hat,zh,,7\n"
    )
    first, second = collect_tables(tmp_path, "en").tables.products
    assert (first.id, first.title, first.locale, first.description, first.split) == (
        "P1",
        "Dress",
        "en",
        "A dress.",
        None,
    )
    assert list(first.attributes.items()) == [("colour", "red")]
    assert (second.locale, second.description) == ("zh", None)
    assert list(second.attributes.items()) == [("colour", "blue"), ("size", "7")]
    assert (second.source, second.row) == ("products.csv", 3)


def test_a_byte_order_mark_and_quoted_newlines_are_read_and_rows_are_lines(tmp_path):
    text = 'product,stars,text,strengths\r\nP1,5,"warm,\r\nand ""soft""",fit; warmth ;\r\n\r\nP2,4,good,\r\n'
    write(tmp_path, reviews_csv=b"\xef\xbb\xbf" + text.encode())
    first, second = collect_tables(tmp_path, "en").tables.reviews
    assert (first.text, first.stars, first.strengths, first.flaws) == ('warm,\r\nand "soft"', 5, ("fit", "warmth"), ())
    assert (first.row, second.row) == (2, 5)


def test_json_lines_keep_spelling_join_lists_and_may_nest_attributes(tmp_path):
    row = '{"id": 7, "title": "Pan", "attributes": {"weight": 1.10, "uses": ["oven", "gas"]}, "coated": true, "lid": null}'
    review = {
        "product": "7",
        "stars": 3,
        "text": "ok",
        "strengths": ["heat; even"],
        "flaws": "weight; price",
        "locale": "en-GB",
    }
    write(tmp_path, products_jsonl=row + "\n\n", reviews_jsonl=json.dumps(review))
    tables = collect_tables(tmp_path, "en").tables
    assert tables.products[0].id == "7"
    assert list(tables.products[0].attributes.items()) == [
        ("weight", "1.10"), ("uses", f"oven{LIST_SEPARATOR}gas"), ("coated", "true"),
    ]  # fmt: skip
    assert (tables.reviews[0].strengths, tables.reviews[0].flaws) == (("heat; even",), ("weight", "price"))
    assert tables.reviews[0].locale == "en-GB"


def test_every_table_is_read(tmp_path):
    write(
        tmp_path,
        questions_csv="product,question,answer\nP1,Is it warm?,Yes.\n",
        adverts_csv="product,goal,audience,text\nP1,clearance,parents,Buy!\n",
        interactions_csv="shopper,product,position\nS1,P1,4\n",
    )
    tables = collect_tables(tmp_path, "zh").tables
    assert (tables.questions[0].answer, tables.adverts[0].audience, tables.interactions[0].position) == (
        "Yes.",
        "parents",
        4,
    )
    assert {tables.questions[0].locale, tables.adverts[0].locale, tables.interactions[0].locale} == {"zh"}


def test_interactions_without_positions_are_numbered_per_shopper_and_locale(tmp_path):
    write(tmp_path, interactions_csv="shopper,product,locale\nA,P1,\nB,P1,en\nA,P2,en\nA,P1,zh\nA,P3,\n")
    bought = collect_tables(tmp_path, "en").tables.interactions
    assert [(row.shopper, row.locale, row.position) for row in bought] == [
        ("A", "en", 0), ("B", "en", 0), ("A", "en", 1), ("A", "zh", 0), ("A", "en", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("P1,9,good,en", "stars: Input should be less than or equal to 5"),
        ("P1,four,good,en", "stars: Input should be a valid integer, unable to parse string as an integer"),
        ("P1,4,  ,en", "text: empty"),
        (",4,good,en", "product: empty"),
        ("P1,4,good,english please", "locale: not a language tag such as en or zh-TW"),
    ],
)
def test_a_row_that_cannot_be_a_record_is_rejected_with_a_reason(tmp_path, cells, reason):
    write(tmp_path, reviews_csv=f"product,stars,text,locale\n{cells}\nP2,5,fine,en\n")
    collected = collect_tables(tmp_path, "en")
    assert [row.product for row in collected.tables.reviews] == ["P2"]
    (rejected,) = collected.rejected
    assert (rejected.reason, rejected.source, rejected.row, rejected.table) == (reason, "reviews.csv", 2, "reviews")
    assert list(json.loads(rejected.content).values()) == cells.split(",")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"id": "P1"}, None),
        ({"id": "", "title": "x"}, "id: empty"),
        ({"id": "P1", "title": ["a", "b"]}, "title: expected text, found a list"),
        ({"id": "P1", "title": "x", "size": {"w": 1}}, "size: expected text, a number or a list of them"),
        ({"id": "P1", "title": "x", "size": [[1]]}, "size: expected text, a number or a list of them"),
        ({"id": "P1", "title": "x", "size": 1, "attributes": {"size": 2}}, "attributes: size is given twice"),
        ({"id": "P1", "title": "x", "size": 1, " size": 2}, "attributes: two names are the same"),
        ({"id": "P1", "title": "x", "description": "\ud83d"}, "description: holds half of a surrogate pair"),
        ({"id": "P1", "title": "x", "split": "dev"}, "split: Input should be 'train', 'validation' or 'test'"),
    ],
)
def test_json_rows_that_cannot_be_products_are_rejected(tmp_path, row, reason):
    write(tmp_path, products_jsonl=json.dumps(row) + '\n{"id": "P2", "title": "y"}\n')
    collected = collect_tables(tmp_path, "en")
    assert [rejected.reason for rejected in collected.rejected] == ([reason] if reason else [])
    assert all(json.loads(rejected.model_dump_json())["row"] == 1 for rejected in collected.rejected)
    assert len(collected.tables.products) + len(collected.rejected) == 2


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("products_csv", "", [":1: the file is empty, expected a header line"]),
        ("products_csv", "id,colour\nP1,red\n", [":1: the column 'title' is missing", "found id, colour", "id, title"]),
        ("products_csv", "id;title\nP1;x\n", [":1: the column 'id' is missing", "found id;title", "separated by commas"]),
        ("products_csv", "id,title,id\nP1,x,P1\n", [":1: two columns are called 'id'", "Rename or remove"]),
        ("products_csv", ",id,title\n0,P1,x\n", [":1: column 1 has no name"]),
        ("products_csv", "id,title\nP1,x\nP2,x,y\n", [":3: found 3 cells, expected 2 (id, title)"]),
        ("products_csv", 'id,title\nP1,"a\nb"\nP2\n', [":4: found 1 cells, expected 2"]),
        ("products_csv", 'id,title\nP1,"x\nP2,y\n', [":2: the row that starts here is not valid CSV", "double quotes"]),
        ("products_csv", 'id,title\nP1,x\nP2,"x"y\n', [":3: the row that starts here is not valid CSV"]),
        ("products_csv", "id,title\nP1,x\nP2,裙子\n".encode("gb18030"), [":3: found the byte 0x", "expected UTF-8", "iconv"]),
        ("reviews_csv", "product,stars,text,date\nP1,5,x,2020\n", [":1: reviews has no column 'date'", "strengths, flaws"]),
        ("reviews_jsonl", '{"product": "P1", "text": "x"}\n', [":1: the column 'stars' is missing"]),
        ("reviews_jsonl", '{"product":"P","stars":1,"text":"x"}\n{"star":1}\n', [":2: reviews has no column 'star'"]),
        ("products_jsonl", '{"id": "P1", "title": "x"}\n{"id": \n', [":2:", "is not JSON", "one JSON object a line"]),
        ("products_jsonl", '["P1"]\n', [":1: found a JSON list, expected one JSON object a line"]),
        ("products_jsonl", '{"id": "P1", "id": "P2", "title": "x"}\n', [":1: is not a row: the key 'id' stands twice"]),
        ("products_jsonl", '{"id": "P1", "title": NaN}\n', [":1: is not a row: NaN is not JSON"]),
        ("products_jsonl", "[" * 100_000 + "\n", [":1: is not a row"]),
    ],
)  # fmt: skip
def test_a_malformed_file_is_one_clear_error(tmp_path, name, content, words):
    message = refusal(write(tmp_path, **{name: content}))
    assert message.startswith(str(tmp_path / name.replace("_", ".")))
    for part in words:
        assert part in message
    assert "\n" not in message


def test_a_missing_folder_a_file_and_a_folder_without_tables_are_refused(tmp_path):
    assert "collect.location" in refusal(tmp_path / "nowhere") and "No such file" in refusal(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    assert "cannot be read as a folder (Not a directory)" in refusal(tmp_path / "notes.txt")
    message = refusal(tmp_path)
    assert "found notes.txt" in message and "products.csv" in message and "interactions.csv" in message
    assert "found nothing" in refusal(write_folder(tmp_path / "empty"))


def write_folder(path):
    path.mkdir()
    return path


def test_two_files_for_one_table_are_refused(tmp_path):
    write(tmp_path, products_csv="id,title\n", products_jsonl="")
    assert "holds both products.csv and products.jsonl" in refusal(tmp_path)


CELLS = st.text(max_size=12)


@given(st.lists(st.lists(CELLS, min_size=2, max_size=2), max_size=6))
def test_whatever_csv_can_spell_is_read_back_with_the_line_it_starts_on(tmp_path_factory, rows):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL)
    writer.writerow(["id", "title"])
    starts = []
    for row in rows:
        starts.append(len(io.StringIO(buffer.getvalue(), newline="").readlines()) + 1)
        writer.writerow(row)
    sheet = read_csv(tmp_path_factory.getbasetemp() / "products.csv", buffer.getvalue())
    assert [list(row.values()) for _, row in sheet.rows] == rows
    assert [line for line, _ in sheet.rows] == starts


@given(st.lists(st.dictionaries(CELLS, CELLS, max_size=4), max_size=5), st.booleans())
def test_whatever_json_can_spell_is_read_back(tmp_path_factory, rows, ascii_only):
    text = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    sheet = read_json_lines(tmp_path_factory.getbasetemp() / "products.jsonl", text)
    assert sheet.rows == list(enumerate(rows, start=1))


@settings(deadline=None)
@given(st.binary(max_size=60), st.sampled_from(["csv", "jsonl"]))
def test_no_bytes_lead_to_anything_but_rows_or_a_user_error(tmp_path_factory, data, suffix):
    path = tmp_path_factory.getbasetemp() / f"products.{suffix}"
    path.write_bytes(data)
    try:
        read_sheet(path)
    except UserError as error:
        assert str(error).startswith(str(path))
