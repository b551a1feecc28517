"""The catalogue's language: varied enough to be worth learning, and clean in both locales."""

import random
import re
from collections import Counter, defaultdict
from functools import cache

import pytest

from ecom_llm.collect.catalogue import generate
from ecom_llm.collect.catalogue.grammar import choose, with_articles, with_capitals
from ecom_llm.collect.catalogue.schema import load_schema, load_wording
from ecom_llm.records import LIST_SEPARATOR, Product, Tables

SKILLS = ("describe", "advertise", "review", "answer")
LOCALES = ("en", "zh")
MASK = {"en": " <v> ", "zh": "\N{OBJECT REPLACEMENT CHARACTER}"}
ART_9 = re.compile("最|第一|国家级|顶级|极品|极致|首选|唯一|绝对|百分百|冠军|独家|全网|永久|万能")


@pytest.fixture(scope="module")
def tables() -> Tables:
    return generate(seed=11, products=600, shoppers=0)


def members(product: Product) -> list[str]:
    return [member for value in product.attributes.values() for member in value.split(LIST_SEPARATOR)]


@pytest.fixture(scope="module")
def told(tables: Tables) -> dict[tuple[str, str], list[tuple[str, list[str]]]]:
    """Skill and locale -> the texts, each with the values to mask in it."""
    listings = {(product.id, product.locale): product for product in tables.products}
    found = defaultdict(list)
    for row in tables.products:
        found["describe", row.locale].append((row.description, members(row)))
    for row in tables.adverts:
        values = [*members(listings[row.product, row.locale]), row.goal, row.audience]
        found["advertise", row.locale].append((row.text, values))
    for row in tables.reviews:
        values = [*members(listings[row.product, row.locale]), *row.strengths, *row.flaws]
        found["review", row.locale].append((row.text, values))
    for row in tables.questions:
        found["answer", row.locale].append((row.answer, members(listings[row.product, row.locale])))
    return found


def masked(text: str, values: list[str], locale: str) -> list[str]:
    """Words of an English text, characters of a Chinese one, with each value replaced by one mask."""
    found = "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))
    bounded = found if locale == "zh" else rf"(?<!\w)(?:{found})(?!\w)"
    text = re.sub(bounded, MASK[locale], text, flags=re.IGNORECASE)
    return re.findall(r"<v>|\w+(?:'\w+)*|[^\w\s]", text) if locale == "en" else list(text)


def distinct(texts: list[list[str]], n: int) -> float:
    """Unique n-grams over all n-grams (Li et al., 2016, arXiv:1510.03055), pooled over the texts."""
    grams = Counter(tuple(text[at : at + n]) for text in texts for at in range(len(text) - n + 1))
    return len(grams) / grams.total()


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("skill", SKILLS)
def test_five_hundred_masked_texts_are_distinct(skill: str, locale: str, told: dict) -> None:
    sample = random.Random(0).sample(told[skill, locale], 500)
    assert distinct([masked(text, values, locale) for text, values in sample], n=4) >= 0.4


@pytest.mark.parametrize(
    ("skill", "locale", "least", "most"),
    [
        ("describe", "en", 30, 50), ("describe", "zh", 50, 80),
        ("advertise", "en", 30, 45), ("advertise", "zh", 50, 80),
        ("review", "en", 20, 40), ("review", "zh", 30, 60), ("answer", "en", 8, 20), ("answer", "zh", 10, 25),
    ],
)  # fmt: skip
def test_mean_lengths_are_moderate(skill: str, locale: str, least: int, most: int, told: dict) -> None:
    lengths = [len(text.split() if locale == "en" else text) for text, _ in told[skill, locale]]
    assert least <= sum(lengths) / len(lengths) <= most


@pytest.mark.parametrize("locale", LOCALES)
def test_the_nearest_neighbours_description_states_wrong_values(locale: str, tables: Tables) -> None:
    rows = [row for row in tables.products if row.locale == locale]
    wrong = total = 0
    for row in rows:
        mine = set(row.attributes.items())
        others = (other for other in rows if other is not row and len(mine & set(other.attributes.items())) > 0)
        nearest = max(others, key=lambda other: len(mine & set(other.attributes.items())))
        stated = members(nearest)
        wrong += sum(value not in members(row) for value in stated)
        total += len(stated)
    assert wrong / total >= 0.25


