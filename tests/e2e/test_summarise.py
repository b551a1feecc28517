"""Summaries in a shop with a champion: from the checkout's data, from DVC's cache where that is gone, and refusals."""

import json
import shutil
from pathlib import Path

import pytest

from ecom_llm.records import SPLITS, Example
from ecom_llm.shards import read_records
from ecom_llm.summarise.write import summarise
from tests.e2e.conftest import ecom_llm

ASK = ("write", "summarise", "--locale", "en", "--attr")


@pytest.fixture(scope="module")
def reviews(shop: Path) -> dict[str, Example]:
    """Id -> review, as prepared for the champion."""
    examples = [one for split in SPLITS for one in read_records(shop / "data" / "prepared" / split, Example)]
    return {one.id: one for one in examples if one.skill == "review" and one.locale == "en"}


def test_every_quote_is_in_a_review_of_the_product(shop: Path, reviews: dict[str, Example]):
    prepared, products = shop / "data" / "prepared", dict.fromkeys(one.product for one in reviews.values())
    product = next(name for name in products if summarise(prepared, {"product": name}, "en").cited)
    told = json.loads(ecom_llm(shop, *ASK, f"product={product}", "--json").stdout)
    assert told["reviews"] == sum(one.product == product for one in reviews.values())
    quotes = [quote for point in told["praise"] + told["faults"] for quote in point["quotes"]]
    assert quotes
    for quote in quotes:
        one = reviews[quote["review"]]
        assert one.product == product
        assert one.target[quote["start"] : quote["end"]] == quote["text"]


def test_a_product_that_nobody_knows(shop: Path):
    told = ecom_llm(shop, *ASK, "product=P99999", check=False)
    assert told.returncode == 2
    assert told.stdout == ""
    (line,) = told.stderr.splitlines()
    assert line.startswith("error: product 'P99999' is unknown among ")


def test_data_that_left_the_checkout_comes_from_the_cache(shop: Path, reviews: dict[str, Example], tmp_path: Path):
    product = next(iter(reviews.values())).product
    here = ecom_llm(shop, *ASK, f"product={product}").stdout
    kept, away = shop / "data" / "prepared", tmp_path / "prepared"
    shutil.move(kept, away)
    try:
        restored = ecom_llm(shop, *ASK, f"product={product}").stdout
        assert not kept.exists()
    finally:
        shutil.move(away, kept)
    assert restored == here
    assert not list((shop / ".state" / "worktrees").glob("*/data"))
