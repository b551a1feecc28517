"""Quality filters: each finds what it is for, spares what it is not for, and is switched by its name."""

import re
import unicodedata

import daft
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.collect.catalogue import generate
from ecom_llm.prepare.quality import (
    FILTERS,
    TOKEN_OR_END,
    Limits,
    _may_repeat,
    reasons,
    reasons_of,
)
from ecom_llm.prepare.repetition import SENTENCE_ENDS, TOKEN, repetition
from ecom_llm.records import UserError

LIMITS = Limits(min_characters=3, max_characters=300, min_letters=0.4, max_links=0.3, max_repetition=0.3)
GOOD = [
    "The jacket is warm and it fits very well; see https://example.com/size for the sizes of all our jackets.",
    "这件外套很暖和，穿着合身，就是拉链有点紧，推荐给大家。",
    "500 GB SSD, 16 GB RAM",
    "好看，好看！",
    "没有哦",
    "This test bench is a good test of strength.",
]


def judged(texts, *filters, locale="en"):
    """The reasons against texts of one locale."""
    column = pl.Series(texts, dtype=pl.String)
    return reasons_of(
        column, pl.Series([locale] * len(texts), dtype=pl.String), filters or tuple(FILTERS), LIMITS
    ).to_list()


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("short", "ok", "text: shorter than 3 characters"),
        ("short", "好的", "text: shorter than 3 characters"),
        ("long", "word " * 61, "text: longer than 300 characters"),
        ("placeholder", "N/A", "text: a placeholder"),
        ("placeholder", "此用户没有填写评价。", "text: a placeholder"),
        ("placeholder", "此用户没有填写评论!", "text: a placeholder"),
        ("placeholder", "该用户未及时评价，系统默认好评", "text: a placeholder"),
        ("placeholder", "评价方未及时做出评价,系统默认好评!", "text: a placeholder"),
        ("placeholder", "Test 123", "text: a placeholder"),
        ("placeholder", "No description available", "text: a placeholder"),
        (
            "placeholder",
            "Fine. Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod.",
            "text: a placeholder",
        ),
        ("letters", "*** 100% !!! ---", "text: fewer than 40% of its characters are letters"),
        ("links", "see https://example.com/a/b?c=d", "text: more than 30% of it are web addresses"),
        ("repetition", "buy now buy now buy now buy now cheap", "text: more than 30% of it repeats itself"),
        ("repetition", "好评好评好评好评好评", "text: more than 30% of it repeats itself"),
        ("repetition", "I like this coat. I like this coat. It is warm.", "text: more than 30% of it repeats itself"),
        (
            "language",
            "Die Jacke ist sehr warm und sitzt gut, aber der Stoff ist dünn.",
            "text: its language is de and not en",
        ),
        ("language", "这件外套很暖和，穿着合身，推荐给大家。", "text: its language is zh and not en"),
    ],
)
def test_each_filter_finds_what_it_is_for_when_switched_on(name, text, reason):
    assert judged([text], name) == [reason]
    others = tuple(other for other in FILTERS if other != name)
    assert judged([text], *others) != [reason]


@pytest.mark.parametrize("locale", ["en", "zh"])
def test_good_texts_pass(locale):
    mine = [text for text in GOOD if ("的" in text or "，" in text or "哦" in text) == (locale == "zh")]
    assert len(mine) >= 3
    assert judged(mine, locale=locale) == [None] * len(mine)


def test_the_first_filter_in_the_order_given_gives_the_reason():
    assert judged(["n/a"], "letters", "placeholder") == judged(["n/a"], "placeholder", "letters")
    assert judged(["ok ok"], "repetition", "short") == [None]
    assert judged(["--"], "short", "letters") == ["text: shorter than 3 characters"]
    assert judged(["--"], "letters", "short") == ["text: fewer than 40% of its characters are letters"]


def test_the_expression_keeps_nulls_and_can_be_off():
    frame = daft.from_pydict({"text": ["n/a", None, GOOD[0]], "locale": ["en", "en", "en"]})
    text, locale = daft.col("text"), daft.col("locale")
    told = frame.select(reasons(text, locale, tuple(FILTERS), LIMITS).alias("reason")).to_pydict()["reason"]
    assert told == ["text: a placeholder", None, None]
    assert frame.select(reasons(text, locale, (), LIMITS).alias("reason")).to_pydict()["reason"] == [None] * 3
    with pytest.raises(UserError, match="'lenght'; expected some of placeholder, short"):
        reasons(text, locale, ("lenght",), LIMITS)


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("a b c d e f", 0.0),
        ("a b a b", 0.0),  # a pair that stands twice is no repetition
        ("a b a b a b", 1.0),
        ("a b x a b y a b z w", 6 / 10),
        ("a a a a", 1.0),
        ("one two. three four. one two.", 1 / 3),
        ("好。好。坏", 1 / 3),
        ("good. nice. good. great. good. fine.", 1 / 3),
        ("", 0.0),
    ],
)
def test_repetition_counts_places(text, share):
    assert repetition(text) == pytest.approx(share)


PIECES = st.sampled_from(
    ["a", "b", "ab", "A", "Σ", "é", "e\u0301", "ก็", "2", "²", "_", "好", "的", ".", "。", "!", "\n", ","]
)


@given(st.lists(st.lists(PIECES, max_size=20).map(" ".join), min_size=1, max_size=8))
@settings(max_examples=300, deadline=None)
def test_the_verdict_on_a_column_is_that_on_each_text(texts):
    wanted = [repetition(text) > LIMITS.max_repetition for text in texts]
    assert [reason is not None for reason in judged(texts, "repetition")] == wanted


def test_few_natural_texts_are_looked_at_twice():
    tables = generate(seed=1, products=60, shoppers=20)
    texts = [row.text for row in (*tables.reviews, *tables.adverts)]
    assert _may_repeat(pl.Series(texts), LIMITS.max_repetition).mean() < 0.05


def test_rust_reads_the_words_that_python_reads():
    known = [chr(place) for place in range(0x110000) if unicodedata.category(chr(place)) not in ("Cn", "Cs")]
    found = pl.Series(known).str.contains(f"^(?:{TOKEN_OR_END})$")
    assert set(pl.Series(known).filter(found)) == {one for one in known if re.match(TOKEN, one)} | {*SENTENCE_ENDS}


@pytest.mark.parametrize("ngram", ["a b", "a b c", "a b c d"])
def test_an_ngram_that_just_covers_too_much_is_looked_at(ngram):
    fillers = iter(range(100))
    size = len(ngram.split())
    text = " ".join(f"{ngram} " + " ".join(str(next(fillers)) for _ in range(2 * size)) for _ in range(3))
    assert repetition(text) == pytest.approx(1 / 3)
    assert judged([text], "repetition") == ["text: more than 30% of it repeats itself"]


@given(st.lists(st.one_of(st.none(), st.text(max_size=60)), max_size=10))
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_a_filter_and_rows_do_not_meet(texts):
    together = judged(texts)
    assert together == [judged([text])[0] for text in texts]
    assert all(reason is None for reason, text in zip(together, texts, strict=True) if text is None)


def test_the_catalogue_passes():
    tables = generate(seed=1, products=60, shoppers=20)
    for locale in ("en", "zh"):
        texts = [row.text for row in (*tables.reviews, *tables.adverts) if row.locale == locale]
        refused = [reason for reason in judged([text[:300] for text in texts], locale=locale) if reason]
        assert len(refused) <= 0.005 * len(texts), refused
