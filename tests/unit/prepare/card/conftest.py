"""Examples of a small shop, and the little of a manifest that a card reads."""

import random
from collections.abc import Iterator
from types import SimpleNamespace

from ecom_llm.prepare.card.card import Card
from ecom_llm.prepare.card.tally import make_card
from ecom_llm.records import Example

WORDS = {
    "en": ["a", "navy", "blue", "dress", "cut", "for", "long", "days", "and", "warm", "nights"],
    "zh": "这款藏青色连衣裙适合每一天",
}
CATEGORIES = {"en": ["dress", "coat", "shoe"], "zh": ["连衣裙", "外套"]}


def example(number: int, draw: random.Random, locale: str, longest: int = 60) -> Example:
    """One example; its words are drawn, so that two seeds are two samples of one population."""
    said = [draw.choice(WORDS[locale]) for _ in range(draw.randint(5, longest))]
    return Example(
        id=f"describe:{locale}:{number}",
        skill="describe",
        locale=locale,
        attributes={"category": draw.choice(CATEGORIES[locale]), "colour": draw.choice(["navy", "red", ""])},
        target=(" " if locale == "en" else "").join(said),
        product=str(number),
        group=str(number),
        split=draw.choice(["train"] * 8 + ["validation", "test"]),
        source=f"shop/products.csv:{number + 1}",
    )


def examples(count: int, seed: int, longest: int = 60) -> Iterator[Example]:
    draw = random.Random(seed)
    for number in range(count):
        yield from (example(number, draw, locale, longest) for locale in WORDS)


def manifest(kept: int = 90, duplicates: int = 6, rejected: int = 4, **personal_data: int) -> SimpleNamespace:
    account = SimpleNamespace(
        rows_in=kept + duplicates + rejected,
        kept=kept,
        duplicates=duplicates,
        near_duplicates=2,
        rejected=rejected,
        reasons={"text: shorter than 2 characters": rejected},
    )
    return SimpleNamespace(
        tables={"products": account},
        groups={"train": 8, "validation": 1, "test": 1},
        items=12,
        personal_data=personal_data,
        near_copies_of_test_in_train=0,
    )


def card_of(count: int, seed: int, longest: int = 60, **personal_data: int) -> Card:
    return make_card(examples(count, seed, longest), manifest(**personal_data), {}, {})
