"""tables: what becomes of good rows and bad ones, in any format."""

import csv
import gzip
import json
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.collect.forms.tables import REQUIRED, read, table_of
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import LIST_SEPARATOR, TABLES, Tables
from ecom_llm.shards import write_records

TABLE_OF = {kind: table for table, kind in TABLES.items()}


def write(folder, **files):
    for name, content in files.items():
        stem, suffix = name.split("_", 1)
        data = content.encode() if isinstance(content, str) else content
        (folder / f"{stem}.{suffix.replace('_', '.')}").write_bytes(data)
    return folder


def collected(place, locale="en", columns=None):
    """The records as tables, and the rejected rows."""
    source = Source(form="tables", path="shop", locale=locale, weight=1.0, columns=columns or {})
    found, rejected = {table: [] for table in TABLES}, []
    for one in read(place, source):
        (rejected if isinstance(one, Rejected) else found[TABLE_OF[type(one)]]).append(one)
    return Tables(**found), rejected


def reasons(rejected):
    return [(row.row, row.reason) for row in rejected]


def test_products_take_further_columns_as_attributes_in_order(tmp_path):
    write(
        tmp_path,
        products_csv="id,colour,title,locale,description,size,weight\nP1,red,Dress,,A dress.,,1 kg\nP2,blue,Hat,zh,,7,\n",
    )
    first, second = collected(tmp_path)[0].products
    assert (first.id, first.title, first.locale, first.split) == ("P1", "Dress", "en", None)
    assert first.description == "A dress."
    # a product's weight is no weight of its source
    assert (list(first.attributes.items()), first.weight) == ([("colour", "red"), ("weight", "1 kg")], 1.0)
    assert (second.locale, second.description) == ("zh", None)
    assert list(second.attributes.items()) == [("colour", "blue"), ("size", "7")]
    assert (second.source, second.row) == ("products.csv", 3)


def test_lists_are_separated_by_semicolons_and_rows_are_lines(tmp_path):
    text = 'product,stars,text,strengths\r\nP1,5,"warm,\r\nand ""soft""",fit; warmth ;\r\n\r\nP2,4,good,\r\n'
    write(tmp_path, reviews_csv=text)
    first, second = collected(tmp_path)[0].reviews
    assert (first.text, first.stars, first.strengths, first.flaws) == ('warm,\r\nand "soft"', 5, ("fit", "warmth"), ())
    assert (first.row, second.row, second.strengths) == (2, 5, ())


def test_json_lines_keep_spelling_join_lists_and_may_nest_attributes(tmp_path):
    row = '{"id": 7, "title": "Pan", "attributes": {"weight": 1.10, "uses": ["oven", "gas"]}, "coated": true, "lid": null}'
    review = {"product": "7", "stars": 3, "text": "ok", "strengths": ["heat; even"], "flaws": "weight; price"}
    write(tmp_path, products_jsonl=row + "\n\n", reviews_jsonl=json.dumps(review | {"locale": "en-GB"}))
    tables, rejected = collected(tmp_path)
    assert rejected == []
    assert tables.products[0].id == "7"
    assert list(tables.products[0].attributes.items()) == [
        ("weight", "1.10"), ("uses", f"oven{LIST_SEPARATOR}gas"), ("coated", "true"),
    ]  # fmt: skip
    assert (tables.reviews[0].strengths, tables.reviews[0].flaws) == (("heat; even",), ("weight", "price"))
    assert tables.reviews[0].locale == "en-GB"


def test_every_table_is_read_in_its_order_and_a_published_split_is_kept(tmp_path):
    write(
        tmp_path,
        interactions_csv="shopper,product,position\nS1,P1,4\n",
        adverts_csv="product,goal,audience,text\nP1,clearance,parents,Buy!\n",
        questions_csv="product,question,answer,split\nP1,Is it warm?,Yes.,test\n",
    )
    source = Source(form="tables", path=".", locale="zh", weight=1.0, columns={})
    question, advert, interaction = read(tmp_path, source)
    assert (question.answer, question.split, advert.audience, interaction.position) == ("Yes.", "test", "parents", 4)
    assert {question.locale, advert.locale, interaction.locale} == {"zh"}


SHOP = [{"id": "P1", "title": "裙子", "颜色": "红"}, {"id": "P2", "title": "Tasse", "颜色": "grün"}]


