"""A summary says what reviews say and nothing else, and tells praise from blame in both languages."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecom_llm.records import Example
from ecom_llm.summarise.show import shown
from ecom_llm.summarise.summary import Reader, Summary
from ecom_llm.summarise.write import check
from tests.unit.summarise.conftest import SHOPS, reviews_of, shop

SENTENCES = {
    locale: sorted({text for rows in products.values() for _, text in rows}) for locale, products in SHOPS.items()
}
WRITTEN = st.sampled_from(sorted(SHOPS)).flatmap(
    lambda locale: st.tuples(
        st.just(locale),
        st.lists(
            st.tuples(
                st.integers(1, 5),
                st.lists(st.one_of(st.sampled_from(SENTENCES[locale]), st.text(max_size=12)), max_size=4).map(" ".join),
            ),
            min_size=1,
            max_size=12,
        ),
    )
)


def about(summary: Summary) -> tuple[list[str], list[str]]:
    return [point.about for point in summary.praise], [point.about for point in summary.faults]


@given(WRITTEN)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_is_said_that_no_review_of_the_product_says(readers: dict[str, Reader], written):
    locale, rows = written
    reviews = reviews_of("thing", rows, locale)
    summary = readers[locale].summary("thing", reviews)
    texts = {one.id: one.target for one in reviews}
    assert summary.reviews == len(reviews) == sum(summary.stars.values())
    for point in (*summary.praise, *summary.faults):
        assert point.reviews == len({quote.review for quote in point.quotes}) >= summary.least
        assert point.statement == point.quotes[0].text
        for quote in point.quotes:
            assert quote.text == texts[quote.review][quote.start : quote.end] != ""
            # the word a point is about stands in each of its quotes, in some form
            topics = readers[locale].topics
            assert topics.stem(point.about) in {topic.stem for topic in topics.of(quote.text)}
    # no thought praises and faults at once
    sides = [{(q.review, q.start) for p in points for q in p.quotes} for points in (summary.praise, summary.faults)]
    assert not sides[0] & sides[1]


@given(WRITTEN, st.randoms(use_true_random=False))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_the_reviews_does_not_matter(readers: dict[str, Reader], written, random):
    locale, rows = written
    reviews = reviews_of("thing", rows, locale)
    shuffled = random.sample(reviews, len(reviews))
    assert readers[locale].summary("thing", reviews) == readers[locale].summary("thing", shuffled)


def test_english_praise_and_blame(readers: dict[str, Reader]):
    assert about(readers["en"].summary("dress", shop("en")["dress"])) == (["fabric", "colour"], ["zipper"])
    praised, faulted = about(readers["en"].summary("lamp", shop("en")["lamp"]))
    assert set(praised) == {"glow", "base"} and set(faulted) == {"cable", "switch"}


def test_chinese_praise_and_blame(readers: dict[str, Reader]):
    praised, faulted = about(readers["zh"].summary("dress", shop("zh")["dress"]))
    assert set(praised) == {"面料", "颜色"} and faulted == ["拉链"]
    praised, faulted = about(readers["zh"].summary("lamp", shop("zh")["lamp"]))
    assert set(praised) == {"光线", "底座"} and faulted == ["开关"]


def test_counts_are_of_reviews_and_not_of_sentences(readers: dict[str, Reader]):
    rows = [(5, "The fabric is soft and lovely. I love the fabric."), *[(5, "The fabric is great.")] * 5]
    (point,) = readers["en"].summary("dress", reviews_of("dress", rows, "en")).praise
    assert (point.about, point.reviews, len(point.quotes)) == ("fabric", 6, 7)


@pytest.mark.parametrize(
    ("locale", "stars", "thought", "sign"),
    [
        ("en", 5, "The fabric is great", 1),
        ("en", 2, "I loved the fabric", 0),
        ("en", 1, "The zipper is bad and broke", -1),
        ("en", 5, "The zipper is a bit tight", 0),
        ("zh", 5, "面料很好", 1),
        ("zh", 1, "拉链很差", -1),
        ("zh", 1, "面料很好", 1),
    ],
)
def test_words_and_stars_decide_together(readers: dict[str, Reader], locale: str, stars: int, thought: str, sign: int):
    assert readers[locale].polarity.of([thought], [stars]) == [sign]


def test_without_unhappy_buyers_the_stars_decide():
    reviews = reviews_of("dress", [(5, "The fabric is soft."), (4, "The fabric is thick.")] * 4, "en")
    summary = Reader(reviews, "en").summary("dress", reviews)
    assert about(summary) == (["fabric"], [])


def test_a_name_of_the_product_is_no_point():
    """`this dress` names what was bought, `the fabric` a part of it."""
    rows = [(5, "I love this dress. The fabric is lovely."), (1, "This dress is bad. The zipper is bad.")] * 6
    summary = Reader(reviews_of("dress", rows, "en"), "en").summary("dress", reviews_of("dress", rows, "en"))
    assert about(summary) == (["fabric"], ["zipper"])


def test_few_reviews_need_no_second_one(readers: dict[str, Reader]):
    one = reviews_of("dress", [(5, "The fabric is soft and lovely.")], "en")
    assert readers["en"].summary("dress", one).praise[0].reviews == 1
    five = [*one, *reviews_of("dress", [(5, "Fine.")] * 5, "en")[1:]]
    assert readers["en"].summary("dress", five).praise == ()


def test_it_is_shown_in_the_language_of_the_reviews(readers: dict[str, Reader]):
    english = shown(readers["en"].summary("dress", shop("en")["dress"]))
    assert english.startswith("dress: 6 reviews (5★ 3, 4★ 1, 2★ 1, 1★ 1). The points below rest on ")
    assert "Faulted\n  zipper: 3 of 6 reviews\n" in english
    assert "[review:en:dress:reviews.csv:" in english
    chinese = shown(readers["zh"].summary("dress", shop("zh")["dress"]))
    assert "差评\n  拉链：6 条中 3 条\n" in chinese
    nothing = shown(readers["en"].summary("dress", reviews_of("dress", [(3, "Hm.")] * 6, "en")))
    assert nothing.count("no point that 2 or more reviews make clearly") == 2


def test_a_text_that_no_review_says_is_refused(readers: dict[str, Reader]):
    reviews = shop("en")["dress"]
    summary = readers["en"].summary("dress", reviews)
    check(summary, reviews)
    changed: list[Example] = [one.model_copy(update={"target": one.target.upper()}) for one in reviews]
    with pytest.raises(AssertionError, match="does not say"):
        check(summary, changed)
    with pytest.raises(AssertionError, match="does not say"):
        check(summary, shop("en")["lamp"])


@pytest.mark.parametrize(
    ("locale", "stars", "text", "sign"),
    [
        ("en", 5, "I did not love the fabric.", 0),
        ("en", 4, "I wish the fabric was better.", 0),
        ("en", 5, "The colour is lovely, not too bright.", 1),
        ("en", 1, "Nothing wrong with the fabric.", 0),
        ("en", 2, "The fabric does not look cheap.", 0),
        ("zh", 5, "面料不是很好。", 0),
        ("zh", 4, "不是很喜欢颜色。", 0),
        ("zh", 1, "拉链没有坏。", 0),
    ],
)
def test_a_word_that_is_turned_praises_and_blames_nothing(
    readers: dict[str, Reader], locale: str, stars: int, text: str, sign: int
):
    said = readers[locale].said(reviews_of("thing", [(stars, text)], locale))
    assert {one.sign for one in said} == {sign}
