"""A small shop whose buyers' opinions are known, in English and Chinese."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ecom_llm.records import SPLITS, Example
from ecom_llm.shards import write_records
from ecom_llm.skills import review
from ecom_llm.summarise.summary import Reader

Told = tuple[int, str]
"""Stars and text of a review."""

ENGLISH: dict[str, list[Told]] = {
    "dress": [
        (5, "The fabric is soft and lovely. I love this dress!"),
        (5, "Love the fabric. The colour is beautiful."),
        (5, "The fabric feels great and the colour is perfect."),
        (4, "The fabric is soft, but the zipper is bad and broke."),
        (2, "I loved the fabric. The zipper is terrible and broke on day one."),
        (1, "The zipper is cheap and broke. It went back."),
    ],
    "lamp": [
        (5, "The glow is lovely. The base is great and steady."),
        (5, "The glow is perfect. I love the base."),
        (4, "A beautiful glow, the base is nice."),
        (2, "The cable is bad and broke. The switch is awful."),
        (1, "The cable is terrible. The switch is poor."),
        (1, "The switch is awful and the cable is bad."),
    ],
}
CHINESE: dict[str, list[Told]] = {
    "dress": [
        (5, "面料很柔软，非常喜欢。颜色也很好看！"),
        (5, "面料很好，颜色很漂亮。"),
        (5, "颜色很好看，面料不错。"),
        (4, "面料很舒服，但是拉链很差。"),
        (2, "拉链太差了，用了一天就坏。"),
        (1, "拉链很差，失望。"),
    ],
    "lamp": [
        (5, "光线很柔和，非常喜欢。底座很稳，不错。"),
        (5, "光线很好，底座不错。"),
        (5, "底座很好，光线很漂亮。"),
        (2, "开关很差，线材太短。"),
        (1, "开关太差，失望。"),
        (1, "开关很差，后悔。"),
    ],
}
SHOPS = {"en": ENGLISH, "zh": CHINESE}


def told(product: str, number: int, stars: int, text: str, locale: str) -> Example:
    """A review as `prepare` leaves it."""
    return Example(
        id=f"review:{locale}:{product}:reviews.csv:{number}",
        skill="review",
        locale=locale,
        attributes={review.WORDS[locale]["stars"]: str(stars)},
        target=text,
        product=product,
        group=product,
        source=f"reviews.csv:{number}",
    )


def reviews_of(product: str, rows: Sequence[Told], locale: str) -> list[Example]:
    return [told(product, number, stars, text, locale) for number, (stars, text) in enumerate(rows, start=2)]


def shop(locale: str) -> dict[str, list[Example]]:
    """Product -> its reviews."""
    return {product: reviews_of(product, rows, locale) for product, rows in SHOPS[locale].items()}


@pytest.fixture(scope="session")
def readers() -> dict[str, Reader]:
    """Locale -> a reader that learned from its shop: ten times the same reviews, since few words are in two of them."""
    return {locale: Reader([one for rows in shop(locale).values() for one in rows * 10], locale) for locale in SHOPS}


@pytest.fixture
def prepared(tmp_path: Path) -> Callable[[Sequence[Example]], Path]:
    """Writes examples as `prepare` does, over all splits."""

    def write(examples: Sequence[Example]) -> Path:
        for place, split in enumerate(SPLITS):
            write_records(
                tmp_path / split, Example, [one.model_copy(update={"split": split}) for one in examples[place::3]]
            )
        return tmp_path

    return write
