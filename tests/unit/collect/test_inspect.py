"""inspect: every published form is told by its look, columns are understood by name and by value, problems are counted."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.collect.forms.columns import mapped_fields
from ecom_llm.collect.inspect import SAMPLE_ROWS, inspect
from ecom_llm.collect.inspect.columns import column_of, columns_of, kind_of, plain
from ecom_llm.collect.inspect.language import guess
from ecom_llm.collect.inspect.personal import hints_in, masked
from ecom_llm.collect.inspect.problems import problems_of
from ecom_llm.collect.inspect.synonyms import rank, synonyms
from ecom_llm.records import UserError

REPO = Path(__file__).parents[3]
DATA = REPO.parent / "shared" / "data"
RUBY = '{"product_specification"=>[{"key"=>"Fabric", "value"=>"Cotton"}, {"key"=>"Type", "value"=>"Shorts"}]}'
PROSE = "The fabric is soft, it fits well and I would buy it again"


def write_csv(path, header, rows, encoding="utf-8"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding=encoding) as handle:
        csv.writer(handle).writerows([header, *rows])
    return path


def write_lines(path, rows, encoding="utf-8"):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding=encoding)


def advertisegen(folder):
    rows = [
        {
            "content": f"类型#裙*颜色#红*图案#条纹{at}",
            "summary": f"第{at}款红色的连衣裙，条纹图案设计，时尚又百搭，上身舒适。",
        }
        for at in range(30)
    ]
    write_lines(folder / "train.json", rows, "gb18030")


def amazon_qa(folder):
    rows = [
        {
            "questionType": "yes/no",
            "asin": f"B{at // 3:09}",
            "question": f"does it fit model {at}?",
            "answer": f"it's {at}",
        }
        for at in range(12)
    ]
    with gzip.open(folder / "qa.json.gz", "wt", encoding="utf-8") as handle:
        handle.write("".join(f"{row!r}\n" for row in rows))


def item_windows(folder):
    items = {
        str(at): {"title": f"Screw {at}", "description": "", "brand": "Uxcell", "categories": ""} for at in range(5)
    }
    (folder / "items.json").write_text(json.dumps(items, indent=2))
    header = ["user_id", "history_item_title", "item_title", "history_item_id", "item_id"]
    write_csv(folder / "test.csv", header, [["A1", "['Screw 0', 'Screw 1']", "Screw 2", "[0, 1]", "2"]])
    write_csv(folder / "valid.csv", header, [["A2", "['Screw 3', 'Screw 1']", "Screw 4", "[3, 1]", "4"]])
    (folder / "LICENSE").write_text("Apache License\n")


def jddc(folder):
    (folder / "train.enc").write_text("什么时候能发货啊,请您稍等,\n发票开好了吗,您好,\n", encoding="utf-8")
    (folder / "train.dec").write_text("预计一周左右,\n已经开好了,\n", encoding="utf-8")


def specifications(folder):
    header = ["uniq_id", "product_name", "pid", "description", "product_specifications"]
    rows = [[f"u{at}", f"Shorts {at}", f"P{at}", f"Cotton shorts number {at} for the summer", RUBY] for at in range(9)]
    write_csv(folder / "flip.csv", header, [*rows, *[[""] * 5 for _ in range(3)]])


def rnnlg(folder):
    rows = [[f"inform(name=tecra {at};type=laptop;memory=4 gb)", f"the tecra {at} has 4 gb", "base"] for at in range(4)]
    for name in ("train", "valid", "test"):
        (folder / f"{name}.json").write_text("####\n#  Copyright  #\n####\n" + json.dumps(rows, indent=4))
    (folder / "special_values.txt").write_text('{"yes": ["true"]}')


def tables(folder):
    write_csv(folder / "products.csv", ["id", "title", "colour", "description"], [["1", "Dress", "red", "A red dress"]])
    write_csv(folder / "reviews.csv", ["product", "stars", "text"], [["1", "5", PROSE]])


def star_reviews(folder):
    header = ["", "Clothing ID", "Age", "Title", "Review Text", "Rating", "Class Name"]
    rows = [
        [at, 700 + at % 4, 20 + at % 9, f"Title {at}", f"{PROSE} {at}", 1 + at % 5, "Dresses" if at % 2 else "Knits"]
        for at in range(40)
    ]
    write_csv(folder / "reviews.csv", header, rows)


def baskets(folder):
    things = ["whole milk", "rolls", "soda", "yogurt"]
    rows = [[1000 + at % 5, f"{1 + at % 28:02}-06-2014", things[at % 4]] for at in range(60)]
    write_csv(folder / "groceries.csv", ["Member_number", "Date", "itemDescription"], rows)


def shards(folder):
    (folder / "data").mkdir()
    table = pa.table({"product_id": [f"p{at % 3}" for at in range(9)], "stars": [1 + at % 5 for at in range(9)],
                      "review_body": [f"{PROSE} {at}" for at in range(9)]})  # fmt: skip
    for split in ("train", "test"):
        pq.write_table(table, folder / "data" / f"{split}-00000-of-00001.parquet")


FORMS = [
    (advertisegen, "advertisegen", "zh", {"advertise"}),
    (amazon_qa, "amazon_qa", "en", {"answer"}),
    (item_windows, "item_windows", "en", {"recommend"}),
    (jddc, "jddc", "zh", {"answer"}),
    (specifications, "specifications", "en", {"describe"}),
    (rnnlg, "rnnlg", "en", {"describe"}),
    (tables, "tables", "en", {"describe", "review"}),
    (star_reviews, "mapped", "en", {"review"}),
    (baskets, "mapped", "en", {"recommend"}),
    (shards, "dataset", "en", {"review"}),
]


@pytest.mark.parametrize(
    ("make", "form", "locale", "skills"), FORMS, ids=lambda value: getattr(value, "__name__", None)
)
def test_each_form_is_told_by_its_look(tmp_path, make, form, locale, skills):
    make(tmp_path)
    found = inspect(tmp_path, SAMPLE_ROWS, None)
    ((proposal, trial),) = found.proposals
    assert (proposal.source.form, proposal.source.locale) == (form, locale)
    assert trial.error is None
    assert set(trial.skills) == skills
    assert found.location == tmp_path.resolve()


@pytest.mark.parametrize(("make", "form"), [(rnnlg, "rnnlg"), (jddc, "jddc"), (item_windows, "item_windows")])
def test_a_file_of_a_folder_form_is_read_with_its_folder(tmp_path, make, form):
    make(tmp_path)
    name = {"rnnlg": "train.json", "jddc": "train.dec", "item_windows": "test.csv"}[form]
    found = inspect(tmp_path / name, SAMPLE_ROWS, None)
    assert [(one.source.form, one.source.path) for one, _ in found.proposals] == [(form, ".")]


REAL = [
    ("advertisegen", "advertisegen", "zh", {"advertise"}),
    ("amazon-industrial", "item_windows", "en", {"describe", "recommend"}),
    ("amazon-qa-appliances", "amazon_qa", "en", {"answer"}),
    ("flipkart-sample", "specifications", "en", {"describe"}),
    ("groceries", "mapped", "en", {"recommend"}),
    ("jddc-sample", "jddc", "zh", {"answer"}),
    ("rnnlg-laptop", "rnnlg", "en", {"describe"}),
    ("womens-clothing-reviews", "mapped", "en", {"review"}),
]


@pytest.mark.skipif(not DATA.is_dir(), reason="the published data sets are not beside the checkout (../shared/data)")
@pytest.mark.parametrize(("name", "form", "locale", "skills"), REAL, ids=[name for name, *_ in REAL])
def test_each_real_folder_is_understood(name, form, locale, skills):
    ((proposal, trial),) = inspect(DATA / name, SAMPLE_ROWS, None).proposals
    assert (proposal.source.form, proposal.source.locale) == (form, locale)
    assert (trial.error, set(trial.skills)) == (None, skills)


def columns_for(tmp_path, header, rows):
    ((proposal, _),) = inspect(write_csv(tmp_path / "some.csv", header, rows), SAMPLE_ROWS, None).proposals
    return proposal.source.columns


def test_star_reviews_are_mapped_by_name_and_value(tmp_path):
    star_reviews(tmp_path)
    ((proposal, trial),) = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert proposal.source.columns == {
        "products.id": "Clothing ID",
        "products.attributes.Class Name": "Class Name",
        "reviews.stars": "Rating",
        "reviews.text": "Review Text",
        "reviews.product": "Clothing ID",
    }, "the title is the review's and not the product's: it changes within a product; so does the age"
    assert trial.records == {"products": 40, "reviews": 40}
    assert trial.products == 4
    assert proposal.unused == ("column_1", "Age", "Title")


def test_chinese_columns_are_understood(tmp_path):
    rows = [[f"G{at % 3}", f"这件衣服质量很好，穿着舒适，颜色也好看，推荐购买{at}", 1 + at % 5] for at in range(20)]
    found = columns_for(tmp_path, ["商品编号", "评论内容", "评分"], rows)
    assert found == {"reviews.product": "商品编号", "reviews.text": "评论内容", "reviews.stars": "评分"}


def test_stars_and_texts_are_found_by_their_values_alone(tmp_path):
    rows = [[f"S{at % 4}", 1 + at % 5, f"{PROSE} {at}", at * 17] for at in range(30)]
    found = columns_for(tmp_path, ["sku", "q7", "q8", "q9"], rows)
    assert found == {"reviews.product": "sku", "reviews.stars": "q7", "reviews.text": "q8"}


def test_a_catalogue_is_never_taken_for_reviews(tmp_path):
    """Shopify's export: a row for each variant and picture, of which the first alone has the title and the description."""
    rows = []
    for at in range(40):
        first = [f"lamp-{at}", f"Lamp {at}", f"<p>{PROSE} {at}</p>", "Acme", "S", 1, f"https://cdn/{at}.jpg"]
        rows += [first, [f"lamp-{at}", "", "", "", "M", 2 + at % 4, ""]]
    header = ["Handle", "Title", "Body (HTML)", "Vendor", "Option1 Value", "Image Position", "Image Src"]
    found = columns_for(tmp_path, header, rows)
    assert not [field for field in found if field.startswith("reviews.")], "a picture's place is no rating"
    assert (found["products.title"], found["products.description"]) == ("Title", "Body (HTML)")


