"""prepare: every row is accounted for, and no group stands in two splits."""

import json
from collections import Counter, defaultdict
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_llm.collect.rejected import Rejected
from ecom_llm.prepare.ledger import TABLE_OF
from ecom_llm.records import (
    SPLITS,
    TABLES,
    Advert,
    Interaction,
    Product,
    Question,
    Review,
    Tables,
    UserError,
)
from ecom_llm.skills import SKILLS


def only(shop, **changed):
    """The shop with some tables changed: `lambda rows: rows` for each."""
    return Tables.model_validate(
        {table: changed[table](getattr(shop, table)) if table in changed else getattr(shop, table) for table in TABLES}
    )


@pytest.fixture
def account(prepared_of):
    return lambda shop, params, table: prepared_of(shop, [], params).manifest.tables[table]


def edited(rows, place, **values):
    """The rows, with one more in front of `place` that differs from its neighbour in its row and these values."""
    extra = rows[place].model_copy(update={"row": 90_000 + place, **values})
    return [*rows[: place + 1], extra, *rows[place + 1 :]]


def test_each_skill_has_a_table():
    assert set(TABLE_OF) == set(SKILLS) and set(TABLE_OF.values()) == set(TABLES)


def test_a_whole_shop_is_kept(shop, params, prepared_of):
    manifest = prepared_of(shop, [], params).manifest
    assert (manifest.rows.rows_in, manifest.rows.kept, manifest.rows.rejected, manifest.rows.duplicates) == (
        680,
        680,
        0,
        0,
    )
    assert (manifest.tables["interactions"].kept_as_example, manifest.tables["interactions"].kept_as_context) == (
        160,
        40,
    )
    assert sum(manifest.splits.values()) == 640
    assert sum(manifest.groups.values()) == 100
    assert (manifest.skills["describe"]["zh"]["train"] > 30, manifest.items) == (True, 120)


def test_no_group_stands_in_two_splits_and_products_share_one_over_skills_and_locales(shop, params, prepared_of):
    splits = defaultdict(set)
    for example in prepared_of(shop, [], params).examples:
        splits[example.group].add(example.split)
    assert {len(found) for found in splits.values()} == {1}
    assert {split for found in splits.values() for split in found} == set(SPLITS)


def test_a_given_split_takes_the_whole_group(shop, params, prepared_of):
    wanted = {"P1": "test", "P2": "validation", "P3": "train"}

    def give(rows):
        return [row.model_copy(update={"split": wanted.get(row.id) if row.locale == "zh" else None}) for row in rows]

    examples = prepared_of(only(shop, products=give), [], params).examples
    for name, split in wanted.items():
        found = {example.split for example in examples if example.group == name}
        assert found == {split}


def test_adding_products_moves_no_other(shop, params, prepared_of):
    half = only(shop, products=lambda rows: rows[::2])
    whole = {example.id: example.split for example in prepared_of(shop, [], params).examples}
    for example in prepared_of(half, [], params).examples:
        assert whole[example.id] == example.split


@pytest.mark.parametrize(
    ("table", "values", "reason"),
    [
        ("products", {"id": "\x00"}, "id: empty"),
        (
            "products",
            {"id": "new", "attributes": {"a": "1", " a": "2"}},
            "attributes: two names are the same, or one is empty",
        ),
        ("products", {"id": "new", "attributes": {}}, "attributes: none to write from"),
        ("products", {"id": "new", "description": "x"}, "text: shorter than 2 characters"),
        ("products", {"id": "new", "description": "x" * 2001}, "text: longer than 2000 characters"),
        ("products", {"description": "another"}, "key: an earlier row with other content has it"),
        (
            "products",
            {"description": "another", "source": "zoo.csv"},
            "key: a row of another source, with other content, has it",
        ),
        ("adverts", {"product": "nobody"}, "product: not in the products table in this locale"),
        ("adverts", {"locale": "fr"}, "product: not in the products table in this locale"),
        ("reviews", {"text": "\u200b"}, "text: empty"),
        ("questions", {"question": "\n"}, "question: empty"),
        ("interactions", {"product": "nobody", "position": 9}, "product: not in the products table in this locale"),
        ("interactions", {"product": "P60"}, "key: an earlier row with other content has it"),
        ("interactions", {"shopper": "new"}, "history: no purchase in it is left to predict"),
    ],
)
def test_a_row_that_cannot_be_used_is_rejected_with_its_reason(shop, params, table, values, reason, prepared_of):
    prepared = prepared_of(only(shop, **{table: lambda rows: edited(rows, 2, **values)}), [], params)
    found = prepared.manifest.tables[table]
    assert (found.rejected, found.reasons) == (1, {reason: 1})
    (rejected,) = prepared.rejected
    assert (rejected.table, rejected.row, rejected.reason) == (table, 90_002, reason)
    assert json.loads(rejected.content)["locale"]


