"""prepare: the stage writes whole folders with equal bytes, and keeps published splits as they are."""

import json
from pathlib import Path

import pytest

from ecom_llm.collect.forms import rnnlg
from ecom_llm.layout import Layout
from ecom_llm.params import Source, load_params
from ecom_llm.prepare.examples import examples_of
from ecom_llm.prepare.ledger import Ledger
from ecom_llm.prepare.stage import run
from ecom_llm.records import SPLITS, Example, Item, Tables, UserError
from ecom_llm.shards import read_records
from ecom_llm.skills import SKILLS
from tests.unit.prepare.conftest import write_collected

REPO = Path(__file__).parents[3]
LAPTOP = REPO.parent / "shared" / "data" / "rnnlg-laptop"


@pytest.fixture
def collected(shop, tmp_path):
    layout = Layout(tmp_path, tmp_path / "state")
    write_collected(layout.collected, shop, [])
    return layout


def written(layout):
    files = [*layout.prepared.rglob("*.*"), layout.manifest]
    return {str(path.relative_to(layout.workspace)): path.read_bytes() for path in files}


def test_the_stage_writes_splits_items_rejections_and_manifest_with_equal_bytes(collected):
    params = load_params(REPO / "params.yaml")
    run(params, collected)
    first = written(collected)
    parts = {f"data/prepared/{name}/part-00000.parquet" for name in (*SPLITS, "items")}
    handed_on = {f"data/prepared/{name}" for name in ("rejected.jsonl", "protocols.json")}
    assert set(first) == parts | handed_on | {"reports/manifest.json"}
    assert first["data/prepared/protocols.json"] == (collected.collected / "protocols.json").read_bytes()
    counts = json.loads(first["reports/manifest.json"])["splits"]
    for split in SPLITS:
        examples = list(read_records(collected.split(split), Example))
        assert len(examples) == counts[split] > 0 and {example.split for example in examples} == {split}
    assert len(list(read_records(collected.items, Item))) == 120
    run(params, collected)
    assert written(collected) == first


def test_without_purchases_nothing_may_be_recommended(collected, shop):
    write_collected(collected.collected, shop.model_copy(update={"interactions": []}), [])
    run(load_params(REPO / "params.yaml"), collected)
    assert list(read_records(collected.items, Item)) == []


def test_a_refusal_leaves_the_old_files(collected):
    params = load_params(REPO / "params.yaml")
    run(params, collected)
    first = written(collected)
    write_collected(collected.collected, Tables(), [])
    with pytest.raises(UserError):
        run(params, collected)
    assert written(collected) == first
    (collected.collected / "rejected.jsonl").unlink()
    with pytest.raises(UserError, match=r"rejected\.jsonl: cannot be read"):
        run(params, collected)


@pytest.mark.skipif(not LAPTOP.is_dir(), reason="RNNLG's laptop data does not stand beside the repository")
def test_the_published_splits_of_laptop_stay_row_by_row(params, prepared_of):
    laptop = Source(form="rnnlg", path=".", locale="en", weight=1.0, columns={})
    prepared = prepared_of(Tables(products=list(rnnlg.read(LAPTOP, laptop))), [], params)
    assert prepared.manifest.splits == {"train": 7944, "validation": 2649, "test": 2649}
    assert prepared.manifest.rows.kept == prepared.manifest.rows.rows_in == 13_242
    # 186 test acts also stand in train, as the data's description says; 296 rows repeat an earlier one
    assert prepared.manifest.test_inputs_in_train == {"describe": 186}
    assert prepared.manifest.equal_examples == 296


def test_the_order_of_examples_is_that_of_skills_and_rows(shop, params):
    examples = list(examples_of(shop, params, Ledger()))
    skills = [example.skill for example in examples]
    assert list(dict.fromkeys(skills)) == list(SKILLS)
    assert [e.source for e in examples if e.skill == "describe"] == [f"{p.source}:{p.row}" for p in shop.products]
