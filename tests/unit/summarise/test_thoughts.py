"""Thoughts are stretches of the text, in order, and part where praise may turn to blame."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.records import UserError
from ecom_llm.summarise.thoughts import thoughts

PIECES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                ". ",
                ", but ",
                ", and ",
                "! ",
                " - ",
                "\n",
                "。",
                "，",
                "但是",
                "不但",
                "...",
                '" ',
                "soft",
                "面料很好",
                " ",
            ]
        ),
        st.text(max_size=8),
    ),
    max_size=20,
).map("".join)


@given(PIECES, st.sampled_from(["en", "zh", "zh-TW", "en-GB"]))
def test_thoughts_are_stretches_of_the_text_in_order(text: str, locale: str):
    found = thoughts(text, locale)
    assert all(text[one.start : one.end] == one.text == one.text.strip() != "" for one in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


@given(PIECES, st.sampled_from(["en", "zh"]))
def test_no_letter_is_lost(text: str, locale: str):
    kept = "".join(one.text for one in thoughts(text, locale))
    assert [c for c in text if c.isalpha()] == [c for c in kept if c.isalpha()]


@pytest.mark.parametrize(
    ("locale", "text", "parts"),
    [
        ("en", "Soft fabric, but the zipper broke.", ["Soft fabric", "but the zipper broke."]),
        ("en", "Love it! It is 5.5 inches long.", ["Love it!", "It is 5.5 inches long."]),
        ("en", "So soft... however the cut is odd", ["So soft...", "however the cut is odd"]),
        ("zh", "面料很好，但是拉链很差。", ["面料很好", "但是拉链很差"]),
        ("zh", "不但好看而且舒服！", ["不但好看而且舒服"]),
        ("en", " \n ", []),
    ],
)
def test_where_a_thought_ends(locale: str, text: str, parts: list[str]):
    assert [one.text for one in thoughts(text, locale)] == parts


def test_other_languages_are_refused():
    with pytest.raises(UserError, match="reads reviews in en, zh, found locale 'de'"):
        thoughts("Sehr gut.", "de")
