"""clean: what looks the same is spelt the same."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.prepare.clean import clean_record, clean_text
from ecom_llm.records import Product, Review


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  a\t b\r\n\u3000c\u00a0d ", "a b c d"),
        ("e\u0301te\u0301", "\u00e9t\u00e9"),
        ("a\x00b\x07c\x7fd\u200be\ufefff", "abcdef"),
        ("👩\u200d👧 裙子", "👩\u200d👧 裙子"),
        (" \x00 ", ""),
    ],
)
def test_known_texts(text, cleaned):
    assert clean_text(text) == cleaned


@given(st.text())
def test_cleaning_is_done_once_and_for_all(text):
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned
    assert unicodedata.is_normalized("NFC", cleaned)
    assert all(unicodedata.category(character) != "Cc" for character in cleaned)
    assert cleaned == cleaned.strip() and "  " not in cleaned


def test_every_text_of_a_record_is_cleaned_and_its_origin_is_not():
    product = Product(
        source="a  b.csv", row=1, id=" P1 ", locale="en", title="x\n y", attributes={" colour ": "red\t", "lid": " "},
        description="d\x00", split="test",
    )  # fmt: skip
    cleaned = clean_record(product)
    assert (cleaned.source, cleaned.id, cleaned.title, cleaned.description) == ("a  b.csv", "P1", "x y", "d")
    assert (cleaned.attributes, cleaned.split) == ({"colour": "red"}, "test")
    review = Review(
        source="r", row=1, product="P", locale="en", stars=5, strengths=(" a ", " "), flaws=("b  c",), text=" t "
    )
    assert (clean_record(review).strengths, clean_record(review).flaws, clean_record(review).stars) == (
        ("a",),
        ("b c",),
        5,
    )
