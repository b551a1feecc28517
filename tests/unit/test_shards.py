"""shards: what is written is read back, equal records are equal bytes, and others' tools can stream it."""

import pytest
from datasets import load_dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm import shards
from ecom_llm.records import Example, Product, Review, UserError
from ecom_llm.shards import parts_of, read_records, write_records

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PRODUCTS = st.lists(
    st.builds(
        Product,
        source=TEXT,
        row=st.integers(1, 2**40),
        weight=st.floats(0.1, 100),
        id=TEXT,
        locale=st.just("en"),
        title=TEXT,
        attributes=st.dictionaries(TEXT, TEXT, max_size=4),
        description=st.none() | TEXT,
        split=st.sampled_from([None, "train", "test"]),
    ),
    max_size=7,
)


@settings(deadline=None, max_examples=40)
@given(PRODUCTS)
def test_records_come_back_in_order_with_their_attributes_in_order(tmp_path_factory, products):
    folder = tmp_path_factory.mktemp("shards")
    assert write_records(folder, Product, products) == len(products)
    found = list(read_records(folder, Product))
    assert found == products
    assert [list(row.attributes) for row in found] == [list(row.attributes) for row in products]


def examples(number: int) -> list[Example]:
    return [
        Example(id=str(n), skill="describe", locale="zh", attributes={"颜色": "红"}, target=f"第{n}件", product="p",
                group="p", split="train", source=f"s:{n}")
        for n in range(number)
    ]  # fmt: skip


def test_equal_records_are_equal_bytes_and_many_make_several_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, "BATCH", 10)
    monkeypatch.setattr(shards, "SHARD", 20)
    for name in ("a", "b"):
        write_records(tmp_path / name, Example, iter(examples(45)))
    assert [part.name for part in parts_of(tmp_path / "a")] == [f"part-0000{n}.parquet" for n in range(3)]
    assert [part.read_bytes() for part in parts_of(tmp_path / "a")] == [
        part.read_bytes() for part in parts_of(tmp_path / "b")
    ]
    assert [row.id for row in read_records(tmp_path / "a", Example)] == [str(n) for n in range(45)]


def test_no_records_are_a_shard_with_the_columns(tmp_path):
    assert write_records(tmp_path, Review, []) == 0
    assert list(read_records(tmp_path, Review)) == []


def test_datasets_streams_the_shards(tmp_path):
    write_records(tmp_path / "train", Example, examples(5))
    files = str(tmp_path / "train" / "*.parquet")
    streamed = load_dataset("parquet", data_files=files, split="train", streaming=True)
    assert [row["target"] for row in streamed] == [f"第{n}件" for n in range(5)]


def test_a_folder_without_shards_a_damaged_one_and_a_foreign_one_are_named(tmp_path):
    with pytest.raises(UserError, match=r"nothing: holds no Parquet shard.*dvc repro"):
        list(read_records(tmp_path / "nothing", Product))
    write_records(tmp_path, Example, examples(3))
    with pytest.raises(UserError, match=r"part-00000\.parquet: .*expected a Review"):
        list(read_records(tmp_path, Review))
    part = tmp_path / "part-00000.parquet"
    part.write_bytes(part.read_bytes()[:-20])
    with pytest.raises(UserError, match=r"part-00000\.parquet: cannot be read as Parquet"):
        list(read_records(tmp_path, Example))
