"""prepare: the stage writes whole folders with equal bytes, and keeps published splits as they are."""

import json
from pathlib import Path

import pytest

from ecom_llm.collect.rnnlg import collect_rnnlg
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.prepare.examples import make_examples
from ecom_llm.prepare.ledger import open_ledger
from ecom_llm.prepare.stage import prepare, run
from ecom_llm.records import (
    SPLITS,
    TABLES,
    Example,
    Item,
    UserError,
    read_jsonl,
    write_jsonl,
)
from ecom_llm.skills import SKILLS

REPO = Path(__file__).parents[3]
LAPTOP = REPO.parent / "shared" / "data" / "rnnlg-laptop"


@pytest.fixture
def collected(shop, tmp_path):
    layout = Layout(tmp_path, tmp_path / "state")
    for table in TABLES:
        write_jsonl(layout.collected / f"{table}.jsonl", getattr(shop, table))
    write_jsonl(layout.collected / "rejected.jsonl", [])
    return layout


def written(layout):
    files = [*layout.prepared.iterdir(), layout.manifest]
    return {path.name: path.read_bytes() for path in files}


def test_the_stage_writes_splits_items_rejections_and_manifest_with_equal_bytes(collected):
    params = load_params(REPO / "params.yaml")
    run(params, collected)
    first = written(collected)
    assert set(first) == {
        "train.jsonl",
        "validation.jsonl",
        "test.jsonl",
        "items.jsonl",
        "rejected.jsonl",
        "manifest.json",
    }
    counts = json.loads(first["manifest.json"])["splits"]
    for split in SPLITS:
        examples = list(read_jsonl(collected.split(split), Example))
        assert len(examples) == counts[split] > 0 and {example.split for example in examples} == {split}
    assert len(list(read_jsonl(collected.items, Item))) == 120
    run(params, collected)
    assert written(collected) == first


def test_without_purchases_the_file_of_items_is_empty(collected):
    write_jsonl(collected.collected / "interactions.jsonl", [])
    run(load_params(REPO / "params.yaml"), collected)
    assert collected.items.read_bytes() == b""


def test_a_refusal_leaves_the_old_files(collected):
    params = load_params(REPO / "params.yaml")
    run(params, collected)
    first = written(collected)
    for table in TABLES:
        write_jsonl(collected.collected / f"{table}.jsonl", [])
    with pytest.raises(UserError):
        run(params, collected)
    assert written(collected) == first
    (collected.collected / "rejected.jsonl").unlink()
    with pytest.raises(UserError, match=r"rejected\.jsonl: cannot be read"):
        run(params, collected)


@pytest.mark.skipif(not LAPTOP.is_dir(), reason="RNNLG's laptop data does not stand beside the repository")
def test_the_published_splits_of_laptop_stay_row_by_row(params):
    prepared = prepare(collect_rnnlg(LAPTOP).tables, [], params)
    assert prepared.manifest.splits == {"train": 7944, "validation": 2649, "test": 2649}
    assert prepared.manifest.rows.kept == prepared.manifest.rows.rows_in == 13_242
    # 186 test acts also stand in train, as the data's description says; 296 rows repeat an earlier one
    assert prepared.manifest.test_inputs_in_train == {"describe": 186}
    assert prepared.manifest.equal_examples == 296


def test_the_order_of_examples_is_that_of_skills_and_rows(shop, params):
    examples = make_examples(shop, {}, params, open_ledger(shop, []))
    skills = [example.skill for example in examples]
    assert list(dict.fromkeys(skills)) == list(SKILLS)
    assert [e.source for e in examples if e.skill == "describe"] == [f"{p.source}:{p.row}" for p in shop.products]
