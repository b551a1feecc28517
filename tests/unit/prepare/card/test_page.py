"""The card's page: one file, nothing outside it, other people's words escaped, equal bytes for equal cards."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ecom_llm.prepare.card.charts import histogram
from ecom_llm.prepare.card.lengths import LengthTally
from ecom_llm.prepare.card.page import Against, render_card
from ecom_llm.prepare.card.tally import make_card
from tests.unit.prepare.card.conftest import card_of, examples, manifest

REPO = Path(__file__).parents[4]


class Outside(HTMLParser):
    """Collects what a browser would fetch, and the elements there are."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.elements: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


@pytest.fixture(scope="module")
def page() -> str:
    rows = [
        row.model_copy(
            update={
                "attributes": {"category": "hat <b>&", "colour": "red"},
                "target": "<script>alert(1)</script> a hat",
            }
        )
        for row in examples(20, 1)
    ]
    return render_card(make_card(rows, manifest(phone=7), {}, {}), None)


def test_page_is_one_file_without_scripts_or_outside_resources(page):
    found = Outside()
    found.feed(page)
    assert not {"script", "link", "iframe", "object", "img"} & set(found.elements)
    assert all(value.startswith("#") for value in found.fetched)
    assert "url(" not in page and "@import" not in page
    assert found.elements.count("svg") == 4, "two histograms for each of two slices"


def test_texts_are_escaped(page):
    assert "alert(1)" in page
    assert "<script" not in page
    assert "hat &lt;b&gt;&amp;" in page


def test_page_tells_what_the_card_holds(page):
    for told in (
        "describe, en: 20 examples",
        "text: shorter than 2 characters",
        "phone",
        "not stated",
        "shop/products.csv",
    ):
        assert told in page
    assert "Against" not in page


def test_equal_data_is_equal_bytes_in_every_process():
    """Python shuffles its sets and hashes anew in each process, and the card is an out that DVC compares by its bytes."""
    program = (
        "from tests.unit.prepare.card.conftest import card_of; from ecom_llm.prepare.card.page import Against, render_card;"
        "card = card_of(60, 1, email=2);"
        "print(card.model_dump_json(), render_card(card, None), render_card(card, Against('v1', card_of(60, 2))))"
    )
    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=REPO,
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(REPO)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(told) == 1


def test_an_earlier_version_stands_beside_it():
    page = render_card(card_of(300, 1, longest=25), Against("v1 <i>", card_of(300, 2)))
    assert "Against v1 &lt;i&gt;" in page
    assert page.count("<polyline") == 4
    assert page.index("moved a lot") < page.index(">unchanged<")


def test_histograms_are_drawn_to_scale():
    now, before = LengthTally(), LengthTally()
    for length, texts in ((4, 1), (5, 3)):
        for _ in range(texts):
            now.add(length)
    before.add(7)
    drawn = histogram("words", now.close(), before.close())
    assert [bar.lower for bar in drawn.bars] == [4, 5, 6, 7]
    assert [bar.share for bar in drawn.bars] == [0.25, 0.75, 0, 0]
    assert drawn.bars[1].height == pytest.approx(3 * drawn.bars[0].height, abs=0.2)
    assert all(bar.y + bar.height == pytest.approx(120) for bar in drawn.bars)
    assert drawn.outline.split()[-1].endswith(",0.0"), "all of the earlier texts are in the last bin: the highest point"


def test_drawings_are_well_formed(page):
    for part in page.split("<svg")[1:]:
        ElementTree.fromstring("<svg" + part.split("</svg>")[0] + "</svg>")
