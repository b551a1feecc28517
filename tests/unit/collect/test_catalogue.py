"""The built-in catalogue: what its tables hold, and that every fact its texts state is one of the product's."""

import re
from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from ecom_llm.collect.catalogue import generate
from ecom_llm.records import LIST_SEPARATOR, Product, Tables

PRODUCTS, SHOPPERS = 600, 400
LOCALES = ("en", "zh")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return generate(seed=7, products=PRODUCTS, shoppers=SHOPPERS)


@pytest.fixture(scope="module")
def listings(tables: Tables) -> dict[tuple[str, str], Product]:
    return {(product.id, product.locale): product for product in tables.products}


def members(product: Product) -> set[str]:
    """The product's values, list values taken apart."""
    return {member for value in product.attributes.values() for member in value.split(LIST_SEPARATOR)}


def matcher(values: set[str], locale: str) -> re.Pattern:
    """This test's own matcher: whole words and any case in English, substrings in Chinese, the longest value first."""
    found = "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))
    return re.compile(found if locale == "zh" else rf"(?<!\w)(?:{found})(?!\w)", re.IGNORECASE)


def stated(text: str, vocabulary: re.Pattern) -> set[str]:
    return {match.lower() for match in vocabulary.findall(text)}


def lowered(values: set[str]) -> set[str]:
    return {value.lower() for value in values}


@pytest.fixture(scope="module")
def vocabularies(tables: Tables) -> dict[str, re.Pattern]:
    return {
        locale: matcher({value for row in tables.products if row.locale == locale for value in members(row)}, locale)
        for locale in LOCALES
    }


def test_equal_arguments_give_equal_bytes_and_another_seed_does_not() -> None:
    once, again, other = (generate(seed, 30, 10).model_dump_json() for seed in (1, 1, 2))
    assert once == again
    assert once != other


def test_a_bigger_catalogue_only_appends_products_and_texts() -> None:
    small, big = generate(3, 40, 0), generate(3, 60, 0)
    for name in ("products", "adverts", "reviews", "questions"):
        assert getattr(big, name)[: len(getattr(small, name))] == getattr(small, name)


def test_a_tiny_shop_and_one_without_shoppers_are_possible() -> None:
    assert generate(1, 1, 2).interactions[-1].shopper == "S00002"
    assert generate(1, 2, 0).interactions == []


def test_every_product_stands_in_both_locales_with_its_texts(tables: Tables, listings: dict) -> None:
    assert len(tables.products) == len(listings) == 2 * PRODUCTS
    assert len(tables.adverts) == 2 * PRODUCTS
    for rows in (tables.reviews, tables.questions):
        per_product = Counter((row.product, row.locale) for row in rows)
        assert set(per_product) == set(listings)
        assert set(per_product.values()) == {1, 2}
    for rows in (tables.products, tables.adverts, tables.reviews, tables.questions, tables.interactions):
        assert [row.row for row in rows] == list(range(1, len(rows) + 1))
        assert {row.source for row in rows} == {"catalogue"}


def test_categories_and_attributes(tables: Tables) -> None:
    for locale, first, second in (("en", "category", "brand"), ("zh", "类别", "品牌")):
        rows = [row for row in tables.products if row.locale == locale]
        assert len({row.attributes[first] for row in rows}) >= 8
        assert all(next(iter(row.attributes)) == first for row in rows)
        assert all(list(row.attributes).index(second) == 1 for row in rows if second in row.attributes)
        assert 0.15 < sum(second not in row.attributes for row in rows) / len(rows) < 0.35
        sizes = Counter(len(row.attributes) for row in rows)
        assert set(sizes) == {2, 3, 4, 5, 6, 7} and sizes[2] > 0.02 * len(rows), "some listings say little"
        assert any(LIST_SEPARATOR in value for row in rows for value in row.attributes.values())


def test_both_locales_list_the_same_product(listings: dict) -> None:
    pairs = defaultdict(set)
    for (product, locale), row in listings.items():
        if locale == "en":
            twin = listings[product, "zh"]
            assert len(row.attributes) == len(twin.attributes)
            for name, other in zip(row.attributes, twin.attributes, strict=True):
                pairs[name].add(other)
    assert all(len(others) == 1 for others in pairs.values())


def test_titles_are_unique_short_and_made_of_the_products_own_values(tables: Tables) -> None:
    for locale, most in (("en", 8), ("zh", 24)):
        rows = [row for row in tables.products if row.locale == locale]
        assert len({row.title for row in rows}) == len(rows)
        for row in rows:
            assert len(row.title.split() if locale == "en" else row.title) <= most
            assert not re.sub(r" \d+$", "", matcher(members(row), locale).sub("", row.title)).strip()


@pytest.mark.parametrize("locale", LOCALES)
def test_a_description_states_every_value_of_its_product_and_no_other(
    locale: str, tables: Tables, vocabularies: dict
) -> None:
    for row in tables.products:
        if row.locale == locale:
            assert stated(row.description, vocabularies[locale]) == lowered(members(row)), row.description


