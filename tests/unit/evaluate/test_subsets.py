"""Categories and sources: who belongs to them, how many there are, and what the evidence says of them."""

from pathlib import Path

import numpy as np
import pytest

from ecom_llm.evaluate.bootstrap import Resampling
from ecom_llm.evaluate.evidence import Evidence, Output
from ecom_llm.evaluate.spread import slice_intervals, weighed
from ecom_llm.evaluate.subsets import marked, subsets_of, within
from ecom_llm.params import Evaluate, load_params
from ecom_llm.records import Example

REPO = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def params() -> Evaluate:
    whole = load_params(REPO / "params.yaml").evaluate
    return whole.model_copy(update={"min_subset_examples": 10, "max_subsets": 4, "bootstrap_samples": 200})


@pytest.fixture(scope="module")
def examples(make_example) -> list[Example]:
    """24 dresses, 12 shirts and 4 hats in two sources; questions that do not show what they are about."""
    kinds = ["dress"] * 24 + ["shirt"] * 12 + ["hat"] * 4
    described = [
        make_example("describe", "en", n, {"category": kind}, "text").model_copy(
            update={"source": f"{'shop.csv' if n % 2 else 'feed:1'}:{n + 1}"}
        )
        for n, kind in enumerate(kinds)
    ]
    asked = [make_example("answer", "en", n, {"question": "?"}, "text") for n in range(40)]
    return [*described, *asked]


def test_an_example_belongs_to_its_products_category_and_its_source(examples, params):
    found = subsets_of(examples, examples, params)
    assert found["describe:en:0"] == ("category=dress", "source=feed:1")
    assert found["answer:en:30"] == ("category=shirt", "source=catalogue"), "the question does not show it"


def test_small_subsets_and_those_beyond_the_bound_are_left_out(examples, params):
    def names(**changes: int) -> set[str]:
        found = subsets_of(examples, examples, params.model_copy(update=changes))
        return {name for subsets in found.values() for name in subsets}

    assert names(min_subset_examples=9) == {"category=dress", "category=shirt", "source=catalogue", "source=feed:1"}
    assert names(max_subsets=1) == {"category=dress"}, "the largest"
    assert names(max_subsets=0) == set()
    assert names(min_subset_examples=25) == {"category=dress", "source=catalogue"}


def test_a_subset_that_is_everything_says_nothing(make_example, params):
    alike = [make_example("describe", "en", n, {"category": "hat"}, "text") for n in range(20)]
    assert set(subsets_of(alike, alike, params).values()) == {()}


def outputs(examples: list[Example]) -> list[Output]:
    return [
        Output(
            id=one.id,
            skill=one.skill,
            locale=one.locale,
            attributes=one.attributes,
            reference=one.target,
            text="",
            baselines={},
            ratios={"attribute_coverage": (float(n % 3 > 0), 1.0)},
            group=one.group,
        )
        for n, one in enumerate(examples)
    ]


@pytest.fixture(scope="module")
def found(examples, params) -> tuple[Evidence, list[Output]]:
    metrics = {
        "describe": {"en": {"attribute_coverage": 27 / 40, "distinct_4": 0.5}},
        "all": {"all": {"attribute_coverage": 53 / 80}},
    }
    written = marked(outputs(examples), subsets_of(examples, examples, params))
    plain = Evidence(test_set="t", tokenizer="t", examples=80, metrics=metrics, baselines={"template": metrics})
    return weighed(plain, written, {"template": written}, params), written


def test_every_value_that_sums_make_has_an_interval_and_others_a_reason(found):
    evidence, _ = found
    assert evidence.intervals.keys() == {"describe", "all"}
    assert evidence.intervals["describe"]["en"].keys() == {"attribute_coverage"}
    low, high = evidence.intervals["describe"]["en"]["attribute_coverage"]
    assert 0.4 < low < 27 / 40 < high < 0.9
    assert evidence.baseline_intervals == {"template": evidence.intervals}
    assert "distinct-n" in evidence.method and evidence.method.startswith("95%, 200 resamples")


def test_the_interval_rests_on_products_not_on_examples(found):
    """40 products stand in the total twice each, described and asked about."""
    _, written = found
    settings = Resampling(0.95, 200, 1)
    assert slice_intervals(["attribute_coverage"], written, settings)["attribute_coverage"].clusters == 40


def test_subsets_are_measured_slice_by_slice_where_they_are_large_enough(found):
    evidence, written = found
    measured = {(one.name, one.skill, one.locale): one for one in evidence.subsets}
    assert ("category=hat", "describe", "en") not in measured
    dresses = measured["category=dress", "describe", "en"]
    chosen = within(written, "describe", "en", "category=dress")
    assert dresses.examples == len(chosen) == 24
    assert dresses.metrics == {"attribute_coverage": round(np.mean([n % 3 > 0 for n in range(24)]), 6)}
    low, high = dresses.intervals["attribute_coverage"]
    assert low < dresses.metrics["attribute_coverage"] < high
    assert measured["category=dress", "all", "all"].examples == 48


def with_hits(written: list[Output], lift: float, skip: int | None = None) -> list[Output]:
    """Outputs of a system that is better than its rival by `lift` on every example, of very different difficulty."""
    return [
        one.model_copy(update={"ratios": {"rougeL": (n % 10 / 10 + lift, 1.0)} if n != skip else {}})
        for n, one in enumerate(written)
    ]


def test_a_small_gain_on_every_example_is_told_from_a_baseline(found, params):
    """The intervals of the two values overlap; only on the same examples is the difference sure."""
    _, written = found
    described = within(written, "describe", "en")
    ours, theirs = with_hits(described, 0.05), with_hits(described, 0.0)
    metrics, others = ({"describe": {"en": {"rougeL": value, "distinct_4": 0.5}}} for value in (0.5, 0.45))
    plain = Evidence(test_set="t", tokenizer="t", examples=40, metrics=metrics, baselines={"template": others})
    evidence = weighed(plain, ours, {"template": theirs}, params)
    low, _ = evidence.intervals["describe"]["en"]["rougeL"]
    _, high = evidence.baseline_intervals["template"]["describe"]["en"]["rougeL"]
    assert low < high
    assert evidence.baseline_differences == {"template": {"describe": {"en": {"rougeL": (0.05, 0.05, 0.05)}}}}
    others = weighed(plain, ours, {"template": with_hits(described, 0.0, skip=3)}, params)
    assert others.baseline_differences == {"template": {}}, "not of the same examples"