def delimited(separator):
    return "\n".join(separator.join(row) for row in [list(SHOP[0]), *(list(row.values()) for row in SHOP)]) + "\n"


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("products_csv", delimited(";").encode("utf-8-sig"), 2),
        ("products_tsv", delimited("\t").encode("utf-16"), 2),
        ("products_csv_gz", gzip.compress(delimited(",").encode(), mtime=0), 2),
        ("Products_CSV", delimited(",").encode(), 2),
        ("products_json", json.dumps(SHOP), 1),
        ("products_jsonl_gz", gzip.compress("\n".join(map(json.dumps, SHOP)).encode(), mtime=0), 1),
    ],
)
def test_a_table_may_have_any_format_compression_and_encoding(tmp_path, name, content, row):
    tables, rejected = collected(write(tmp_path, **{name: content}))
    assert rejected == []
    assert [(one.id, one.title, one.attributes) for one in tables.products] == [
        ("P1", "裙子", {"颜色": "红"}),
        ("P2", "Tasse", {"颜色": "grün"}),
    ]
    assert (tables.products[0].source, tables.products[0].row) == (name.replace("_", "."), row)


def test_an_encoding_without_a_mark_is_recognised(tmp_path):
    text = "product,question,answer\n" + "P1,这条裙子暖和吗？,很暖和，适合冬天穿。\n" * 20
    tables, rejected = collected(write(tmp_path, questions_csv=text.encode("gb18030")), "zh")
    assert rejected == [] and {one.question for one in tables.questions} == {"这条裙子暖和吗？"}


def test_parquet_brings_numbers_lists_and_maps(tmp_path):
    pairs = pa.array([[("colour", "red"), ("size", "5")], None], pa.map_(pa.string(), pa.string()))
    pq.write_table(pa.table({"id": [1, 2], "title": ["Pan", None], "attributes": pairs}), tmp_path / "products.parquet")
    reviews = {"product": ["1"], "stars": [4.0], "text": ["good"], "strengths": [["fit; cut", "warmth"]]}
    pq.write_table(pa.table(reviews), tmp_path / "reviews.parquet")
    tables, rejected = collected(tmp_path)
    assert rejected == []
    assert [(one.id, one.title, one.attributes) for one in tables.products] == [
        ("1", "Pan", {"colour": "red", "size": "5"}),
        ("2", "", {}),
    ]
    assert (tables.reviews[0].stars, tables.reviews[0].strengths) == (4, ("fit; cut", "warmth"))


def test_a_single_file_is_a_table_too(tmp_path):
    write(tmp_path, products_csv="id,title\nP1,Pan\n", reviews_csv="no table\n")
    tables, _ = collected(tmp_path / "products.csv")
    assert [one.title for one in tables.products] == ["Pan"]


def test_other_files_of_the_folder_are_left_alone(tmp_path):
    write(
        tmp_path, products_csv="id,title\nP1,Pan\n", notes_txt="x", stock_csv="a,b\n1,2\n", products_csv_dvc="outs:\n"
    )
    assert len(collected(tmp_path)[0].products) == 1


def test_interactions_without_positions_are_numbered_per_shopper_and_locale(tmp_path):
    rows = ["A,P1,", "B,P1,en", "A,,en", "A,P2,en", "A,P1,zh", "A,P3,"]
    tables, rejected = collected(write(tmp_path, interactions_csv="shopper,product,locale\n" + "\n".join(rows)))
    assert [(row.row, row.shopper, row.locale, row.position) for row in tables.interactions] == [
        (2, "A", "en", 0), (3, "B", "en", 0), (5, "A", "en", 1), (6, "A", "zh", 0), (7, "A", "en", 2),
    ]  # fmt: skip
    assert reasons(rejected) == [(4, "product: empty")]