@pytest.mark.parametrize("locale", LOCALES)
def test_an_advert_states_its_category_goal_audience_and_three_facts_or_more(
    locale: str, tables: Tables, listings: dict, vocabularies: dict
) -> None:
    for advert in (row for row in tables.adverts if row.locale == locale):
        product = listings[advert.product, locale]
        facts = stated(advert.text, vocabularies[locale])
        assert facts <= lowered(members(product)), advert.text
        told = [value for value in product.attributes.values() if lowered(set(value.split(LIST_SEPARATOR))) <= facts]
        assert len(told) >= min(4, len(product.attributes))
        assert next(iter(product.attributes.values())).lower() in facts
        assert advert.goal.lower() in advert.text.lower()
        assert advert.audience.lower() in advert.text.lower()


def test_reviews_state_their_strengths_and_flaws_and_nothing_else(
    tables: Tables, listings: dict, vocabularies: dict
) -> None:
    for locale in LOCALES:
        rows = [row for row in tables.reviews if row.locale == locale]
        aspects = matcher({phrase for row in rows for phrase in row.strengths + row.flaws}, locale)
        for row in rows:
            assert stated(row.text, aspects) == lowered(set(row.strengths + row.flaws)), row.text
            assert stated(row.text, vocabularies[locale]) <= lowered(members(listings[row.product, locale])), row.text


def test_stars_follow_strengths_and_flaws(tables: Tables) -> None:
    assert all(row.strengths or row.flaws for row in tables.reviews)
    assert {row.stars for row in tables.reviews} == {1, 2, 3, 4, 5}
    for row in tables.reviews:
        assert row.stars == min(5, max(1, 3 + len(row.strengths) - len(row.flaws)))


def test_reviews_of_one_product_never_contradict_each_other(tables: Tables) -> None:
    praised, blamed = defaultdict(set), defaultdict(set)
    for row in tables.reviews:
        praised[row.product, row.locale].update(row.strengths)
        blamed[row.product, row.locale].update(row.flaws)
    for key, strengths in praised.items():
        assert not {"fair price", "价格公道"} & strengths or not {"steep price", "价格偏高"} & blamed[key]
        assert not {"neat stitching"} & strengths or not {"crooked stitching"} & blamed[key]


SAYS_NOTHING = {
    "en": re.compile(r"listing|page", re.IGNORECASE),
    "zh": re.compile("没有|并未|没"),
}


def test_an_answer_states_one_asked_value_or_says_that_the_listing_does_not(
    tables: Tables, listings: dict, vocabularies: dict
) -> None:
    silent = 0
    for row in tables.questions:
        product = listings[row.product, row.locale]
        facts = stated(row.answer, vocabularies[row.locale])
        holders = [
            name for name, value in product.attributes.items() if lowered(set(value.split(LIST_SEPARATOR))) == facts
        ]
        if facts:
            assert holders, row.answer
        else:
            silent += 1
            assert SAYS_NOTHING[row.locale].search(row.answer), row.answer
    assert 0.10 < silent / len(tables.questions) < 0.20


def test_shoppers_shop_in_one_locale_and_buy_four_to_nine_different_things(tables: Tables) -> None:
    histories = defaultdict(list)
    for row in tables.interactions:
        histories[row.shopper].append(row)
    assert len(histories) == SHOPPERS
    for rows in histories.values():
        assert len({row.locale for row in rows}) == 1
        assert [row.position for row in rows] == list(range(len(rows)))
        assert 4 <= len({row.product for row in rows}) == len(rows) <= 9
    assert Counter(rows[0].locale for rows in histories.values()) == {"en": SHOPPERS // 2, "zh": SHOPPERS // 2}


@pytest.mark.parametrize(("name", "times"), [("category", 3), ("brand", 2), ("style", 1.5), ("colour", 1.3)])
def test_histories_follow_tastes_better_than_chance(name: str, times: float, tables: Tables, listings: dict) -> None:
    def agreement(pairs: list[tuple[str, str]]) -> float:
        values = [(listings[a, "en"].attributes.get(name), listings[b, "en"].attributes.get(name)) for a, b in pairs]
        known = [one == other for one, other in values if one and other]
        return sum(known) / len(known)

    rows = tables.interactions
    same = [(one.product, other.product) for one, other in pairwise(rows) if one.shopper == other.shopper]
    # Purchases of two different shoppers, so popularity alone cannot pass for taste.
    shift = len(same) // 2
    strangers = [(one, other) for (one, _), (_, other) in zip(same, same[shift:] + same[:shift], strict=True)]
    assert agreement(same) > times * agreement(strangers)


def test_popularity_is_skewed_a_little(tables: Tables) -> None:
    bought = Counter(row.product for row in tables.interactions)
    share = sum(count for _, count in bought.most_common(10)) / sum(bought.values())
    assert 0.03 < share < 0.25
