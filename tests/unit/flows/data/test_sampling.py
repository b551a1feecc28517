"""Inspecting an address: what is fetched of it, what of it becomes a recipe, and that nothing is left."""

import gzip
import tempfile
from pathlib import Path

import pytest
import yaml

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from flows.data import sampling
from flows.data.inspecting import inspected
from flows.data.sampling import on_this_machine
from tests.serving import served

REPO = Path(__file__).parents[4]
ROWS = "product,stars,text\n" + "".join(f"P{n},{n % 5 + 1},this lamp is number {n}\n" for n in range(300))


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    for name in ("tmp", "export"):
        (tmp_path / name).mkdir()
    (tmp_path / "export" / "reviews.csv").write_text(ROWS)
    (tmp_path / "export" / "reviews.csv.gz").write_bytes(gzip.compress(ROWS.encode()))
    with served(tmp_path / "export") as found:
        yield found
    assert list((tmp_path / "tmp").iterdir()) == []


def test_the_recipe_of_an_address_names_it(host, tmp_path, capsys):
    recipe = tmp_path / "shop.yaml"
    inspected(f"{host}/reviews.csv", None, None, None, lambda: Layout(REPO, tmp_path))
    assert f"ecom-llm inspect {host}/reviews.csv --write" in capsys.readouterr().out
    inspected(f"{host}/reviews.csv", None, None, recipe, lambda: Layout(REPO, tmp_path))
    collect = yaml.safe_load(recipe.read_text())["collect"]
    assert (collect["location"], collect["sources"][0]["path"]) == (f"{host}/reviews.csv", ".")


def test_of_a_large_file_only_the_beginning_is_fetched(host, monkeypatch):
    monkeypatch.setattr(sampling, "MOST", 1000)
    monkeypatch.setattr("ecom_llm.collect.addresses.BLOCK", 300)
    with on_this_machine(f"{host}/reviews.csv") as (place, address):
        text = place.read_text()
        assert ROWS.startswith(text) and text.endswith("\n") and 900 < len(text) <= 1200
    assert address == f"{host}/reviews.csv"
    with pytest.raises(UserError, match=r"reviews.csv.gz: is larger than"), on_this_machine(f"{host}/reviews.csv.gz"):
        pass


def test_a_fault_names_the_address(host, tmp_path):
    with pytest.raises(UserError, match=f"{host}/none.csv: there is nothing"):
        inspected(f"{host}/none.csv", None, None, None, lambda: Layout(REPO, tmp_path))
    (tmp_path / "export" / "odd.csv").write_bytes(b"")
    with pytest.raises(UserError, match=f"{host}/odd.csv: "):
        inspected(f"{host}/odd.csv", None, None, None, lambda: Layout(REPO, tmp_path))
