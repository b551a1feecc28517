"""Which reviews are a product's, and one clear sentence where there are none."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from ecom_llm.records import Example, UserError
from ecom_llm.summarise import reviews
from ecom_llm.summarise.reviews import asked_product, find_reviews
from ecom_llm.summarise.write import summarise
from tests.unit.summarise.conftest import shop, told

Write = Callable[[Sequence[Example]], Path]


@pytest.fixture
def folder(prepared: Write) -> Path:
    english, chinese = shop("en"), shop("zh")
    described = told("P9", 1, 5, "A red dress.", "en").model_copy(update={"skill": "describe", "id": "describe:en:P9"})
    lone = told("P8", 1, 5, "面料很好。", "zh")
    named = [one.model_copy(update={"product": "north/dress"}) for one in english["lamp"]]
    renamed = [one.model_copy(update={"id": one.id.replace(":lamp:", ":north/dress:")}) for one in named]
    return prepared([*english["dress"], *english["lamp"], *chinese["dress"], described, lone, *renamed])


def test_a_product_s_reviews_of_all_splits(folder: Path):
    found = find_reviews(folder, "dress", "en")
    assert [one.id for one in found.own] == [one.id for one in shop("en")["dress"]]
    assert {one.locale for one in found.lesson()} == {"en"}


@pytest.mark.parametrize(
    ("product", "locale", "words"),
    [
        ("dresss", "en", r"product 'dresss' is unknown among 3 with reviews in en. Near: .*dress"),
        ("P9", "en", r"product P9: nobody reviewed it, or prepare rejected what they wrote"),
        ("P8", "en", r"product P8: no review of it is in en, but 1 in zh. Name the locale: --locale"),
        ("dress", "fr", r"no review of it is in fr, but 6 in en, 6 in zh"),
        ("coat", "fr", r"there are no reviews in fr"),
    ],
)
def test_a_product_without_reviews(folder: Path, product: str, locale: str, words: str):
    with pytest.raises(UserError, match=words) as told:
        find_reviews(folder, product, locale)
    assert "\n" not in str(told.value)


def test_without_prepared_data(tmp_path: Path):
    with pytest.raises(UserError, match=r"holds no Parquet shard. Run the stage that writes it first"):
        find_reviews(tmp_path, "dress", "en")


def test_of_many_reviews_the_same_are_learned_from(prepared: Write, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reviews, "MOST", 20)
    many = [told(f"P{n % 7}", n, 1 + n % 5, f"The fabric is soft {n}.", "en") for n in range(200)]
    lesson = find_reviews(prepared(many), "P1", "en").lesson()
    again = find_reviews(prepared(many[::-1]), "P1", "en").lesson()
    assert [one.id for one in lesson] == [one.id for one in again]
    own = {one.id for one in many if one.product == "P1"}
    assert own <= {one.id for one in lesson} and 20 <= len(lesson) <= 20 + len(own)


def test_shops_with_names(folder: Path):
    assert asked_product({"product": "7"}) == "7"
    assert asked_product({"product": "dress", "shop": "north"}) == "north/dress"
    assert summarise(folder, {"product": "dress", "shop": "north"}, "en").product == "north/dress"


@pytest.mark.parametrize("attributes", [{}, {"shop": "north"}, {"product": "1", "colour": "red"}])
def test_what_may_be_asked_for(attributes: dict[str, str]):
    with pytest.raises(UserError, match="expected --attr product=ID"):
        asked_product(attributes)


def test_a_summary_goes_to_json_and_back(folder: Path):
    summary = summarise(folder, {"product": "dress"}, "zh")
    assert type(summary).model_validate_json(summary.model_dump_json()) == summary
    assert summary == summarise(folder, {"product": "dress"}, "zh")