@pytest.mark.parametrize("locale", LOCALES)
def test_some_values_stand_in_few_products_and_in_a_test_split_alone(locale: str, tables: Tables) -> None:
    rows = [row for row in tables.products if row.locale == locale]
    counts = Counter(value for row in rows for value in set(members(row)))
    rare = {value for value, count in counts.items() if count <= 3}
    assert 0.12 <= sum(any(value in rare for value in members(row)) for row in rows) / len(rows) <= 0.35
    ids = sorted({row.id for row in rows})
    held_out = set(random.Random(0).sample(ids, len(ids) // 10))
    trained = {value for row in rows if row.id not in held_out for value in members(row)}
    assert len({value for row in rows for value in members(row)} - trained) >= 3


@cache
def every_value(locale: str) -> frozenset[str]:
    """All values the schema can produce, rare ones included."""
    schema = load_schema()
    found = {category.name[locale] for category in schema.categories}
    found |= {brand[locale] for category in schema.categories for brand in category.brands}
    found |= {
        value[locale]
        for category in schema.categories
        for attribute in category.attributes
        for value in attribute.values
    }
    found |= {colour[locale] for colour in schema.rare_colours}
    return frozenset(found | {head[locale] + tail[locale] for head in schema.rare_heads for tail in schema.rare_tails})


def padded(value: str, locale: str) -> str:
    return value if locale == "zh" else " " + re.sub(r"\W+", " ", value.lower()) + " "


@pytest.mark.parametrize("locale", LOCALES)
def test_no_value_is_contained_in_another(locale: str) -> None:
    values = sorted(padded(value, locale) for value in every_value(locale))
    everything = "\n".join(values)
    assert len(set(values)) == len(values)
    assert [value for value in values if everything.count(value) > 1] == []


def test_strengths_and_flaws_hold_no_value() -> None:
    for locale in LOCALES:
        values = [padded(value, locale) for value in every_value(locale)]
        for category in load_schema().categories:
            for aspect in category.aspects:
                for phrase in (aspect.strength[locale], aspect.flaw[locale]):
                    assert not [value for value in values if value in padded(phrase, locale)], phrase


def test_both_languages_tell_every_attribute() -> None:
    names = set(load_schema().names) - {"category"}
    for locale in LOCALES:
        assert set(load_wording(locale)["tell"]) == names
        assert set(load_wording(locale)["uses"]) == {category.name.en for category in load_schema().categories}


def all_texts(tables: Tables, locale: str) -> list[str]:
    found = [row.description for row in tables.products if row.locale == locale]
    found += [row.text for row in [*tables.adverts, *tables.reviews] if row.locale == locale]
    return found + [text for row in tables.questions if row.locale == locale for text in (row.question, row.answer)]


@pytest.mark.parametrize(
    ("locale", "ugly"),
    [
        ("en", r"[\[\]{}|~]|  | [,.;:!?]|[,;:] ?[,.;:!?]|\.\.|[.!?] [a-z]|^[a-z]|\b(\w+) \1\b"),
        ("en", r"\b[Aa] [aeio]\w|\b[Aa]n [bcdfgjkpqtvwyz]|\b[Aa]n [hlmnrsx][a-z]|\bits a\b"),
        ("zh", r"[\[\]{}|~]|[，。！？：；、][，。；：、！]|^[，。！？：；、]"),
    ],
)
def test_texts_are_clean(locale: str, ugly: str, tables: Tables) -> None:
    assert [text for text in all_texts(tables, locale) if re.search(ugly, text)] == []


def test_digits_stand_only_in_values(told: dict) -> None:
    for (_, locale), texts in told.items():
        assert [text for text, values in texts if re.search(r"\d", " ".join(masked(text, values, locale)))] == []


def test_no_absolutes(tables: Tables) -> None:
    assert ART_9.findall(" ".join(all_texts(tables, "zh"))) == []
    english = " ".join(all_texts(tables, "en"))
    assert not re.search(r"\b(best|number one|unbeatable|guaranteed|cheapest|the most)\b", english, re.IGNORECASE)


def test_choices_nest_and_are_all_reachable() -> None:
    found = {choose("[a|b[c|d]]e", random.Random(seed)) for seed in range(50)}
    assert found == {"ae", "bce", "bde"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("a~ olive bag", "an olive bag"), ("a~ red bag", "a red bag"), ("a~ HDMI port", "an HDMI port"),
        ("a~ USB port", "a USB port"), ("a~ 8 GB laptop", "an 8 GB laptop"), ("a~ 16 GB laptop", "a 16 GB laptop"),
        ("a~ V-neck", "a V-neck"), ("a~ EVA sole", "an EVA sole"), ("a~ unusual bag", "an unusual bag"),
    ],
)  # fmt: skip
def test_the_article_follows_the_sound(given: str, expected: str) -> None:
    assert with_articles(given) == expected


def test_capitals_begin_sentences_only() -> None:
    assert (
        with_capitals("it is red , so: good. it lasts! a 3.5 mm cable")
        == "It is red, so: good. It lasts! A 3.5 mm cable"
    )
