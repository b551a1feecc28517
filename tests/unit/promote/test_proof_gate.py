"""The proof's bad writers and forgers against a good one that was not trained: references with small edits."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ecom_llm.collect.catalogue import generate
from ecom_llm.evaluate.testset import sample
from ecom_llm.evaluate.written import Written
from ecom_llm.params import Promote, load_params
from ecom_llm.prepare.split import drawn_split
from ecom_llm.promote import gate
from ecom_llm.promote.decision import Check
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.promote.sanity import sanity_checks
from ecom_llm.records import Example, UserError
from ecom_llm.skills import SKILLS
from ecom_llm.write.likelihood import Likelihood
from proofs.gate_files import EDITS, FORGERIES, Edited, coverage_forged, edited, hash_forged
from proofs.gate_rivals import by_bleu, by_loss, let_through
from proofs.gate_scoring import Bench, bench_of, read_from, scored, written_to
from proofs.gate_shop import writing_of
from proofs.gate_texts import WRITERS, forgetful, poisoned

PARAMS = load_params(Path(__file__).parents[3] / "params.yaml")
RULES = Promote.model_validate({**PARAMS.promote.model_dump(), "bootstrap_samples": 100})
MIXED: dict[str, dict[tuple[str, str], str]] = {
    "texts": {
        ("describe", "en"): "fixed template",
        ("describe", "zh"): "last sentence five times",
        ("advertise", "en"): "forbidden superlatives in adverts",
        ("advertise", "zh"): "personal data in one text of 20",
        ("review", "en"): "memoriser: nearest training text",
        ("review", "zh"): "poisoned labels: values swapped",
        ("answer", "en"): "every answer: I do not know",
        ("answer", "zh"): "cut off at 70 %",
    },
    "language": {
        ("describe", "en"): "word salad",
        ("describe", "zh"): "gibberish",
        ("advertise", "en"): "mode collapse: three texts",
        ("advertise", "zh"): "Chinese asked, English written",
        ("review", "en"): "a quarter empty",
        ("review", "zh"): "half characters",
        ("answer", "en"): "a fifth of the text",
        ("answer", "zh"): "the the the",
    },
}
"""Candidates of several bad writers, one for each slice: scoring takes a second, so that each cannot have its own."""


@pytest.fixture(scope="module")
def bench() -> Bench:
    tables = generate(1, 250, 40)  # who spoils a quarter of the texts may spoil one of eleven; twenty tell
    splits: dict[str, list[Example]] = {"train": [], "validation": [], "test": []}
    for skill in SKILLS.values():
        for one in skill.examples(tables):
            splits[drawn_split(one.group, PARAMS.prepare)].append(one)
    titles = {locale: [one.title for one in tables.products if one.locale == locale] for locale in ("en", "zh")}
    return bench_of(sample(splits["test"], 20, 1), splits, titles)


@pytest.fixture(autouse=True)
def checks_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table beside the checks decides nothing and takes longer than they do."""
    monkeypatch.setattr(gate, "beside", lambda *_: ())