def test_one_id_that_stands_twice_does_not_hide_a_catalogue(tmp_path):
    rows = [[f"L{max(at, 1)}", f"Lamp {at}", f"{PROSE} {at}", at % 3] for at in range(30)]
    found = columns_for(tmp_path, ["sku", "title", "description", "colour"], rows)
    assert (found["products.title"], found["products.description"]) == ("title", "description")


def test_a_column_of_languages_is_the_locale_and_no_attribute(tmp_path):
    rows = [[f"{tag}{at % 9}", 1 + at % 5, f"{PROSE} {at}", tag] for at in range(30) for tag in ("en", "de", "fr")]
    found = columns_for(tmp_path, ["product_id", "stars", "review_body", "language"], rows)
    assert found["reviews.locale"] == "language"
    assert "products.attributes.language" not in found


@pytest.mark.parametrize("names", [("Option1 Name", "Option1 Value"), ("Attribute 1 name", "Attribute 1 value(s)")])
def test_attributes_whose_names_stand_in_a_column(tmp_path, names):
    rows = [[f"S{at}", f"Lamp {at}", f"{PROSE} {at}", "Colour", ("red", "blue")[at % 2]] for at in range(30)]
    path = write_csv(tmp_path / "some.csv", ["SKU", "Name", "Description", *names], rows)
    ((proposal, trial),) = inspect(path, SAMPLE_ROWS, None).proposals
    assert proposal.source.columns[f"products.attributes.{{{names[0]}}}"] == names[1]
    assert trial.skills == ("describe",)


