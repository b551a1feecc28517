"""The evaluate stage from files to files, on a random model."""

import csv
import json
from dataclasses import replace
from math import exp
from pathlib import Path

import pytest

from ecom_llm.evaluate.evidence import Output, read_evidence, slice_value
from ecom_llm.evaluate.matching import matchers
from ecom_llm.evaluate.report import replacing
from ecom_llm.evaluate.stage import baselines, compare, run
from ecom_llm.evaluate.testset import fingerprint
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.records import SPLITS, Example, Item, UserError, read_jsonl
from ecom_llm.shards import write_records
from ecom_llm.skills import SKILLS

REPO = Path(__file__).parents[3]
COLOURS = {"en": ["red", "navy blue", "blue", "green"], "zh": ["红色", "红", "蓝色", "绿色"]}
NAMES = {
    "en": ("colour", "history", "strengths", "stars", "question"),
    "zh": ("颜色", "购买记录", "优点", "星级", "问题"),
}
ASKED = {"en": "Which colour is it?", "zh": "是什么颜色的？"}


@pytest.fixture(scope="module")
def params() -> Params:
    whole = load_params(REPO / "params.yaml")
    small = {"max_examples": 3, "per_device_eval_batch_size": 20, "max_new_tokens": 12, "num_threads": 1}
    return whole.model_copy(
        update={
            "evaluate": whole.evaluate.model_copy(update=small),
            "runtime": whole.runtime.model_copy(update={"device": "cpu"}),
        }
    )


def examples_of(make_example, split: str, size: int):
    for locale, colours in COLOURS.items():
        colour, history, strengths, stars, question = NAMES[locale]
        for n in range(size):
            value, number = colours[n % 4], 100 * SPLITS.index(split) + n
            yield make_example("describe", locale, number, {colour: value}, f"a {value} dress {n}")
            yield make_example("review", locale, number, {stars: "5", strengths: value}, f"so {value}, I like it")
            yield make_example("answer", locale, number, {question: ASKED[locale]}, f"it is {value}")
            yield make_example("recommend", locale, number, {history: f"{value}; {value}"}, colours[(n + 1) % 4])


@pytest.fixture(scope="module")
def layout(make_example, model_folder, tmp_path_factory) -> Layout:
    root = tmp_path_factory.mktemp("workspace")
    found = Layout(root, root / "state")
    for split in SPLITS:
        write_records(found.split(split), Example, examples_of(make_example, split, 5))
    named = [(locale, title) for locale, titles in COLOURS.items() for title in titles]
    items = [Item(product=f"P{n}", locale=locale, title=title) for n, (locale, title) in enumerate(named)]
    write_records(found.items, Item, items)
    found.protocols.write_text("[]", encoding="utf-8")
    found.model.parent.mkdir(parents=True)
    found.model.symlink_to(model_folder)
    return found


@pytest.fixture(scope="module")
def written(params, layout) -> Layout:
    run(params, layout)
    return layout


def test_every_skill_and_locale_is_measured_with_its_metrics(written):
    evidence = read_evidence(written.metrics)
    likelihood = {"perplexity", "bits_per_byte"}
    text = {"bleu", "attribute_coverage"} | likelihood
    assert evidence.examples == 24
    assert set(evidence.metrics) == {"describe", "review", "answer", "recommend", "all"}
    for locale in COLOURS:
        assert text <= set(evidence.metrics["describe"][locale])
        assert set(evidence.metrics["answer"][locale]) <= set(SKILLS["answer"].metrics) | likelihood
        assert set(evidence.metrics["recommend"][locale]) == {"hit@10", "ndcg@10", "mrr@10"} | likelihood
        for skill in ("describe", "review", "answer"):
            named = {*evidence.metrics[skill][locale], *evidence.not_applicable.get(skill, {}).get(locale, {})}
            assert named == set(SKILLS[skill].metrics) | likelihood
    assert not {"bleu", "distinct_4"} & set(evidence.metrics["describe"]["all"])
    assert {"attribute_coverage", "hit@10"} | likelihood <= set(evidence.metrics["all"]["all"])
    assert evidence.signatures["bleu"].keys() == COLOURS.keys() and "tok:zh" in evidence.signatures["bleu"]["zh"]