def test_purchases_of_products_without_a_title_of_their_own_are_rejected(shop, params, prepared_of):
    def retitle(rows):
        return [row.model_copy(update={"title": {"P1": "", "P3": "Dress 2 en"}.get(row.id, row.title)}) for row in rows]

    prepared = prepared_of(only(shop, products=retitle), [], params)
    bought = sum(row.product in ("P1", "P3") for row in shop.interactions)
    reasons = prepared.manifest.tables["interactions"].reasons
    assert reasons["product: its title is empty, or an earlier product has it"] == bought > 0
    items = {(item.product, item.locale): item.title for item in prepared.items}
    assert not {("P1", "en"), ("P3", "en")} & set(items)
    targets = [example for example in prepared.examples if example.skill == "recommend"]
    assert targets and all(items[example.product, example.locale] == example.target for example in targets)


@pytest.mark.parametrize(("length", "kept"), [(1, False), (2, True), (2000, True), (2001, False)])
def test_the_bounds_themselves_are_allowed(shop, params, length, kept, account):
    text = "".join(chr(ord("一") + place) for place in range(length))  # no character twice: nothing repeats itself
    rows = only(shop, reviews=lambda rows: [rows[0], rows[1].model_copy(update={"text": text}), *rows[2:]])
    assert account(rows, params, "reviews").rejected == (not kept)


def test_a_product_without_a_description_is_context(shop, params, account):
    silent = only(shop, products=lambda rows: [rows[0].model_copy(update={"description": " "}), *rows[1:]])
    found = account(silent, params, "products")
    assert (found.kept_as_context, found.kept_as_example, found.kept) == (1, 119, 120)


@pytest.mark.parametrize("skill", sorted(TABLE_OF))
def test_what_is_not_to_be_learned_is_context(shop, params, prepared_of, skill):
    every = prepared_of(shop, [], params)
    others = tuple(name for name in TABLE_OF if name != skill)
    without, alone = (
        prepared_of(shop, [], params.model_copy(update={"skills": chosen})) for chosen in (others, (skill,))
    )
    assert [one for one in every.examples if one.skill != skill] == list(without.examples)
    assert [one for one in every.examples if one.skill == skill] == list(alone.examples)
    for prepared, silent in ((without, {skill}), (alone, set(others))):
        for name in silent:
            found = prepared.manifest.tables[TABLE_OF[name]]
            assert found.kept_as_context == found.kept == found.rows_in - found.duplicates - found.rejected > 0
            assert not any("history" in reason for reason in found.reasons)


@pytest.mark.parametrize("table", sorted(TABLES))
def test_an_exact_repetition_is_a_duplicate(shop, params, table, account):
    found = account(only(shop, **{table: lambda rows: edited(rows, 2)}), params, table)
    assert (found.duplicates, found.rejected) == (1, 0)


def test_equal_examples_of_two_products_are_kept_once_but_equal_purchases_of_two_shoppers_twice(shop, params, account):
    twin = {
        "id": "new",
        "description": "A  dress, number 2, en.",
        "title": "Other",
        "attributes": {"kind": "dress", "number": "2 "},
    }
    found = account(only(shop, products=lambda rows: edited(rows, 2, **twin)), params, "products")
    assert (found.duplicates, found.kept_as_example) == (1, 120)

    def second_shopper(rows):
        return rows + [
            row.model_copy(update={"row": row.row + 9000, "shopper": "twin"}) for row in rows if row.shopper == "S1"
        ]

    found = account(only(shop, interactions=second_shopper), params, "interactions")
    assert (found.duplicates, found.kept) == (0, 205)


def test_published_rows_stay_even_when_equal_and_others_that_equal_them_go(shop, params, prepared_of):
    same = {"description": "Same.", "attributes": {"kind": "same"}}
    published = [shop.products[0].model_copy(update={**same, "id": f"new {n}", "row": 5000 + n, "split": s})
                 for n, s in enumerate([None, "train", "test", "test"])]  # fmt: skip
    prepared = prepared_of(only(shop, products=lambda rows: published + rows), [], params)
    kept = [(example.group, example.split) for example in prepared.examples if example.target == "Same."]
    assert kept == [("new 1", "train"), ("new 2", "test"), ("new 3", "test")]
    assert prepared.manifest.tables["products"].duplicates == 1
    assert prepared.manifest.equal_examples == 2
    assert prepared.manifest.test_inputs_in_train["describe"] == 1