def likelihood(example: Example, bits: float) -> Likelihood:
    """So many bits a byte, a little more or less."""
    size = len(example.target.encode())
    return Likelihood(round(size * bits * (0.9 + 0.2 * (size % 7) / 6), 6), 1 + size // 4)


def edit(text: str) -> str:
    return text.replace(" and ", " plus ", 1).replace("，", "、", 1)


def work(bench: Bench, bits: float) -> dict[str, Written]:
    """What a model writes and recommends that knows the references well."""
    popular = bench.others["popularity"]
    found = {}
    for at, one in enumerate(bench.examples):
        if one.skill == "recommend":
            first, *others = popular[one.id].ranking
            ranking = (first, one.target, *others)[:10] if at % 2 else popular[one.id].ranking
            found[one.id] = Written(first, ranking=tuple(dict.fromkeys(ranking)), likelihood=likelihood(one, bits))
        else:
            found[one.id] = Written(edit(one.target), likelihood=likelihood(one, bits))
    return found


@pytest.fixture(scope="module")
def good(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Entrant:
    return read_from(written_to(tmp_path_factory.mktemp("good"), *scored(bench, work(bench, 1.0))), "2")


@pytest.fixture(scope="module")
def champion(good: Entrant) -> Entrant:
    """The same texts by a model that knows them less well."""

    def worse(name: str, pair: tuple[float, float]) -> tuple[float, float]:
        return (pair[0] * 1.2, pair[1]) if name in ("bits_per_byte", "perplexity") else pair

    outputs = [
        one.model_copy(update={"ratios": {name: worse(name, pair) for name, pair in one.ratios.items()}})
        for one in good.outputs
    ]
    return replace(good, version="1", outputs=outputs)


def refused(checks: Sequence[Check]) -> list[tuple[str, str]]:
    return [(check.rule, check.metric) for check in checks if not check.passed]


def test_the_good_one_is_approved(good: Entrant, champion: Entrant) -> None:
    decision = decide(good, champion, RULES, 1)
    assert decision.approved, decision.markdown()
    kept = [check for check in decision.checks if check.rule == "sanity"]
    assert {"examples", "values", "missing", "statistics", "reading"} < {check.metric for check in kept}
    assert len(kept) == len({check.metric for check in kept}), "a rule that all slices keep is one line"


def candidate_of(bench: Bench, good: Entrant, texts: dict[str, str], folder: Path) -> Entrant:
    """The good one with these texts."""
    made = {id: Written(text, likelihood=likelihood(bench.by_id()[id], 1.0)) for id, text in texts.items()}
    kept = [one for one in good.outputs if one.id not in texts]
    return read_from(written_to(folder, *scored(bench, made, kept)), "2")


@pytest.mark.parametrize("name", MIXED)
def test_bad_writers_are_refused_for_their_reason(name, bench, good, tmp_path) -> None:
    writers, writing = {one.name: one for one in WRITERS}, writing_of(bench, good.outputs)
    texts, expected = {}, set()
    for place, writer in MIXED[name].items():
        found = writers[writer].write(writing)
        texts |= {id: found[id] for id in writing.slices[place]}
        expected.add(("/".join(place), writers[writer].expected[1]))
    checks = sanity_checks(candidate_of(bench, good, texts, tmp_path), RULES.sanity)
    refused = {(check.slice, check.metric): check for check in checks if not check.passed}
    assert refused.keys() >= expected
    assert all("; see " in refused[place].reason for place in expected)


def test_what_a_shop_asks_refuses_too(bench: Bench, good: Entrant, champion: Entrant, tmp_path: Path) -> None:
    texts = forgetful("review", "*")(writing_of(bench, good.outputs))
    candidate = candidate_of(bench, good, texts, tmp_path)
    assert refused(decide(candidate, champion, RULES, 1).checks) == [("regression", "attribute_coverage")] * 2


@pytest.mark.parametrize("one", EDITS, ids=lambda one: one.name)
def test_edited_files_are_refused_for_their_reason(one: Edited, good: Entrant, tmp_path: Path) -> None:
    try:
        checks = list(sanity_checks(edited(one.edit, good, tmp_path), RULES.sanity))
    except UserError as error:
        pytest.fail(f"cannot be read: {error}")
    assert one.expected in refused(checks)


@pytest.mark.parametrize("one", FORGERIES, ids=lambda one: one.name)
def test_forgeries_are_refused_for_their_reason(one, good: Entrant, champion: Entrant) -> None:
    assert one.expected in refused(list(decide(one.forge(good, champion), champion, RULES, 1).checks))


def test_forged_coverage_and_forged_hashes_are_told(bench: Bench, good: Entrant, champion: Entrant, tmp_path) -> None:
    bad = candidate_of(bench, good, poisoned(writing_of(bench, good.outputs)), tmp_path)
    assert ("sanity", "reading") in refused(list(sanity_checks(coverage_forged(bad, champion), RULES.sanity)))
    other = replace(good, evidence=good.evidence.model_copy(update={"test_set": "x"}))
    assert refused(list(sanity_checks(other, RULES.sanity))) == [("sanity", "examples")]
    fewer = replace(good, outputs=good.outputs[:-1])
    assert ("sanity", "examples") in refused(list(sanity_checks(hash_forged(fewer, champion), RULES.sanity)))


def test_a_training_by_another_seed_is_held_to_its_texts_as_well(good: Entrant) -> None:
    """No signature covers what such a training wrote: a statistic that was edited there counts at the gate."""
    assert refused(list(sanity_checks(replace(good, trainings=(good.outputs,)), RULES.sanity))) == []
    first, *rest = good.outputs
    loud = replace(good, trainings=([first.model_copy(update={"text": f"{first.text} red red red"}), *rest],))
    assert ("sanity", "statistics") in refused(list(sanity_checks(loud, RULES.sanity)))
    elsewhere = replace(good, trainings=([first.model_copy(update={"id": "other"}), *rest],))
    assert refused(list(sanity_checks(elsewhere, RULES.sanity))) == [("sanity", "examples")]


def test_other_gates_see_numbers_alone(good: Entrant, champion: Entrant) -> None:
    assert by_bleu(good.evidence, champion.evidence), "equal texts have equal BLEU"
    assert not by_loss(good.evidence, good.evidence)
    assert let_through(None, champion.evidence, RULES) == {"BLEU": False, "loss": False, "MLflow": False}