@pytest.mark.parametrize("name", ["Item No", "item_no.", "Product No", "Style ID", "movieId", "货品编号"])
def test_more_names_of_a_products_id(name):
    assert rank("products.id", name) is not None


def test_an_invoice_has_names_and_purchases(tmp_path):
    rows = [
        [
            536365 + at // 3,
            f"8512{at % 9}",
            f"LAMP {at % 9} IN WHITE METAL",
            at % 7 - 1,
            "12/1/2010 8:26",
            17850 + at % 4,
        ]
        for at in range(60)
    ]
    header = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "CustomerID"]
    found = columns_for(tmp_path, header, rows)
    assert found["products.id"] == "StockCode"
    assert found["products.title"] == "Description", (
        "as short as a name, and no text that a model should learn to write"
    )
    assert "products.description" not in found
    assert (found["interactions.position"], found["interactions.quantity"]) == ("InvoiceDate", "Quantity")


def test_an_id_that_rows_lack_is_not_chosen(tmp_path):
    rows = [[f"T{at}", "" if at % 3 else 5000000 + at, f"Lamp {at}", f"{PROSE} {at}"] for at in range(30)]
    assert columns_for(tmp_path, ["id", "gtin", "title", "description"], rows)["products.id"] == "id"


def test_paragraphs_are_a_description_and_ranks_are_no_attributes(tmp_path):
    rows = [
        {
            "parent_asin": f"B{at}",
            "title": f"Lamp {at}",
            "description": [f"{PROSE} {at}", "It is white."] if at % 3 else [],
            "images": [{"large": "https://cdn/1.jpg"}],
            "salesRank": {"Lamps": at},
            "details": {"Colour": "white", "Best Sellers Rank": {"Lamps": at, "Home": 7}},
        }
        for at in range(30)
    ]
    write_lines(tmp_path / "meta.jsonl", rows)
    ((proposal, trial),) = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert proposal.source.columns["products.description"] == "description"
    assert proposal.source.columns["products.attributes"] == "details"
    assert (trial.records, trial.rejected.total(), trial.skills) == ({"products": 30}, 0, ("describe",))