def test_the_baselines_stand_beside_it_on_the_same_examples(written):
    found = read_evidence(written.metrics).baselines
    ranked = {"popularity", "cooccurrence", "transitions"}
    assert set(found) == {"bm25", "constant", "nearest_neighbour", "template", "reference"} | ranked
    assert found["reference"]["describe"]["en"]["attribute_coverage"] == 1
    assert all(set(found[name]) == {"recommend", "all"} for name in ranked)
    assert set(found["bm25"]) == {"answer", "recommend", "all"}
    # four items and ten places: popularity cannot miss, and a template states what it was given
    assert found["popularity"]["recommend"]["en"]["hit@10"] == found["bm25"]["recommend"]["zh"]["hit@10"] == 1
    # shoppers here never buy the same again, which is what search proposes first
    assert found["bm25"]["recommend"]["en"]["ndcg@10"] < 0.9
    # they always buy what shoppers of the training split bought after the same, which who bought both does not tell
    assert found["transitions"]["recommend"]["en"]["ndcg@10"] == 1 > found["cooccurrence"]["recommend"]["zh"]["ndcg@10"]
    assert found["template"]["describe"]["zh"]["attribute_coverage"] == 1
    assert found["template"]["describe"]["zh"]["unsupported_rate"] == 0
    assert found["template"]["describe"]["en"]["distinct_4"] > 0
    assert "perplexity" not in found["template"]["describe"]["en"]


def test_the_gate_finds_in_outputs_what_metrics_say(written):
    evidence, found = read_evidence(written.metrics), list(read_jsonl(written.outputs, Output))
    for metric in ("perplexity", "bits_per_byte", "attribute_coverage", "hit@10"):
        assert evidence.metrics["all"]["all"][metric] == round(slice_value(metric, found), 6)
    chinese = [output for output in found if output.skill == "describe" and output.locale == "zh"]
    for metric in ("bleu", "chrf", "rougeL"):
        assert evidence.metrics["describe"]["zh"][metric] == round(slice_value(metric, chinese), 6)
    nats, tokens = (sum(column) for column in zip(*(output.ratios["perplexity"] for output in chinese), strict=True))
    assert evidence.metrics["describe"]["zh"]["perplexity"] == pytest.approx(exp(nats / tokens), abs=1e-5)
    bits, size = (sum(column) for column in zip(*(output.ratios["bits_per_byte"] for output in chinese), strict=True))
    assert size == sum(len(output.reference.encode()) for output in chinese)
    assert bits == pytest.approx(nats / 0.6931471805599453, rel=1e-6)


def test_the_test_sets_hash_can_be_had_from_the_outputs(written, make_example):
    found = read_jsonl(written.outputs, Output)
    again = [
        make_example(o.skill, o.locale, 0, o.attributes, o.reference).model_copy(update={"id": o.id}) for o in found
    ]
    assert fingerprint(again) == read_evidence(written.metrics).test_set


def test_outputs_show_the_baselines_texts(written):
    found = {output.id: output for output in read_jsonl(written.outputs, Output)}
    described = next(output for output in found.values() if output.skill == "describe")
    assert set(described.baselines) == {"nearest_neighbour", "template"}
    recommended = next(output for output in found.values() if output.skill == "recommend")
    assert recommended.text in COLOURS[recommended.locale]
    assert set(recommended.baselines) == {"bm25", "popularity", "cooccurrence", "transitions"}
    answered = next(output for output in found.values() if output.skill == "answer" and output.locale == "zh")
    assert answered.baselines["bm25"] == "it is 红色", "all questions are one, so the first answer of training is taken"


def test_answers_are_judged_by_keywords_whose_signature_is_kept(make_example, monkeypatch):
    monkeypatch.setitem(SKILLS, "answer", replace(SKILLS["answer"], metrics=("keyword_coverage",)))
    training = [make_example("answer", "zh", 1, {"问题": "防水吗？"}, "可以防水")]
    examples = [make_example("answer", "zh", 2, {"问题": "请问防水吗？"}, "防水的材质")]
    model, found = compare(examples, [Written("材质是防水的")], training, [], matchers([*training, *examples]))
    assert model.metrics["answer"]["zh"] == model.metrics["all"]["all"] == {"keyword_coverage": 1}
    assert found["bm25"].metrics["answer"]["zh"] == {"keyword_coverage": 0.5}
    assert model.signatures.keys() == {"keyword_coverage"} and "jieba" in model.signatures["keyword_coverage"]["zh"]


