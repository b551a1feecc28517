"""A small shop, the params that prepare it, and the preparation as a function of them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from ecom_llm.collect.rejected import REJECTED, Rejected
from ecom_llm.params import Prepare, load_params
from ecom_llm.prepare.manifest import Manifest
from ecom_llm.prepare.stage import prepare
from ecom_llm.records import (
    SPLITS,
    TABLES,
    Advert,
    Example,
    Interaction,
    Item,
    Product,
    Question,
    Review,
    Tables,
    write_jsonl,
)
from ecom_llm.shards import read_records, write_records

REPO = Path(__file__).parents[3]


@dataclass
class Prepared:
    """What the stage wrote, read back."""

    examples: list[Example]
    items: list[Item]
    rejected: list[Rejected]
    manifest: Manifest


@pytest.fixture
def params() -> Prepare:
    return load_params(REPO / "params.yaml").prepare


def write_collected(folder: Path, shop: Tables, refused: list[Rejected]) -> None:
    """The tables as `collect` leaves them."""
    for table, kind in TABLES.items():
        write_records(folder / table, kind, getattr(shop, table))
    write_jsonl(folder / f"{REJECTED}.jsonl", refused)
    (folder / "protocols.json").write_text("[]", encoding="utf-8")


@pytest.fixture
def prepared_of(tmp_path: Path) -> Callable[[Tables, list[Rejected], Prepare], Prepared]:
    """Prepare tables for real, through files, and read the result."""

    def run(shop: Tables, refused: list[Rejected], params: Prepare) -> Prepared:
        shutil.rmtree(tmp_path / "run", ignore_errors=True)
        write_collected(tmp_path / "run" / "collected", shop, refused)
        out = tmp_path / "run" / "prepared"
        out.mkdir()
        rejected: list[Rejected] = []
        manifest = prepare(tmp_path / "run" / "collected", out, params, rejected.append)
        examples = [example for split in SPLITS for example in read_records(out / split, Example)]
        return Prepared(examples, list(read_records(out / "items", Item)), rejected, manifest)

    return run


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
