"""mapped: one row in several tables, fates that add up, products that come again, purchases in order, and clear refusals."""

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.collect.files import Fault
from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.forms.columns import mapping_of
from ecom_llm.collect.forms.mapped import attributes_of_object, records_of
from ecom_llm.collect.forms.origins import Origin
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Advert, Interaction, Product, Review, UserError

REVIEWS = {
    "reviews.product": "Item",
    "reviews.stars": "Rating",
    "reviews.text": "Text",
    "products.id": "Item",
    "products.attributes.class": "Class",
}


def source(path="shop.csv", form="mapped", **columns):
    return Source(form=form, path=path, locale="en", weight=1.0, columns=columns)


def read(rows, columns):
    """The records of rows given as dicts or Faults."""
    numbered = ((Origin("shop.csv", number), row) for number, row in enumerate(rows, start=2))
    return list(records_of(numbered, source(**columns), mapping_of(source(**columns)), attributes_of_object))


def reasons(found):
    return [(row.row, row.table, row.reason) for row in found if isinstance(row, Rejected)]


def test_a_row_feeds_several_tables():
    product, review = read([{"Item": "767", "Rating": "4", "Text": " Silky ", "Class": "Knits", "Age": "33"}], REVIEWS)
    assert product == Product(source="shop.csv", row=2, id="767", locale="en", title="", attributes={"class": "Knits"})
    assert review == Review(source="shop.csv", row=2, product="767", locale="en", stars=4, text="Silky")


SPELT = {
    4: ("4", "4.0", "4,0", "4/5", "4.0 out of 5 stars", "Rated 4 out of 5", "★★★★☆", "4星"),
    3: ("★★★",),
    5: ("五星", "5分"),
}


@pytest.mark.parametrize(("stars", "spelt"), [(stars, spelt) for stars, texts in SPELT.items() for spelt in texts])
def test_stars_as_shops_spell_them(stars, spelt):
    (review,) = read(
        [{"Item": "1", "Rating": spelt, "Text": "good"}], {name: REVIEWS[name] for name in list(REVIEWS)[:3]}
    )
    assert review.stars == stars


@pytest.mark.parametrize("spelt", ["4.5", "0", "6", "10", "4/10", "45", "★★★★★★", "☆☆☆☆☆", "four", "4.0 out of 10"])
def test_what_is_no_whole_star_is_rejected(spelt):
    found = read([{"Item": "1", "Rating": spelt, "Text": "good"}], {name: REVIEWS[name] for name in list(REVIEWS)[:3]})
    assert [row.table for row in found if isinstance(row, Rejected)] == ["reviews"]


def test_returns_are_no_purchases():
    columns = {"interactions.shopper": "Who", "interactions.product": "Item", "interactions.quantity": "Pieces"}
    rows = [{"Who": "a", "Item": "1", "Pieces": pieces} for pieces in ("2", "-2", "0", "0,5", "", "two")]
    found = read(rows, columns)
    assert [row.row for row in found if isinstance(row, Interaction)] == [2, 5]
    assert reasons(found) == [
        (3, "interactions", "Pieces: not above 0, so a return and no purchase"),
        (4, "interactions", "Pieces: not above 0, so a return and no purchase"),
        (6, "interactions", "Pieces: no number"),
        (7, "interactions", "Pieces: no number"),
    ]


def test_lists_are_paragraphs_in_texts_and_values_in_attributes():
    columns = {"products.id": "id", "products.description": "about", "products.attributes.uses": "uses"}
    (product,) = read([{"id": "1", "about": ["It is warm.", "", "It is red."], "uses": ["home", "work"]}], columns)
    assert product.description == "It is warm.\nIt is red."
    assert product.attributes == {"uses": "home; work"}


def test_a_column_may_hold_the_names_of_attributes():
    columns = {"products.id": "id", "products.attributes.{n1}": "v1", "products.attributes.{n2}": "v2"}
    rows = [
        {"id": "1", "n1": "Size", "v1": "S", "n2": "Colour", "v2": "red"},
        {"id": "2", "n1": "Colour", "v1": "red", "n2": "Colour", "v2": "blue"},
        {"id": "3", "n1": "", "v1": "S", "n2": "Colour", "v2": ""},
    ]
    found = [row.attributes for row in read(rows, columns)]
    assert found == [{"Size": "S", "Colour": "red"}, {"Colour": "red; blue"}, {}]
    with pytest.raises(UserError, match="has no column 'n1'"):
        read([{"id": "1", "v1": "S", "n2": "Colour", "v2": "red"}], columns)