def test_given_positions_stay_and_one_that_is_missing_is_not_guessed(tmp_path):
    rows = ["A,P1,7", "A,P2,", "A,P3,-1", f"A,P4,{2**63}", "A,P5,2"]
    tables, rejected = collected(write(tmp_path, interactions_csv="shopper,product,position\n" + "\n".join(rows)))
    assert [(row.product, row.position) for row in tables.interactions] == [("P1", 7), ("P5", 2)]
    assert reasons(rejected) == [
        (3, "position: empty"),
        (4, "position: Input should be greater than or equal to 0"),
        (5, f"position: expected at most {2**63 - 1}"),
    ]
    # what is left can be written
    write_records(tmp_path / "out", TABLES["interactions"], tables.interactions)


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ("P1,9,good,en", "stars: Input should be less than or equal to 5"),
        ("P1,four,good,en", "stars: Input should be a valid integer, unable to parse string as an integer"),
        ("P1,4,  ,en", "text: empty"),
        (",4,good,en", "product: empty"),
        (",,,", "row: empty"),
        ("P1,4,good,english please", "locale: not a language tag such as en or zh-TW"),
    ],
)
def test_a_row_that_cannot_be_a_record_is_rejected_with_a_reason(tmp_path, cells, reason):
    write(tmp_path, reviews_csv=f"product,stars,text,locale\n{cells}\nP2,5,fine,en\n")
    tables, rejected = collected(tmp_path)
    assert [row.product for row in tables.reviews] == ["P2"]
    (only,) = rejected
    assert (only.reason, only.source, only.row, only.table) == (reason, "reviews.csv", 2, "reviews")
    assert list(json.loads(only.content).values()) == cells.split(",")


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
        ({"id": "P1", "title": "x", "attributes": [["a", 1], ["a", 2]]}, "attributes: two names are the same"),
        (
            {"id": "P1", "title": "x", "attributes": [[["a"], {}], [1, 2]]},
            "a: expected text, a number or a list of them",
        ),
        ({"id": "P1", "title": "x", "split": "dev"}, "split: Input should be 'train', 'validation' or 'test'"),
    ],
)
def test_json_rows_that_cannot_be_products_are_rejected(tmp_path, row, reason):
    write(tmp_path, products_jsonl=json.dumps(row) + '\n{"id": "P2", "title": "y"}\n')
    tables, rejected = collected(tmp_path)
    assert reasons(rejected) == ([(1, reason)] if reason else [])
    assert len(tables.products) + len(rejected) == 2


@pytest.mark.parametrize(
    ("name", "content", "row"),
    [
        ("products_csv", "id,title\nP1,x,y\nP2,y\n", 2),
        ("products_csv", 'id,title\nP1,"x"y\nP2,y\n', 2),
        ("products_jsonl", '{"id": "P2", "title": "y"}\n{"id": \n', 2),
        ("products_jsonl", '["P1"]\n{"id": "P2", "title": "y"}\n', 1),
        ("products_jsonl", '{"id": "P1", "title": "\\ud800"}\n{"id": "P2", "title": "y"}\n', 1),
    ],
)
def test_a_fault_of_the_reader_is_one_rejected_row(tmp_path, name, content, row):
    tables, rejected = collected(write(tmp_path, **{name: content}))
    assert [one.id for one in tables.products] == ["P2"]
    (only,) = rejected
    assert (only.row, only.table) == (row, "products") and only.reason.startswith("row: ") and only.content


@pytest.mark.parametrize(
    ("name", "table"),
    [("reviews.csv", "reviews"), ("Reviews.JSONL.gz", "reviews"), ("products", "products"), ("review.csv", None),
     ("my-products.csv", None), (".products.csv", None)],
)  # fmt: skip
def test_the_table_a_file_is_named_after(name, table):
    assert table_of(name) == table


CELLS = st.one_of(
    st.sampled_from(["", " ", "1", "5", "6", "en", "train", "a;b", None, True, [], ["x", "y"], [[1]], {"a": 1}, "P1"]),
    # a file full of control characters is refused as no text, so they come a few at a time
    st.sampled_from(["a stray \x08 mark", "a stray \x00 byte", "a \x1a in the text"]),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=8),
)
KNOWN = {
    table: [name for name in kind.model_fields if name not in ("source", "row", "weight")]
    for table, kind in TABLES.items()
}


@given(st.data(), st.sampled_from(list(TABLES)), st.booleans())
@settings(deadline=None, max_examples=150)
def test_every_row_has_one_fate(tmp_path_factory, data, table, as_csv):
    """Whatever the cells hold: each row is one record or one Rejected under its own number, and all can be written."""
    columns = [
        *REQUIRED[table],
        *data.draw(st.lists(st.sampled_from(sorted({*KNOWN[table]} - {*REQUIRED[table]})), unique=True)),
    ]
    rows = data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(columns, CELLS)), min_size=1, max_size=8))
    folder = tmp_path_factory.mktemp("fates")
    if as_csv:
        with (folder / f"{table}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.writer(handle, quoting=csv.QUOTE_ALL)
            writer.writerow(columns)
            # one line a row, so that its number is known
            writer.writerows([" ".join(str(cell).split()) for cell in row.values()] for row in rows)
        expected = set(range(2, len(rows) + 2))
    else:
        (folder / f"{table}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
        expected = set(range(1, len(rows) + 1))
    tables, rejected = collected(folder)
    records = getattr(tables, table)
    assert Counter(one.row for one in [*records, *rejected]) == Counter(expected)
    assert all(one.model_dump_json() for one in rejected)
    write_records(folder / "out", TABLES[table], records)