def test_a_document_with_objects_in_it_is_no_canonical_table(tmp_path):
    """Shopify's /products.json is called like a table and has its columns; its variants are objects."""
    rows = [
        {"id": at, "title": f"Lamp {at}", "body_html": f"{PROSE} {at}", "vendor": f"V{at % 3}", "variants": [{"id": 1}]}
        for at in range(30)
    ]
    path = tmp_path / "products.json"
    path.write_text(json.dumps({"products": rows}))
    ((proposal, trial),) = inspect(path, SAMPLE_ROWS, None).proposals
    assert proposal.source.form == "mapped"
    assert trial.records == {"products": 30}


def test_what_spark_leaves_beside_its_parts_is_no_data(tmp_path):
    for part in range(2):
        write_lines(
            tmp_path / f"part-{part}.jsonl",
            [{"asin": f"B{at}", "rating": 1 + at % 5, "text": f"{PROSE} {at}"} for at in range(9)],
        )
    (tmp_path / "_SUCCESS").write_text("")
    ((proposal, _),) = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert proposal.source.path == "."
    (tmp_path / "notes.csv").write_text("")
    found = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert [one.source.path for one, _ in found] == ["part-0.jsonl", "part-1.jsonl"], (
        "the folder could not be read whole"
    )


def test_a_column_named_rating_without_stars_is_no_rating(tmp_path):
    rows = [[f"S{at % 4}", 10 * at, f"{PROSE} {at}"] for at in range(30)]
    path = write_csv(tmp_path / "some.csv", ["sku", "rating", "review"], rows)
    proposals = inspect(path, SAMPLE_ROWS, None).proposals
    assert all("reviews.stars" not in proposal.source.columns for proposal, _ in proposals)


@pytest.mark.parametrize("odd", ["五星", "0", "4.0", "4.5"])
def test_one_odd_cell_does_not_hide_the_stars(odd):
    rows = [(at, {"stars": str(1 + at % 5)}) for at in range(40)]
    assert columns_of([*rows, (41, {"stars": odd})])[0].stars


@pytest.mark.parametrize("spelt", ["{},0", "{}.0 out of 5 stars", "{}星"])
def test_stars_are_told_as_shops_spell_them(spelt):
    assert columns_of([(at, {"stars": spelt.format(1 + at % 5)}) for at in range(40)])[0].stars


