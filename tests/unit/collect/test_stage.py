"""collect: the stage writes five tables whole or not at all, with the same bytes each time."""

from pathlib import Path

import pytest

from ecom_llm.collect.folder import replacing, replacing_file
from ecom_llm.collect.rejected import Rejected
from ecom_llm.collect.stage import run
from ecom_llm.layout import Layout
from ecom_llm.params import Source, load_params
from ecom_llm.records import TABLES, UserError, read_jsonl
from ecom_llm.shards import read_tables

REPO = Path(__file__).parents[3]
FILES = {"protocols.json"} | {"rejected.jsonl", *(f"{table}/part-00000.parquet" for table in TABLES)}


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path / "workspace", tmp_path / "state")


def source(form, **values):
    return Source.model_validate({"form": form, "path": ".", "locale": "en", "weight": 1.0, "columns": {}} | values)


def params(*sources, **values):
    values["sources"] = sources
    default = load_params(REPO / "params.yaml")
    return default.model_copy(update={"collect": default.collect.model_copy(update=values)})


def bytes_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*")}


def test_tables_are_read_from_a_relative_folder_and_rejected_rows_are_kept(layout):
    layout.sources.mkdir(parents=True)
    (layout.sources / "reviews.csv").write_text("product,stars,text\nP1,5,good\nP1,6,bad\n")
    run(params(source("tables"), location="data/sources"), layout)
    assert set(bytes_of(layout.collected)) == FILES
    assert [review.text for review in read_tables(layout.collected).reviews] == ["good"]
    (rejected,) = read_jsonl(layout.collected / "rejected.jsonl", Rejected)
    assert (rejected.row, rejected.table) == (3, "reviews")


def test_the_catalogue_is_collected_with_equal_bytes(layout, tmp_path):
    small = params(source("catalogue"), products=20, shoppers=20)
    again = Layout(tmp_path / "again", tmp_path / "state")
    run(small, layout)
    run(small, again)
    assert bytes_of(layout.collected) == bytes_of(again.collected)
    assert all(getattr(read_tables(layout.collected), table) for table in TABLES)


def test_an_absolute_folder_is_used_as_it_is(layout, tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "products.csv").write_text("id,title\nP1,Pan\n")
    run(params(source("tables"), location=str(tmp_path / "shop")), layout)
    assert read_tables(layout.collected).products[0].title == "Pan"


def test_several_sources_keep_their_names_and_weights(layout):
    for name in ("north", "south"):
        (layout.sources / name).mkdir(parents=True)
        (layout.sources / name / "products.csv").write_text(f"id,title\n{name},Pan of the {name}\n")
    run(params(source("tables", path="north", weight=0.5), source("tables", path="south", weight=2)), layout)
    found = [(row.id, row.source, row.weight) for row in read_tables(layout.collected).products]
    assert found == [("north", "north/products.csv", 0.5), ("south", "south/products.csv", 2.0)]


def test_a_malformed_file_leaves_what_was_collected_before(layout):
    layout.sources.mkdir(parents=True)
    file = layout.sources / "products.csv"
    file.write_text("id,title\nP1,Pan\n")
    wanted = params(source("tables"), location="data/sources")
    run(wanted, layout)
    before = bytes_of(layout.collected)
    file.write_text("id,name\nP1,Pan\n")
    with pytest.raises(UserError):
        run(wanted, layout)
    assert bytes_of(layout.collected) == before


def test_a_write_that_dies_leaves_the_old_folder_and_nothing_else(tmp_path):
    folder = tmp_path / "out"
    with replacing(folder) as partial:
        (partial / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing(folder) as partial:
        (partial / "a").write_text("new")
        raise KeyboardInterrupt
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (folder / "a").read_text() == "old"
    with replacing(folder) as partial:
        (partial / "b").write_text("new")
    assert [path.name for path in folder.iterdir()] == ["b"]


def test_a_full_disk_is_told_in_one_sentence(tmp_path):
    with (
        pytest.raises(UserError, match=r"out: cannot be written .*No space left on device"),
        replacing(tmp_path / "out"),
    ):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="cannot be written"):
        replacing_file(tmp_path / "file" / "manifest.json", "{}")
