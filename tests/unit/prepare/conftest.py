"""A small shop, and the params that prepare it."""

from pathlib import Path

import pytest

from ecom_llm.params import Prepare, load_params
from ecom_llm.records import Advert, Interaction, Product, Question, Review, Tables

REPO = Path(__file__).parents[3]


@pytest.fixture
def params() -> Prepare:
    return load_params(REPO / "params.yaml").prepare


def product(row: int, locale: str = "en", **values: object) -> Product:
    known = {
        "source": "products.csv", "row": row, "id": f"P{row}", "locale": locale, "title": f"Dress {row} {locale}",
        "attributes": {"kind": "dress", "number": str(row)}, "description": f"A dress, number {row}, {locale}.",
    }  # fmt: skip
    return Product.model_validate({**known, **values})


@pytest.fixture
def shop() -> Tables:
    """60 products in two locales with a text of each kind, and 40 shoppers who buy 5 products each."""
    products = [
        product(row + 1000 * (locale == "zh"), locale, id=f"P{row}") for row in range(1, 61) for locale in ("en", "zh")
    ]
    numbered = list(enumerate(products, start=1))
    about = [{"source": "x.csv", "row": row, "product": p.id, "locale": p.locale} for row, p in numbered]
    return Tables(
        products=products,
        reviews=[Review(**a, stars=4, strengths=("fit",), text=f"Review {a['row']}.") for a in about],
        questions=[Question(**a, question=f"Q {a['row']}?", answer=f"Answer {a['row']}.") for a in about],
        adverts=[Advert(**a, goal="sale", audience="all", text=f"Advert {a['row']}.") for a in about],
        interactions=[
            Interaction(
                source="i.csv", row=shopper * 10 + place, shopper=f"S{shopper}", locale="en",
                product=f"P{(shopper * 7 + place * 3) % 60 + 1}", position=place,
            )
            for shopper in range(1, 41)
            for place in range(5)
        ],
    )  # fmt: skip
