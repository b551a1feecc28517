"""dataset: a local copy is streamed through the same mapping; what cannot be loaded is told in one sentence."""

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.inspect import inspect
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Product, UserError

COLUMNS = {
    "reviews.product": "sku",
    "reviews.stars": "stars",
    "reviews.text": "text",
    "products.id": "sku",
    "products.attributes.sizes": "sizes",
}


def read(place, path="shop/reviews", columns=COLUMNS):
    return list(FORMS["dataset"](place, Source(form="dataset", path=path, locale="en", weight=1.0, columns=columns)))


def write(folder, **parts):
    folder.mkdir(parents=True, exist_ok=True)
    for name, rows in parts.items():
        table = pa.table(
            {
                "sku": pa.array([row[0] for row in rows], pa.int64()),
                "stars": pa.array([row[1] for row in rows], pa.float64()),
                "text": pa.array([row[2] for row in rows], pa.string()),
                "sizes": pa.array([["S", "M"] for _ in rows], pa.list_(pa.string())),
            }
        )
        pq.write_table(table, folder / f"{name}.parquet")


def test_a_local_copy_is_read_with_its_splits(tmp_path):
    write(tmp_path / "shop", train=[(1, 5, "good"), (2, None, "?")], test=[(1, 4, "fine"), (3, 1, None)])
    found = read(tmp_path / "shop")
    products = [one for one in found if isinstance(one, Product)]
    # a product that is in both stays where it was first: it must not stand in two splits
    assert [(one.source, one.row, one.id, one.split) for one in products] == [
        ("train", 1, "1", "train"),
        ("train", 2, "2", "train"),
        ("test", 1, "1", "train"),
        ("test", 2, "3", "test"),
    ]
    assert products[0].attributes == {"sizes": "S; M"}
    rejected = [(one.source, one.row, one.reason) for one in found if isinstance(one, Rejected)]
    assert rejected == [("train", 2, "stars: empty"), ("test", 2, "text: empty")]
    assert len(found) == 8


def test_published_splits_that_are_not_kept_are_told(tmp_path, caplog):
    write(tmp_path / "shop", train=[(1, 5, "good")], test=[(2, 4, "fine")])
    read(tmp_path / "shop")
    assert not caplog.messages
    read(tmp_path / "shop", columns={name: column for name, column in COLUMNS.items() if name.startswith("reviews")})
    assert "its published splits are not kept" in caplog.messages[0]


def test_files_that_only_look_like_a_train_split_are_split_by_prepare(tmp_path):
    write(tmp_path / "shop", rows=[(1, 5, "good")])
    assert read(tmp_path / "shop")[0].split is None


def test_csv_files_are_read_too(tmp_path):
    (tmp_path / "train.csv").write_text("sku,stars,text,sizes\nA1,5,good,S\n")
    product, review = read(tmp_path)
    assert (product.id, product.attributes, review.stars) == ("A1", {"sizes": "S"}, 5)


def test_a_wrong_column_is_named(tmp_path):
    write(tmp_path / "shop", train=[(1, 5, "good")])
    with pytest.raises(UserError, match=r"reviews\.text: the split train has no column 'txt'. Did you mean 'text'"):
        read(tmp_path / "shop", columns=COLUMNS | {"reviews.text": "txt"})


def test_a_folder_without_data_is_named(tmp_path):
    (tmp_path / "shop").mkdir()
    with pytest.raises(UserError, match=r"path 'shop/reviews'.*cannot be read"):
        read(tmp_path / "shop")


@pytest.mark.parametrize("error", [ConnectionError("Couldn't reach 'x/y' on the Hub"), ValueError("no such config")])
def test_a_hub_out_of_reach_is_told_in_one_sentence(tmp_path, monkeypatch, error):
    asked = []

    def refuse(name, **how):
        asked.append((name, how))
        raise error

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(UserError, match=rf"the data set x/y cannot be read: {error}.*local copy"):
        read(tmp_path / "x/y", path="x/y")
    # a name is asked for as it was given, and code of a data set is never trusted
    assert asked == [("x/y", {"streaming": True})]


def test_a_file_that_breaks_off_stops_the_stage(tmp_path):
    (tmp_path / "train.jsonl").write_text('{"sku": "1", "stars": 5, "text": "a", "sizes": "S"}\n{"sku": \n')
    with pytest.raises(UserError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.parametrize("splits", [True, False])
def test_what_save_to_disk_wrote_is_read(tmp_path, splits):
    """A loaded folder of that kind holds Arrow files, which `load_dataset` refuses."""
    rows = datasets.Dataset.from_dict({"sku": [1, 2], "stars": [5, 4], "text": ["good", "fine"], "sizes": [["S"], []]})
    saved = datasets.DatasetDict({"train": rows.select([0]), "test": rows.select([1])}) if splits else rows
    saved.save_to_disk(str(tmp_path / "shop"))
    products = [one for one in read(tmp_path / "shop") if isinstance(one, Product)]
    assert [(one.id, one.split) for one in products] == [
        ("1", "train" if splits else None),
        ("2", "test" if splits else None),
    ]
    with pytest.raises(UserError, match=r"that `save_to_disk` wrote.*The form dataset reads it"):
        inspect(tmp_path / "shop", 10, None)