def test_an_object_within_the_attributes_is_spelt_out():
    columns = {"products.id": "id", "products.attributes": "details"}
    details = {"Colour": "red", "Rank": {"Lamps": "7", "Home": "9"}, "Size": None}
    good, bad = read([{"id": "1", "details": details}, {"id": "2", "details": {"a": {"b": {"c": "d"}}}}], columns)
    assert good.attributes == {"Colour": "red", "Rank": "Lamps: 7; Home: 9"}
    assert bad.reason.startswith("details: ")


CELL = st.sampled_from(["", " ", "1", "5", "6", "text", None, "\ud800", {"a": 1}, ["x", "y"], 2.0, float("nan"), True])
ROW = st.one_of(
    st.fixed_dictionaries({"Item": CELL, "Rating": CELL, "Text": CELL, "Class": CELL}),
    st.just(Fault("cells: found 3, expected 4", "a,b,c")),
)


@given(st.lists(ROW, max_size=12))
@settings(deadline=None)
def test_every_row_has_one_fate_in_every_mapped_table(rows):
    """Whatever the cells hold: nothing is lost, nothing is raised, and every fate can be written."""
    columns = {**REVIEWS, "interactions.shopper": "Class", "interactions.product": "Item"}
    found = read(rows, columns)
    tables = {Product: "products", Review: "reviews", Interaction: "interactions"}
    fates = Counter((one.row, one.table if isinstance(one, Rejected) else tables[type(one)]) for one in found)
    expected = {(row, table) for row in range(2, len(rows) + 2) for table in tables.values()}
    assert fates == dict.fromkeys(expected, 1)
    assert all(one.model_dump_json().encode() for one in found)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Text": " "}, "Text: empty"),
        ({"Rating": "6"}, "Rating: Input should be less than or equal to 5"),
        ({"Text": {"en": "x"}}, "Text: expected text, a number or a list of them"),
        ({"Text": "\udc80"}, "Text: holds half of a surrogate pair"),
    ],
)
def test_a_reason_names_the_files_column(changed, reason):
    row = {"Item": "1", "Rating": "5", "Text": "fine", "Class": "", **changed}
    assert reasons(read([row], REVIEWS)) == [(2, "reviews", reason)]


def test_an_empty_row_and_a_row_that_cannot_be_read_are_refused_by_every_table():
    found = read(
        [dict.fromkeys(["Item", "Rating", "Text", "Class"], ""), Fault("cells: found 1, expected 4", "abc")], REVIEWS
    )
    assert reasons(found) == [
        (2, "products", "row: empty"),
        (2, "reviews", "row: empty"),
        (3, "products", "row: cells: found 1, expected 4"),
        (3, "reviews", "row: cells: found 1, expected 4"),
    ]
    assert found[2].content == "abc"


def test_constants_fill_what_the_file_does_not_hold():
    columns = {
        "adverts.product": "={row}",
        "adverts.goal": "=sell more",
        "adverts.audience": "=parents",
        "adverts.text": "copy",
        "products.id": "={row}",
        "products.title": "=",
    }
    product, advert = read([{"copy": "Buy!"}], columns)
    assert advert == Advert(
        source="shop.csv",
        row=2,
        product="shop.csv:2",
        locale="en",
        goal="sell more",
        audience="parents",
        text="Buy!",
    )
    assert (product.id, product.title) == ("shop.csv:2", "")


def test_a_locale_may_stand_in_a_column():
    columns = {"products.id": "id", "products.locale": "language"}
    rows = [{"id": "1", "language": "zh-TW"}, {"id": "2", "language": ""}, {"id": "3", "language": "Chinese (T)"}]
    found = read(rows, columns)
    assert [one.locale for one in found[:2]] == ["zh-TW", "en"]
    assert reasons(found) == [(4, "products", "language: not a language tag such as en or zh-TW")]


def test_lists_and_objects_of_json_are_read():
    columns = {
        "reviews.product": "id",
        "reviews.stars": "stars",
        "reviews.text": "text",
        "reviews.strengths": "pros",
        "reviews.flaws": "cons",
        "products.id": "id",
        "products.attributes": "facts",
        "products.attributes.sizes": "sizes",
    }
    row = {
        "id": 7,
        "stars": 5.0,
        "text": "ok",
        "pros": ["fit", ""],
        "cons": "price; wash",
        "facts": {"colour": "red", "x": None},
    }
    product, review = read([{**row, "sizes": ["S", "M"]}], columns)
    assert product.id == "7"
    assert product.attributes == {"colour": "red", "sizes": "S; M"}
    assert (review.stars, review.strengths, review.flaws) == (5, ("fit",), ("price", "wash"))


