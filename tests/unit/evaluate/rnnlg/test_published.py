"""What `collect` keeps of a publisher's scoring reaches `evaluate`: the figures, and the rule baseline beside them."""

import json
import shutil
from pathlib import Path

import pytest

from ecom_llm.collect import stage as collect
from ecom_llm.collect.forms.rnnlg import SCORING
from ecom_llm.evaluate.matching import matchers
from ecom_llm.evaluate.measure import Group, Written, measure
from ecom_llm.evaluate.rnnlg.published import read_published
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
    assert published.covers(test)
    # RNNLG takes the baseline of the first test act that is the same delexicalised, refilled
    assert published.baselines(test) == ["glow 5 is a lamp , dimmable", "ray is a lamp , dimmable", "bye"]
    human = [Written(one.target, ("a lamp", "b")) for one in test]
    group = Group("describe", "en", test, human, matchers(test)["describe", "en"], published=published)
    found = measure(group)
    assert found["rnnlg_bleu_1"]["rnnlg_bleu_1"] == pytest.approx(1.0)
    assert found["rnnlg_bleu"]["rnnlg_bleu"] < 0.9
    assert found["rnnlg_slot_error_1"]["ratios"] == [(0.0, 2.0), (0.0, 2.0), (0.0, 0.0)]
    assert found["rnnlg_slot_error"]["ratios"] == [(4.0, 6.0), (4.0, 6.0), (0.0, 0.0)]


def test_five_texts_count_at_most(tmp_path):
    layout, test = collected(tmp_path, FILES)
    published = read_published(layout.protocols, test)
    found = published.figures(test[:1], [["the glow 5 lamps are dimmable"] * 5 + ["x"]])
    assert found["rnnlg_slot_error"]["ratios"] == [(0.0, 10.0)]
    assert found["rnnlg_hypotheses"] == {"rnnlg_hypotheses": 5}


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