def test_what_cannot_be_searched_has_no_baseline(make_example):
    answer = make_example("answer", "en", 1, {"question": "loud?"}, "no")
    recommend = make_example("recommend", "en", 1, {"history": "red kettle"}, "kettle")
    assert set(baselines("answer", [answer], [], [])) == {"template"}
    assert baselines("recommend", [recommend], [], []) == {}
    assert baselines("recommend", [recommend], [], ["pan", "kettles"])["bm25"][0].ranking == ("kettles", "pan")


def test_slices_are_the_metrics_as_rows(written):
    evidence = read_evidence(written.metrics)
    with written.slices.open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    systems = {"model": evidence.metrics, **evidence.baselines}
    sure = {"model": evidence.intervals, **evidence.baseline_intervals}
    for row in rows:
        assert row["slice"] == f"{row['skill']}/{row['locale']}/{row['metric']}"
        assert float(row["value"]) == systems[row["system"]][row["skill"]][row["locale"]][row["metric"]]
        known = sure[row["system"]].get(row["skill"], {}).get(row["locale"], {}).get(row["metric"])
        assert (row["low"], row["high"]) == (("", "") if known is None else tuple(str(end) for end in known))
    values = [
        v for metrics in systems.values() for locales in metrics.values() for named in locales.values() for v in named
    ]
    assert len(rows) == len(values)


def test_intervals_hold_their_value_and_rest_on_products(written):
    evidence, found = read_evidence(written.metrics), list(read_jsonl(written.outputs, Output))
    values, bounds = evidence.metrics["all"]["all"], evidence.intervals["all"]["all"]
    assert bounds and all(low <= values[metric] <= high for metric, (low, high) in bounds.items())
    assert not {"bits_per_byte", "perplexity"} & bounds.keys(), "24 examples are of fewer than ten products"
    assert {output.cluster for output in found} == {output.group for output in found} and len(found) == 24
    assert evidence.baseline_intervals.keys() == evidence.baselines.keys()


def test_the_model_is_held_against_each_baseline_on_the_same_examples(written):
    evidence = read_evidence(written.metrics)
    held = evidence.baseline_differences
    assert held.keys() == evidence.baselines.keys()
    assert {"attribute_coverage", "bleu", "chrf"} <= held["template"]["describe"]["en"].keys()
    assert {"hit@10", "ndcg@10"} <= held["popularity"]["recommend"]["zh"].keys()
    assert "attribute_coverage" in held["template"]["describe"]["all"]
    assert not any("all" in found or "perplexity" in str(found) for found in held.values()), "the model's alone"
    for name, skills in held.items():
        for skill, locales in skills.items():
            for locale, metrics in locales.items():
                for metric, (difference, low, high) in metrics.items():
                    ours = evidence.metrics[skill][locale][metric]
                    assert difference == pytest.approx(ours - evidence.baselines[name][skill][locale][metric], abs=2e-6)
                    assert low - 1e-6 <= difference <= high + 1e-6


def test_again_gives_the_same_bytes_and_leaves_nothing_else(params, written):
    files = [written.outputs, written.metrics, written.slices]
    before = [path.read_bytes() for path in files]
    run(params, written)
    assert [path.read_bytes() for path in files] == before
    assert sorted(written.metrics.parent.iterdir()) == sorted(files)
    assert json.loads(before[1]).keys() == {
        "objective",
        "test_set",
        "prepared",
        "tokenizer",
        "examples",
        "metrics",
        "intervals",
        "method",
        "subsets",
        "baselines",
        "baseline_intervals",
        "baseline_differences",
        "signatures",
        "not_applicable",
    }


def test_an_empty_test_split_is_the_users_to_mend(params, layout, tmp_path):
    empty = Layout(tmp_path, tmp_path / "state")
    for split in SPLITS:
        write_records(empty.split(split), Example, [])
    empty.model.parent.mkdir(parents=True)
    empty.model.symlink_to(layout.model.resolve())
    with pytest.raises(UserError, match=r"prepare\.test_share"):
        run(params, empty)
    assert not empty.metrics.exists()


def test_a_failure_leaves_the_old_file_and_nothing_half_written(tmp_path):
    path = tmp_path / "metrics.json"
    path.write_text("old")
    with pytest.raises(UserError, match="cannot be written"), replacing(path) as temporary:
        temporary.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