def test_rows_rejected_at_collection_count_as_rows_in(shop, params, prepared_of):
    refused = [Rejected(source="r.csv", row=7, table="reviews", reason="stars: bad", content="{}")]
    prepared = prepared_of(shop, refused, params)
    found = prepared.manifest.tables["reviews"]
    assert (found.rows_in, found.rejected, found.kept, found.reasons) == (121, 1, 120, {"stars: bad": 1})
    assert prepared.rejected == refused


def test_a_skill_that_loses_a_row_is_found_out(shop, params, monkeypatch, prepared_of):
    forgetful = replace(SKILLS["review"], examples=lambda tables: list(SKILLS["describe"].examples(tables))[:0])
    monkeypatch.setitem(SKILLS, "review", forgetful)
    with pytest.raises(RuntimeError, match=r"reviews: x\.csv:1 has no fate: prepare lost count of a row"):
        prepared_of(shop, [], params)


def test_rows_that_share_an_origin_are_found_out(shop, params, prepared_of):
    twice = only(shop, reviews=lambda rows: [*rows, rows[0].model_copy(update={"text": "other"})])
    with pytest.raises(RuntimeError, match="prepare lost count of a row"):
        prepared_of(twice, [], params)


def test_an_empty_split_is_refused_with_what_to_do(shop, params, prepared_of):
    with pytest.raises(UserError) as caught:
        prepared_of(Tables(products=shop.products[:1]), [], params)
    assert "1 rows in, 1 kept as examples" in str(caught.value)
    assert "Collect more rows, give another prepare.seed, or change prepare.validation_share (0.1)" in str(caught.value)
    with pytest.raises(UserError, match=r"no example is left for the split train: 0 rows in"):
        prepared_of(Tables(), [], params)


NAMES = st.sampled_from(["A", "B", "C", " A", "", "\x00"])
TEXTS = st.sampled_from(["x", "ab", "a  b", "a b", "", "long " * 500, "warm", "e\u0301e", "\u00e9e"])
LOCALES = st.sampled_from(["en", "zh"])
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["kind", " kind", "size", ""]), st.sampled_from(["a", "b", " "]), max_size=2
)
SPLIT = st.sampled_from([None, None, "train"])  # of one kind, so that no product is given two
COLUMNS = {
    Product: {"id": NAMES, "title": NAMES, "attributes": ATTRIBUTES, "description": st.none() | TEXTS, "split": SPLIT},
    Review: {"product": NAMES, "stars": st.integers(1, 5), "strengths": st.lists(TEXTS, max_size=1), "text": TEXTS},
    Question: {"product": NAMES, "question": TEXTS, "answer": TEXTS},
    Advert: {"product": NAMES, "goal": TEXTS, "audience": TEXTS, "text": TEXTS},
    Interaction: {"shopper": NAMES, "product": NAMES, "position": st.integers(0, 6)},
}  # fmt: skip


def rows_of(kind):
    record = st.fixed_dictionaries({"locale": LOCALES, **COLUMNS[kind]})
    return st.lists(record, max_size=12).map(
        lambda rows: [kind(source="s", row=number, **row) for number, row in enumerate(rows, start=1)]
    )


@settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(tables=st.fixed_dictionaries({table: rows_of(kind) for table, kind in TABLES.items()}))
def test_whatever_comes_in_the_rows_add_up(shop, params, tables, prepared_of):
    # beside the random rows stands a whole shop, so that no split is empty
    mixed = Tables(**{table: getattr(shop, table) + tables[table] for table in TABLES})
    prepared = prepared_of(mixed, [], params)
    for table, found in prepared.manifest.tables.items():
        assert found.rows_in == len(getattr(mixed, table)) == found.kept + found.rejected + found.duplicates
        assert found.rejected == sum(row.table == table for row in prepared.rejected) == sum(found.reasons.values())
    sources = Counter(TABLE_OF[example.skill] for example in prepared.examples)
    assert all(sources[table] == found.kept_as_example for table, found in prepared.manifest.tables.items())
    splits = defaultdict(set)
    for example in prepared.examples:
        splits[example.group].add(example.split)
    assert all(len(found) == 1 for found in splits.values())
