"""What `collect` keeps of a publisher's scoring reaches `evaluate`: the figures, and the rule baseline beside them."""

import json
import shutil
from pathlib import Path

import pytest

from ecom_llm.collect import stage as collect
from ecom_llm.collect.forms.rnnlg_scoring import SCORING
from ecom_llm.evaluate.bootstrap import Resampling
from ecom_llm.evaluate.matching import matchers
from ecom_llm.evaluate.measure import Group, measure, measured
from ecom_llm.evaluate.rnnlg.published import read_published
from ecom_llm.evaluate.spread import all_intervals
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import Source, load_params
from ecom_llm.records import Example, Product, Tables, UserError
from ecom_llm.shards import read_records
from ecom_llm.skills import describe

REPO = Path(__file__).parents[4]
ROWS = [
    ("inform(name=glow 5;type=lamp;dimmable=true)", "the glow 5 lamps are dimmable", "glow 5 is a Lamp, dimmable"),
    ("inform(name=ray;type=lamp;dimmable=true)", "ray is a dimmable lamp", "ray is a lamp , dimmable and white"),
    ("goodbye()", "goodbye", "bye"),
    ("no act", "this row is rejected", "and its baseline is not kept"),
]
FILES = {
    "mapping.pair": "lamps\tlamp -s\n",
    "detect.pair": json.dumps({"general": {"name": "SLOT_NAME"}, "binary": {"dimmable": ["dimmable"]}}),
    "special_values.txt": json.dumps({"yes": ["true"]}),
}


def collected(root: Path, files: dict[str, str]) -> tuple[Layout, list[Example]]:
    """A folder as RNNLG publishes one, collected; and its test examples."""
    layout = Layout(root, root / "state")
    layout.sources.mkdir(parents=True)
    for name in ("train.json", "valid.json", "test.json"):
        text = "\n".join(["#" * 20] * 5) + "\n" + json.dumps(ROWS, indent=1)
        (layout.sources / name).write_text(text, encoding="utf-8")
    for name, text in files.items():
        (layout.sources / name).write_text(text, encoding="utf-8")
    params = load_params(REPO / "params.yaml")
    source = Source(form="rnnlg", path=".", locale="en", weight=1.0, columns={})
    given = params.collect.model_copy(update={"sources": (source,), "location": "data/sources"})
    collect.run(params.model_copy(update={"collect": given}), layout)
    layout.prepared.mkdir()
    shutil.copyfile(layout.collected / "protocols.json", layout.protocols)
    products = list(read_records(layout.collected / "products", Product))
    return layout, [one for one in describe.SKILL.examples(Tables(products=products)) if one.split == "test"]


def test_the_published_figures_stand_beside_the_others(tmp_path):
    layout, test = collected(tmp_path, FILES)
    published = read_published(layout.protocols, test)
    assert published.covers(test) and len(published.rows) == len(test) == 3
    assert "not kept" not in layout.protocols.read_text(encoding="utf-8")
    # RNNLG takes the baseline of the first test act that is the same delexicalised, refilled
    assert published.baselines(test) == ["glow 5 is a lamp , dimmable", "ray is a lamp , dimmable", "bye"]
    human = [Written(one.target, others=("a lamp", "b")) for one in test]
    group = Group("describe", "en", test, human, matchers(test)["describe", "en"], published=published)
    found = measure(group)
    assert found["rnnlg_bleu_1"]["rnnlg_bleu_1"] == pytest.approx(1.0)
    assert found["rnnlg_bleu"]["rnnlg_bleu"] < 0.9
    assert found["rnnlg_slot_error_1"]["ratios"] == [(0.0, 2.0), (0.0, 2.0), (0.0, 0.0)]
    assert found["rnnlg_slot_error"]["ratios"] == [(4.0, 6.0), (4.0, 6.0), (0.0, 0.0)]
    assert all("signature" in result for name, result in found.items() if name.startswith("rnnlg"))


def test_every_figure_that_sums_make_has_an_interval(tmp_path):
    layout, test = collected(tmp_path, FILES)
    published = read_published(layout.protocols, test)
    rows = [
        one.model_copy(update={"id": f"{one.id}-{n}", "group": f"{one.group}-{n}"}) for n in range(4) for one in test
    ]
    human = [Written(one.target, others=("glow 5 is a lamp , dimmable",) * (n % 3)) for n, one in enumerate(rows)]
    group = Group("describe", "en", rows, human, matchers(test)["describe", "en"], published=published)
    found = measured([group], [[{}] * len(rows)])
    assert found.metrics["describe"]["en"]["rnnlg_bleu_1"] == pytest.approx(1.0)
    assert found.signatures["rnnlg_slot_error"]["en"]
    assert not any(name.startswith("rnnlg") for name in found.metrics["all"]["all"])
    intervals = all_intervals(found.metrics, found.outputs, Resampling(0.95, 200, 1))
    sure = {name for name in intervals.get("describe", {}).get("en", {}) if name.startswith("rnnlg")}
    assert sure == {"rnnlg_bleu", "rnnlg_bleu_1", "rnnlg_slot_error", "rnnlg_slot_error_1"}
    assert intervals["describe"]["en"]["rnnlg_bleu_1"][1] == 1.0
    low, high = intervals["describe"]["en"]["rnnlg_bleu"]
    assert 0 <= low < found.metrics["describe"]["en"]["rnnlg_bleu"] < high


def test_without_a_slot_that_counts_the_error_is_not_applicable(tmp_path):
    layout, test = collected(tmp_path, FILES)
    found = read_published(layout.protocols, test).figures(test[2:], [["goodbye"]])
    assert "not_applicable" in found["rnnlg_slot_error"] and "rnnlg_slot_error" not in found["rnnlg_slot_error"]


def test_five_texts_count_at_most(tmp_path):
    layout, test = collected(tmp_path, FILES)
    published = read_published(layout.protocols, test)
    found = published.figures(test[:1], [["the glow 5 lamps are dimmable"] * 5 + ["x"]])
    assert found["rnnlg_slot_error"]["ratios"] == [(0.0, 10.0)]
    assert found["rnnlg_hypotheses"]["rnnlg_hypotheses"] == 5


@pytest.mark.parametrize("name", SCORING)
def test_a_file_that_is_not_as_published_is_refused_before_anything_is_trained(tmp_path, name):
    with pytest.raises(UserError, match=rf"{name}: expected the file as RNNLG published it"):
        collected(tmp_path, {**FILES, name: "no such thing"})


@pytest.mark.parametrize("missing", SCORING)
def test_without_its_files_there_are_no_figures(tmp_path, missing, caplog):
    layout, test = collected(tmp_path, {name: text for name, text in FILES.items() if name != missing})
    assert read_published(layout.protocols, test) is None
    assert missing in caplog.text


def test_other_examples_are_not_covered_and_a_missing_file_is_named(tmp_path):
    layout, test = collected(tmp_path, FILES)
    published = read_published(layout.protocols, test)
    assert not published.covers([test[0].model_copy(update={"source": "other.csv:1"})])
    layout.protocols.unlink()
    with pytest.raises(UserError, match=r"protocols\.json"):
        read_published(layout.protocols, test)