def test_a_file_without_the_names_of_its_columns_is_told(tmp_path):
    path = write_csv(
        tmp_path / "u.data.csv", [196, 242, 3, 881250949], [[at, at * 2, 3, 88125 + at] for at in range(20)]
    )
    assert "the first line holds values" in inspect(path, SAMPLE_ROWS, None).problems["u.data.csv"][0].what
    years = write_csv(tmp_path / "sales.csv", ["sku", 2023, 2024], [[f"S{at}", at, at * 2] for at in range(20)])
    assert not inspect(years, SAMPLE_ROWS, None).problems["sales.csv"]


def test_a_scale_to_ten_has_no_stars():
    assert not columns_of([(at, {"stars": str(1 + at % 10)}) for at in range(40)])[0].stars


def test_rows_without_a_product_stand_for_themselves(tmp_path):
    path = write_csv(
        tmp_path / "faq.csv", ["question", "answer"], [[f"Is it {at} cm?", f"Yes, {at} cm."] for at in range(9)]
    )
    ((proposal, trial),) = inspect(path, SAMPLE_ROWS, None).proposals
    assert proposal.source.columns["questions.product"] == "={row}"
    assert "No column names the product" in proposal.notes[0]
    assert trial.records == {"questions": 9}


def test_purchases_without_titles_are_not_proposed(tmp_path):
    rows = [[at % 3, f"P{at % 7}", 1 + at % 5, f"{PROSE} {at}"] for at in range(30)]
    path = write_csv(tmp_path / "some.csv", ["user_id", "asin", "stars", "text"], rows)
    ((proposal, _),) = inspect(path, SAMPLE_ROWS, None).proposals
    assert not [name for name in proposal.source.columns if name.startswith("interactions")]
    assert "title" in proposal.notes[0]


def test_attributes_that_no_description_states_are_left_out(tmp_path):
    rows = [
        [f"P{at}", f"Lamp {at}", colour, at % 2, f"A {colour} lamp for the living room and the hall"]
        for at, colour in enumerate(["red", "blue", "green"] * 8)
    ]
    found = columns_for(tmp_path, ["sku", "name", "colour", "warehouse", "description"], rows)
    assert "products.attributes.colour" in found
    assert "products.attributes.warehouse" not in found


def test_adverts_get_a_goal_and_an_audience_to_change(tmp_path):
    rows = [[f"P{at}", f"Lamp {at}", "Light up your evening with our lamp"] for at in range(9)]
    found = columns_for(tmp_path, ["sku", "title", "ad copy"], rows)
    assert (found["adverts.goal"], found["adverts.audience"]) == ("=sell", "=everyone")


def test_json_attributes_are_taken_whole(tmp_path):
    rows = [{"id": str(at), "title": f"Lamp {at}", "features": {"colour": "red", "watts": at}} for at in range(9)]
    write_lines(tmp_path / "some.jsonl", rows)
    ((proposal, trial),) = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert proposal.source.columns["products.attributes"] == "features"
    assert trial.records == {"products": 9}


def test_files_of_equal_columns_are_one_source(tmp_path):
    for name in ("january", "february"):
        star_reviews(tmp_path / name)
        (tmp_path / name / "reviews.csv").rename(tmp_path / f"{name}.csv")
    ((proposal, _),) = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert proposal.source.path == "."
    (tmp_path / "january.csv").write_text("question,answer\nIs it warm?,Yes it is\n")
    found = inspect(tmp_path, SAMPLE_ROWS, None).proposals
    assert [one.source.path for one, _ in found] == ["february.csv", "january.csv"]


