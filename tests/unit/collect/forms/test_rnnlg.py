"""rnnlg: the parser of dialogue acts, the three files, and the real laptop data."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.collect.forms.rnnlg import LONGEST_ACT, attributes_of, parse_act, read
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Product, UserError

REPO = Path(__file__).parents[4]
LAPTOP = REPO.parent / "shared" / "data" / "rnnlg-laptop"
COMMENTS = "#####\n" * 2 + "#  Copyright  #\n" + "#####\n" * 2

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
PLAIN = st.text(alphabet="abc 019.,-='?()\"", min_size=1, max_size=10).filter(
    lambda text: text == text.strip() and text[0] != "'"
)
QUOTED = st.text(alphabet="abc ;=.'()", max_size=12).filter(lambda text: "'" not in text or not has_early_end(text))


def has_early_end(text):
    """Whether a quote in the value would be taken for its end."""
    return any(text[place + 1 :].lstrip()[:1] in ("", ";") for place, character in enumerate(text) if character == "'")


SLOTS = st.one_of(
    st.tuples(NAMES, st.none()).map(lambda slot: (slot[0], slot[0], None)),
    st.tuples(NAMES, PLAIN).map(lambda slot: (f"{slot[0]}={slot[1]}", *slot)),
    st.tuples(NAMES, QUOTED).map(lambda slot: (f"{slot[0]}='{slot[1]}'", *slot)),
)


@given(
    st.from_regex(r"\??[a-z_]{1,10}", fullmatch=True), st.lists(SLOTS, max_size=6), st.sampled_from([";", "; ", " ;"])
)
def test_an_act_that_was_written_is_read_back(act, slots, separator):
    text = f"{act}({separator.join(spelling for spelling, _, _ in slots)})"
    assert parse_act(text) == (act, [(name, value) for _, name, value in slots])


@pytest.mark.parametrize(
    ("text", "act", "slots"),
    [
        ("goodbye()", "goodbye", []),
        ("?request(weightrange)", "?request", [("weightrange", None)]),
        ("inform(name='red; door=cafe';kids=yes)", "inform", [("name", "red; door=cafe"), ("kids", "yes")]),
        ("inform(name='joe's';price='')", "inform", [("name", "joe's"), ("price", "")]),
        ("inform(formula=a=b;size=)", "inform", [("formula", "a=b"), ("size", "")]),
        ("inform(note=wide (17 inch))", "inform", [("note", "wide (17 inch)")]),
        ("inform(type=laptop;)", "inform", [("type", "laptop")]),
    ],
)
def test_known_acts(text, act, slots):
    assert parse_act(text) == (act, slots)


@pytest.mark.parametrize("text", ["", "inform", "inform(a=b", "(a=b)", "inform(=yes)", "inform(a=b;;c=d)"])
def test_what_is_no_act_is_refused(text):
    with pytest.raises(ValueError, match=r"^act: "):
        parse_act(text)


def test_an_act_that_would_take_hours_is_refused_at_once():
    with pytest.raises(ValueError, match=r"^act: longer than 2000 characters"):
        parse_act("inform(a" + " " * 1_000_000 + "x)")
    assert parse_act(f"inform(a={'b' * (LONGEST_ACT - 10)})")


@given(
    NAMES, st.lists(st.tuples(st.sampled_from(["act", "memory", "memory 2"]), st.sampled_from(["a", "b"])), max_size=6)
)
def test_no_slot_is_lost_among_attributes(act, slots):
    attributes = attributes_of(act, slots)
    assert list(attributes.values()) == [act, *(value for _, value in slots)]
    assert next(iter(attributes)) == "act"


def test_repeated_slots_are_numbered_and_unvalued_ones_readable():
    assert attributes_of("?compare", [("memory", "4 gb"), ("memory", "8 gb"), ("memory", None)]) == {
        "act": "?compare", "memory": "4 gb", "memory 2": "8 gb", "memory 3": "?",
    }  # fmt: skip


def collected(folder):
    """The products and the rejected rows of a folder."""
    found = list(read(folder, Source(form="rnnlg", path=".", locale="en", weight=1.0, columns={})))
    return [one for one in found if isinstance(one, Product)], [one for one in found if isinstance(one, Rejected)]


def write(folder, **entries):
    for name in ("train", "valid", "test"):
        content = entries.get(name, [["goodbye()", "bye", "bye"]])
        text = content if isinstance(content, str) else COMMENTS + json.dumps(content, indent=4)
        (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_rows_become_products_and_bad_rows_are_rejected(tmp_path):
    train = [
        ["inform(name=aura 5;memory=4 gb)", "the aura 5 has 4 gb", "aura 5 4 gb"],
        ["inform name", "x", "x"],
        ["inform(a=b)", " ", "x"],
        ["inform(a=b)"],
        ["inform(a=b)", "\ud800", "x"],
        ["inform(a=b)", ["x"], "x"],
        {"act": "inform(a=b)", "sentence": "x", "baseline": "x"},
        "inform(a=b)",
        ["goodbye()", "bye", "x"],
    ]
    products, rejected = collected(write(tmp_path, train=train))
    first, last, validation, test = products
    assert (first.id, first.title, first.locale, first.split, first.row) == ("train:1", "aura 5", "en", "train", 1)
    assert first.attributes == {"act": "inform", "name": "aura 5", "memory": "4 gb"}
    assert first.description == "the aura 5 has 4 gb"
    # rows count the entries of the list, the bad ones too, and not its lines
    assert (last.id, last.row) == ("train:9", 9)
    assert (validation.id, validation.split, validation.title) == ("validation:1", "validation", "")
    assert (test.id, test.split, test.source) == ("test:1", "test", "test.json")
    assert [(row.source, row.row, row.reason.split(":")[0]) for row in rejected] == [
        ("train.json", number, column)
        for number, column in [(2, "act"), (3, "sentence"), (4, "row"), (5, "row"), (6, "row"), (7, "row"), (8, "row")]
    ]
    assert {row.table for row in rejected} == {"products"}
    assert all(row.model_dump_json() for row in rejected)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (COMMENTS + '[\n  ["a()", "b" "c"]\n]', ["valid.json:7:", "no JSON"]),
        (COMMENTS, ["valid.json:6:", "the text ends"]),
        (COMMENTS + "{}", ["valid.json:1:", "the kind jsonl", "one JSON list"]),
        (COMMENTS + '["a()", "b", "c"]\n["a()", "b", "c"]', ["valid.json:7:", "behind the end"]),
    ],
)
def test_malformed_files_are_refused_with_their_line(tmp_path, content, words):
    with pytest.raises(UserError) as caught:
        collected(write(tmp_path, valid=content))
    for part in words:
        assert part in str(caught.value)


def test_a_missing_file_is_named_before_any_is_read(tmp_path):
    write(tmp_path, train="no JSON")
    (tmp_path / "valid.json").unlink()
    with pytest.raises(UserError, match=r"valid\.json is missing, which the form rnnlg needs"):
        collected(tmp_path)


@pytest.mark.skipif(not LAPTOP.is_dir(), reason="RNNLG's laptop data does not stand beside the repository")
def test_the_published_laptop_data_is_read_row_by_row():
    products, rejected = collected(LAPTOP)
    assert rejected == []
    assert Counter(product.split for product in products) == {"train": 7944, "validation": 2649, "test": 2649}
    assert len({product.id for product in products}) == len(products)
    # the last row of each file is the number of its entries
    assert max(product.row for product in products if product.split == "train") == 7944
    acts = Counter(product.attributes["act"] for product in products)
    assert (acts["recommend"], acts["?compare"], acts["goodbye"]) == (5296, 366, 3)