def test_a_product_told_otherwise_later_takes_the_first_rows_content(caplog):
    rows = [{"Item": "1", "Class": "Knits"}, {"Item": "1", "Class": "Pants"}, {"Item": "1", "Class": "Knits"}]
    with caplog.at_level("INFO"):
        found = read(rows, {"products.id": "Item", "products.attributes.class": "Class"})
    assert [(one.row, one.attributes) for one in found] == [(row, {"class": "Knits"}) for row in (2, 3, 4)]
    assert "1 rows give a product otherwise" in caplog.text


def bought(rows, position=None):
    columns = {"interactions.shopper": "who", "interactions.product": "what"}
    if position:
        columns["interactions.position"] = position
    return read(rows, columns)


def test_purchases_are_numbered_by_the_order_of_the_rows():
    found = bought([{"who": who, "what": what} for who, what in ("ax", "by", "az", "ax")])
    assert [(one.shopper, one.product, one.position) for one in found] == [
        ("a", "x", 0),
        ("b", "y", 0),
        ("a", "z", 1),
        ("a", "x", 2),
    ]


def test_purchases_are_numbered_by_their_dates():
    """24-06 says that the day stands first, so 03-04 is in April: after 02-04, though a month-first reading has February."""
    dates = ["03-04-2015", "24-06-2014", "02-04-2015", "03-04-2015", "yesterday"]
    found = bought([{"who": "a", "what": str(n), "Date": date} for n, date in enumerate(dates)], "Date")
    assert [one.position for one in found if isinstance(one, Interaction)] == [2, 0, 1, 3]
    assert reasons(found) == [(6, "interactions", "Date: no number or date")]


def test_dates_of_which_day_and_month_are_unknown_are_a_mistake_of_the_mapping():
    with pytest.raises(UserError, match=r"interactions\.position.*'Date'.*day and month cannot be told apart"):
        bought([{"who": "a", "what": "x", "Date": date} for date in ("03-04-2015", "04-03-2015")], "Date")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({}, "nothing is mapped"),
        ({"review.text": "T"}, r"review\.text: there is no table 'review'; expected .*reviews"),
        ({"reviews.txt": "T"}, r"reviews\.txt: reviews has no field 'txt'; expected one of .*text"),
        ({"products.colour": "T"}, r"products has no field 'colour'.*attributes\.NAME"),
        (
            {"reviews.text": "T", "reviews.stars": "S"},
            r"reviews\.product: is missing; reviews needs product, stars, text",
        ),
        ({"products.attributes.x": "T"}, r"products\.id: is missing"),
        ({"products.id": " "}, r"products\.id: is empty"),
        ({"products.weight": "T"}, "has no field 'weight'"),
    ],
)
def test_a_wrong_mapping_is_named(columns, said):
    with pytest.raises(UserError, match=said):
        mapping_of(source(**columns))


def test_a_column_that_is_not_in_the_file_is_named_with_those_that_are(tmp_path):
    place = tmp_path / "shop.csv"
    place.write_text("Item,Rating,Text,Class\n1,5,fine,Knits\n")
    columns = REVIEWS | {"reviews.text": "Txt"}
    with pytest.raises(
        UserError, match=r"reviews\.text: shop\.csv has no column 'Txt'\. Did you mean 'Text'\?.*'Item'"
    ):
        list(FORMS["mapped"](place, source(**columns)))


def test_a_key_that_no_json_row_has_is_named(tmp_path):
    place = tmp_path / "shop.jsonl"
    place.write_text("".join(json.dumps({"id": str(n)} | ({"late": "x"} if n > 8 else {})) + "\n" for n in range(10)))
    found = FORMS["mapped"](place, source(**{"products.id": "id", "products.attributes.late": "late"}))
    assert len(list(found)) == 10
    with pytest.raises(UserError, match=r"has no column 'lte'.*Did you mean 'late'"):
        list(FORMS["mapped"](place, source(**{"products.id": "id", "products.attributes.late": "lte"})))


def test_every_data_file_of_a_folder_is_read(tmp_path):
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(f"id\n{name[0]}1\n")
    for name in ("README.md", "LICENSE", ".gitignore", "a.csv.dvc"):
        (tmp_path / name).write_text("no rows")
    found = list(FORMS["mapped"](tmp_path, source(path=".", **{"products.id": "id"})))
    assert [(one.source, one.row, one.id) for one in found] == [("a.csv", 2, "a1"), ("b.csv", 2, "b1")]


@pytest.mark.parametrize("form", ["mapped", "advertisegen", "amazon_qa", "item_windows", "jddc", "tables", "rnnlg"])
def test_a_place_that_is_not_there_is_named(tmp_path, form):
    columns = {"products.id": "id"} if form == "mapped" else {}
    if form == "advertisegen":
        columns = {"adverts.goal": "=a", "adverts.audience": "=b"}
    with pytest.raises(UserError, match="nowhere"):
        list(FORMS[form](tmp_path / "nowhere", source(path="nowhere", form=form, **columns)))
