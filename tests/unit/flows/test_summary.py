"""The table of numbers that ends a run: every baseline has its column, and a terminal of 100 columns holds them."""

from pathlib import Path

from ecom_llm.evaluate.evidence import Evidence, Metrics, Output
from ecom_llm.promote.gate import Entrant
from flows.summary import MAIN, metric_lines, next_step

SKILLS = ("describe", "advertise", "review", "answer", "recommend")


def metrics(value: float) -> Metrics:
    return {skill: {locale: dict.fromkeys(MAIN, value) for locale in ("en", "zh-Hant")} for skill in SKILLS}


def evidence() -> Evidence:
    everything = {"all": {"all": {"bits_per_byte": 0.9}}, **metrics(100.0)}
    searched = {skill: metrics(12.5)[skill] for skill in ("answer", "recommend")}
    others = {name: metrics(99.9) for name in ("nearest_neighbour", "popularity", "template")}
    return Evidence(test_set="t", tokenizer="k", examples=9, metrics=everything, baselines={"bm25": searched, **others})


def test_every_baseline_has_a_column_within_100_columns():
    lines = metric_lines(evidence()).splitlines()
    assert lines[0].split() == ["skill/locale", "metric", "model", "bm25", *sorted(evidence().baselines)[1:]]
    assert max(map(len, lines)) <= 100


def test_what_search_is_worth_stands_beside_the_model():
    rows = [line.split() for line in metric_lines(evidence()).splitlines()]
    assert ["answer/en", "keyword_coverage", "100.000", "12.500", "99.900", "99.900", "99.900"] in rows
    assert ["describe/en", "bleu", "100.000", "-", "99.900", "99.900", "99.900"] in rows


def test_what_comes_next_is_a_command_that_the_champion_can_do():
    shown = {"attributes": {"colour": "red"}, "reference": "r", "text": "t", "baselines": {}, "ratios": {}}
    outputs = [Output(id="1", skill="describe", locale="en", **shown)]
    writer = Entrant("m", "1", evidence(), outputs)
    assert next_step(writer, None, None).endswith("ecom-llm write describe --attr 'colour=red' --locale en")
    told = next_step(writer, None, Path("/state/model"))
    assert told.endswith("ecom-llm run --set evaluate.use_encoder=true --set evaluate.encoder=/state/model")