def test_the_sample_is_bounded_and_said(tmp_path):
    star_reviews(tmp_path)
    sample = inspect(tmp_path, 7, None).samples["reviews.csv"]
    assert (len(sample.rows), sample.whole) == (7, False)
    assert inspect(tmp_path, 40, None).samples["reviews.csv"].whole


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("42", "integer"), ("1,299", "integer"), ("-3.5", "number"), ("$12.99", "number"), ("99元", "number"),
        ("1e-3", "number"), ("2024-06-24", "date"), ("24/06/2014", "date"), ("Jun 27, 2014", "date"), ("2014年6月2日", "date"),
        ("2016-03-25 22:59:23 +0000", "date"), ("['a', 'b']", "list"), (["a"], "list"), ({"a": 1}, "object"), (RUBY, "object"),
        ("类型#裙*颜色#红", "object"), ("C# and F*", "text"), ("a dress", "text"), ("1.2.3", "text"), ("12 34", "text"),
    ],
)  # fmt: skip
def test_kinds_of_cells(value, kind):
    assert kind_of(value, plain(value)) == kind


def test_kinds_of_columns():
    rows = [
        (at + 2, {"n": str(at), "price": f"{at}.50", "day": "2024-01-02", "colour": ["red", "blue"][at % 2],
                  "text": f"{PROSE} {at}", "none": "n/a", "some": "x" if at < 5 else ""})
        for at in range(20)
    ]  # fmt: skip
    found = {column.name: column for column in columns_of(rows)}
    kinds = {name: column.kind for name, column in found.items()}
    assert kinds == {"n": "integer", "price": "number", "day": "date", "colour": "category", "text": "text", "none": "empty",
                     "some": "category"}  # fmt: skip
    assert (found["some"].empty, found["colour"].distinct, found["none"].filled) == (0.75, 2, 0)


CELLS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(CELLS, max_size=20), st.integers(0, 5))
def test_any_column_can_be_looked_at(cells, missing):
    column = column_of("c", list(enumerate(cells, start=1)), len(cells) + missing)
    assert 0 <= column.empty <= 1
    assert column.distinct <= column.filled <= len(cells)
    assert (column.kind == "empty") == (column.filled == 0)
    assert "\n" not in column.example


@given(st.text(max_size=200))
def test_masking_leaves_no_hint(text):
    assert not hints_in(masked(text))


PERSONAL = [
    ("write to jane.doe+shop@mail.example.com", "e-mail address", "jane"),
    ("电话13812345678找我", "phone number", "13812345678"),
    ("call +44 20 7946 0958 now", "phone number", "7946"),
    ("call (555) 010-4477", "phone number", "4477"),
    ("身份证11010519491231002X。", "identity number", "19491231"),
    ("card 4111 1111 1111 1111", "bank card", "4111"),
    ("from 192.168.17.4", "IP address", "192"),
]


@pytest.mark.parametrize(("text", "kind", "secret"), PERSONAL, ids=[text for text, *_ in PERSONAL])
def test_personal_data_is_counted_and_masked(text, kind, secret):
    assert hints_in(text) == [kind]
    assert secret not in masked(text)


@pytest.mark.parametrize(
    "text",
    ["http://img5a.example.com/13812345678-2.jpeg", "5113a9b13812345678ff", "1 1/3 HP", "2014-06-24", "9.99", "v1.2.3"],
)
def test_codes_links_and_numbers_are_no_personal_data(text):
    assert hints_in(text) == []
    assert masked(text) == text


def test_problems_are_counted_with_their_first_line():
    good = [(at, {"a": f"{PROSE} {at}", "b": str(at), "c": "", "d": "x", "e": "y"}) for at in range(2, 42)]
    bad = [
        (42, {"a": "", "b": "", "c": "", "d": "", "e": ""}),
        (43, {**good[0][1]}),
        (44, {"a": "a <UNK> of <b>them</b> &amp; more", "b": "44", "c": "", "d": "x", "e": "y"}),
        (45, {"a": "It’s fine".encode().decode("cp1252"), "b": "many", "c": "", "d": "x", "e": "y"}),
        (46, {"a": "mail me@example.com\x00", "b": "46", "c": "", "d": "x", "e": "y"}),
    ]
    rows = [*good, *bad]
    faults = ((50, "quote not closed"), (60, "quote not closed"))
    found = {problem.what: (problem.count, problem.line) for problem in problems_of(rows, columns_of(rows), faults)}
    assert found == {
        "unreadable: quote not closed": (2, 50),
        "rows that are empty or nearly so": (1, 42),
        "rows that are copies of an earlier row": (1, 43),
        "columns that are empty: c": (1, None),
        "mixed types in b: mostly integer, but also text": (1, 45),
        "<UNK> in place of a word in a": (1, 44),
        "HTML in a": (1, 44),
        "mojibake (a text decoded with a wrong encoding) in a": (1, 45),
        "control characters in a": (1, 46),
        "likely personal data (e-mail address) in a": (1, 46),
    }


