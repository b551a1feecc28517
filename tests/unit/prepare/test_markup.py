"""Markup: what is not shown goes in one pass, and no text takes time quadratic in its length."""

import time

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.peers import operations as plain
from ecom_llm.prepare.cleaning import LONG, OPERATIONS, cleaned_texts
from ecom_llm.prepare.markup import without_hidden

PIECES = [
    *(
        "<!--",
        "-->",
        "<!-->",
        "--",
        "<script>",
        "<SCRIPT type='a>b'>",
        "</script>",
        "</Script >",
        "</script",
        "<script",
    ),
    *(
        "<style media=x>",
        "</style>",
        "<!doctype html>",
        "<!DOCTYPE ",
        "<b>",
        "</b>",
        "<p>",
        "<br/>",
        '<a title="<!--">',
    ),
    *("<a x='", "'", '"', ">", "<", " ", "x", "=", "hidden ", "好", "ſcript"),
]
TEXTS = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@given(TEXTS)
@settings(max_examples=500, deadline=None)
def test_one_pass_removes_what_the_expression_removes(text):
    assert without_hidden(text) == plain.HIDDEN.sub("", text)


@given(st.lists(st.one_of(st.none(), TEXTS), max_size=4), TEXTS)
@settings(max_examples=100, deadline=None)
def test_long_texts_are_cleaned_as_short_ones_are(texts, opened):
    texts = [*texts, opened + "x" * LONG, "<script>" + opened + " <b> " * (LONG // 5)]
    found = cleaned_texts(pl.Series(texts, dtype=pl.String), ("html",)).to_list()
    assert found == [None if text is None else plain.html_text(text) for text in texts]


def seconds(text: str) -> float:
    """CPU time of cleaning one text, the best of three."""
    column = pl.Series([text])
    found = []
    for _ in range(3):
        started = time.process_time()
        cleaned_texts(column, tuple(OPERATIONS))
        found.append(time.process_time() - started)
    return min(found)


@pytest.mark.parametrize(
    "piece",
    [
        *(
            "<!-- <b>",
            "<script><b>",
            "<style><br>",
            "<script x='",
            "<!--x--><!--<i>",
            "</script ",
            "<!doctype ",
            "<a x='<b>' ",
        ),
        *("<", "&", "&#39;", "e\u0301", "\u0301\u0323", " \t", "\u200b", "👩\u200d👧", "Ã©", "Ã ", "â€", "word"),
    ],
)
def test_four_times_the_text_takes_no_more_than_four_times_the_time(piece):
    """Quadratic time would be 16 times as much; hundredths of a second are added because so little is badly measured."""
    size = 75_000
    cleaned_texts(pl.Series([piece * 9]), tuple(OPERATIONS))  # compiling takes longer than cleaning
    short, long = (seconds(piece * (length // len(piece.encode()))) for length in (size, 4 * size))
    assert long < 8 * short + 0.02
