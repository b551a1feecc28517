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


def two_shops(layout):
    for shop, thing in (("lamps", "Lamp"), ("dresses", "Dress")):
        folder = layout.sources / shop
        folder.mkdir(parents=True)
        (folder / "products.csv").write_text(f"id,title\n1,{thing} 1\n2,{thing} 2\n")
        (folder / "reviews.csv").write_text("product,stars,text\n1,5,good\n")
        (folder / "interactions.csv").write_text("shopper,product\nS1,1\nS1,2\n")
    return source("tables", path="lamps"), source("tables", path="dresses")


def test_ids_of_two_shops_are_kept_apart(layout):
    run(params(*two_shops(layout), shops={"lamps": "A", "dresses": "B"}), layout)
    tables = read_tables(layout.collected)
    assert [(one.id, one.title) for one in tables.products] == [
        ("A/1", "Lamp 1"),
        ("A/2", "Lamp 2"),
        ("B/1", "Dress 1"),
        ("B/2", "Dress 2"),
    ]
    assert [one.product for one in tables.reviews] == ["A/1", "B/1"]
    assert [(one.shopper, one.product, one.position) for one in tables.interactions] == [
        ("A/S1", "A/1", 0),
        ("A/S1", "A/2", 1),
        ("B/S1", "B/1", 0),
        ("B/S1", "B/2", 1),
    ]


def test_sources_of_one_shop_share_their_ids(layout):
    first, second = two_shops(layout)
    run(params(first, second, shops={"dresses": "B"}), layout)
    assert [one.id for one in read_tables(layout.collected).products] == ["1", "2", "B/1", "B/2"]
    run(params(first, second, shops={".": "all"}), layout)
    assert [one.id for one in read_tables(layout.collected).products] == ["all/1", "all/2", "all/1", "all/2"]


def test_two_publications_of_one_form_never_share_the_numbers_of_their_rows(layout):
    for domain in ("laptop", "tv"):
        folder = layout.sources / domain
        folder.mkdir(parents=True)
        for name in ("train", "valid", "test"):
            (folder / f"{name}.json").write_text(f'[["inform(name=a)", "The a {domain}.", "a"]]')
    run(params(source("rnnlg", path="laptop"), source("rnnlg", path="tv"), source("catalogue")), layout)
    ids = [one.id for one in read_tables(layout.collected).products]
    assert ids[:6] == [
        "laptop/train:1",
        "laptop/validation:1",
        "laptop/test:1",
        "tv/train:1",
        "tv/validation:1",
        "tv/test:1",
    ]
    assert ids[6] == "P00001", "the others keep theirs"
    run(params(source("rnnlg", path="laptop")), layout)
    assert read_tables(layout.collected).products[0].id == "train:1", "as those who cite this data number it"


def test_a_shop_of_no_source_is_refused(layout):
    with pytest.raises(
        UserError, match=r"collect\.shops: 'lamp' is no source, nor a folder of one. Sources: lamps, dresses"
    ):
        run(params(*two_shops(layout), shops={"lamp": "A"}), layout)