def test_repeated_ids_are_a_problem_of_a_catalogue_only(tmp_path):
    rows = [[f"P{at % 8}", f"Lamp {at % 8}", "red"] for at in range(9)]
    path = write_csv(tmp_path / "some.csv", ["sku", "title", "colour"], rows)
    said = [problem.what for problem in inspect(path, SAMPLE_ROWS, None).problems["some.csv"]]
    assert "ids that repeat in sku" in said
    star_reviews(tmp_path / "other")
    said = [one.what for one in inspect(tmp_path / "other", SAMPLE_ROWS, None).problems["reviews.csv"]]
    assert not [what for what in said if "repeat" in what]


@pytest.mark.parametrize(
    ("text", "locale"),
    [("这是一条裙子", "zh"), ("これはドレスです", "ja"), ("a dress", "en"), ("원피스입니다", "ko"), ("1234", "en")],
)
def test_the_locale_is_guessed_by_script(text, locale):
    assert guess([text])[0] == locale


def test_synonyms_name_fields_there_are():
    fields = set(synonyms()) - {"locale", "not attributes", "personal"}
    assert {field for field in fields if field.split(".")[1] not in mapped_fields(field.split(".")[0])} == set()
    assert (
        rank("reviews.text", "Review Text")
        == rank("reviews.text", "reviewText")
        == rank("reviews.text", "review_text")
        == 0
    )
    assert rank("reviews.text", "customer_review_text") > rank("reviews.text", "content")
    assert rank("products.id", "paid") is None


def test_files_beyond_the_bound_are_told(tmp_path, monkeypatch):
    for at in range(4):
        write_csv(tmp_path / f"{at}.csv", ["question", "answer"], [["Is it warm?", "Yes it is"]])
    monkeypatch.setattr("ecom_llm.collect.inspect.MOST_FILES", 3)
    found = inspect(tmp_path, SAMPLE_ROWS, None)
    assert len(found.samples) == 3
    assert found.unread == {"1 more files": "only the first 3 are looked at"}


def test_mistakes_are_named(tmp_path):
    with pytest.raises(UserError, match=r"nowhere: cannot be read"):
        inspect(tmp_path / "nowhere", SAMPLE_ROWS, None)
    (tmp_path / "inner").mkdir()
    with pytest.raises(UserError, match=r"holds no data file, only the folder inner"):
        inspect(tmp_path, SAMPLE_ROWS, None)
    star_reviews(tmp_path)
    with pytest.raises(UserError, match=r"--locale en us: is no language tag"):
        inspect(tmp_path, SAMPLE_ROWS, "en us")
    with pytest.raises(UserError, match=r"--rows 0"):
        inspect(tmp_path, 0, None)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(UserError, match=r"empty\.csv"):
        inspect(tmp_path / "empty.csv", SAMPLE_ROWS, None)
    found = inspect(tmp_path, SAMPLE_ROWS, None)
    assert list(found.unread) == ["empty.csv"], "one bad file does not hide the others"
    assert [one.source.path for one, _ in found.proposals] == ["reviews.csv"]


@given(name=st.text(min_size=1, max_size=12), cell=st.text(max_size=12))
def test_any_column_name_and_cell_gives_a_proposal_or_none(tmp_path_factory, name, cell):
    path = tmp_path_factory.mktemp("any") / "some.jsonl"
    row = {"id": "1", "title": "A lamp", name: cell}
    path.write_text(json.dumps(row) + "\n" + json.dumps({**row, "id": "2", name: "other"}) + "\n")
    for proposal, trial in inspect(path, SAMPLE_ROWS, None).proposals:
        assert trial.error is None, proposal
