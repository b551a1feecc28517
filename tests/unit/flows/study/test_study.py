"""A study from two registered versions to the gate, over a real embedded MLflow."""

import json
import shutil
from pathlib import Path

import pytest

from ecom_llm.human.results import flat
from ecom_llm.human.study import Study, load_study
from ecom_llm.layout import Layout
from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.records import UserError, write_jsonl
from ecom_llm.registry import Registry, open_registry
from ecom_llm.registry.studies import heard
from flows.study.answering import (
    find_study,
    import_file,
    precision_for,
    record,
    result_lines,
    still_missing,
    studies,
    verdicts_of,
)
from flows.study.making import EXPORT, Wanted, made_lines, new_study
from tests.unit.human.conftest import outputs

REPO = Path(__file__).parents[4]
# MLflow's and its dependencies' own deprecations are no business of ours
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
RULE = {"metric": "human_win_rate", "skill": "all", "locale": "all", "threshold": 0.5, "greater_is_better": True}


@pytest.fixture(scope="module")
def params() -> Params:
    values = read_yaml(REPO / "params.yaml")
    values["registry"]["model_name"] = "shop"
    values["promote"]["thresholds"] = [RULE]
    values["promote"]["study"]["examples"] = 24
    return validate(values, "params.yaml")


def register(registry: Registry, version: int, folder: Path) -> None:
    """A version with nothing but its outputs."""
    write_jsonl(folder / "outputs.jsonl", outputs(version, 12))
    client = registry.mlflow
    run = client.create_run(registry.experiment()).info.run_id
    client.log_artifact(run, str(folder / "outputs.jsonl"), "reports")
    made = client.create_model_version("shop", source=str(folder), run_id=run)
    client.set_model_version_tag("shop", made.version, "complete", "true")


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Layout:
    root = tmp_path_factory.mktemp("study")
    return Layout(root / "workspace", root / "state")


@pytest.fixture(scope="module")
def registry(layout, params, tmp_path_factory) -> Registry:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        found = open_registry("shop", layout)
        found.mlflow.create_registered_model("shop")
        for version in (1, 2):
            register(found, version, tmp_path_factory.mktemp(f"version-{version}"))
        # version 2 writes the short texts and is champion; version 1 wants to be
        found.mlflow.set_registered_model_alias("shop", "champion", "2")
        found.mlflow.set_registered_model_alias("shop", "candidate", "1")
        yield found


def wanted(candidate=None, against="champion", rate=False, skills=(), locales=()) -> Wanted:
    return Wanted(candidate, against, rate, skills, locales)


@pytest.fixture(scope="module")
def made(layout, params, registry) -> Study:
    return new_study(layout, params, wanted())


def answers(study: Study, rater: int, folder: Path, wins=lambda entry: True) -> Path:
    """The file of a rater who reads, and prefers the candidate where `wins` says so."""
    sheet = study.sheet(rater)
    chosen = {}
    for entry in study.key.entries:
        right = entry.kind == "known_bad" or wins(entry)
        chosen[entry.task] = "first" if (entry.first in ("candidate", "good")) == right else "second"
    body = {
        "study": study.id,
        "rater": rater,
        "digest": sheet.digest,
        "name": "Ann",
        "answers": [
            {"task": task.id, "choice": chosen[task.id], "ratings": {}, "reasons": [], "comment": ""}
            for task in sheet.tasks
        ],
    }
    path = folder / f"{study.id}-{rater}.json"
    path.write_text(json.dumps(body))
    return path


def take(path, layout, keep_names=False, replace=False):
    return import_file(path, studies(layout), layout, keep_names, replace)


def test_a_study_of_the_candidate_against_the_champion(made, layout, params):
    assert (made.key.candidate.version, made.key.other.version) == ("1", "2")
    assert made.key.candidate.outputs != made.key.other.outputs
    folder = layout.studies / made.id
    assert sorted(path.name for path in (folder / EXPORT).iterdir()) == [
        f"rater-{rater}.{kind}" for rater in (1, 2, 3) for kind in ("csv", "html")
    ]
    assert load_study(folder) == made
    said = "\n".join(made_lines(made, layout, params))
    assert "version 1 against version 2" in said
    assert "describe/en: 6 of 10 examples, 2 are the same and are not shown" in said
    assert "With 24 examples and 3 judgements of each" in said
    assert str(folder / EXPORT) in said


def test_from_answers_to_the_gate(made, layout, params, registry, tmp_path):
    with pytest.raises(UserError, match="has no answers yet"):
        verdicts_of(made, layout, params, False)
    (line,) = take(answers(made, 1, tmp_path), layout)
    assert "32 answers kept" in line
    assert still_missing(made, layout) == f"Study {made.id} waits for rater 2, 3."
    early = verdicts_of(made, layout, params, False)
    with pytest.raises(UserError, match="waits for rater 2, 3: stopping when the result pleases"):
        record(early, layout, params)
    for rater in (2, 3):
        take(answers(made, rater, tmp_path, lambda entry: entry.example[-1] != "1"), layout)
    assert "has all 3 raters" in still_missing(made, layout)

    found = verdicts_of(made, layout, params, False)
    version = registry.version("1")
    before = heard(registry, version, params.promote)
    assert (before.champion, before.studies) == ("2", ())
    assert record(found, layout, params).startswith("Stored with shop version 1.")
    assert record(found, layout, params)  # a second time changes nothing
    version = registry.version("1")
    assert version.tags["studies"] == made.id
    assert "against version 2, study" in version.tags["human_win_rate"]
    numbers = registry.mlflow.get_run(version.run_id).data.metrics
    assert 0.5 < numbers["all.all.human_win_rate_low"] < numbers["all.all.human_win_rate"] < 1
    assert numbers["describe.en.human_win_rate"]
    after = heard(registry, version, params.promote)
    assert after.studies == (found,)
    assert after.outputs == made.key.candidate.outputs
    text = registry.mlflow.download_artifacts(version.run_id, f"human/{made.id}.txt", str(tmp_path))
    assert Path(text).read_text() == "\n".join(result_lines(found, params)) + "\n"


def test_a_rater_who_answered_a_part_is_waited_for(made, layout, params, tmp_path):
    path = answers(made, 2, tmp_path)
    whole = json.loads(path.read_text())
    path.write_text(json.dumps({**whole, "answers": whole["answers"][:5]}))
    take(path, layout, replace=True)
    with pytest.raises(UserError, match="waits for 27 tasks of rater 2: stopping when the result pleases"):
        record(verdicts_of(made, layout, params, False), layout, params)
    take(answers(made, 2, tmp_path), layout, replace=True)


def test_the_same_answers_in_another_order_are_the_same(made, layout, tmp_path):
    path = answers(made, 1, tmp_path)
    take(path, layout, replace=True)
    kept = layout.studies / made.id / "answers" / "rater-1.json"
    before, whole = kept.read_bytes(), json.loads(path.read_text())
    path.write_text("\ufeff" + json.dumps({**whole, "answers": whole["answers"][::-1]}))  # and as Notepad saves it
    take(path, layout)
    assert kept.read_bytes() == before
    whole["answers"][0]["comment"] = "warmer"
    path.write_text(json.dumps(whole))
    take(path, layout)
    assert "warmer" in kept.read_text(), "what a page says beside the choices is not lost to the sheet that came first"


def test_a_study_of_one_language_is_told_as_such(layout, params, registry, tmp_path):
    study = new_study(layout, params, wanted(locales=("en",)))
    assert study.key.not_asked == (("describe", "zh"), ("review", "zh"))
    for rater in (1, 2, 3):
        take(answers(study, rater, tmp_path), layout)
    found = verdicts_of(study, layout, params, False)
    assert "Not asked about: describe/zh, review/zh." in "\n".join(result_lines(found, params))
    assert {name for name in flat(found, precision_for(params)) if name.startswith("all")} == set()
    assert "describe.en.human_win_rate_low" in flat(found, precision_for(params))
    shutil.rmtree(layout.studies / study.id)


def test_names_become_pseudonyms_unless_they_are_to_be_kept(made, layout, tmp_path):
    path = answers(made, 1, tmp_path)
    take(path, layout, replace=True)
    kept = layout.studies / made.id / "answers" / "rater-1.json"
    assert "Ann" not in kept.read_text()
    take(path, layout, keep_names=True)
    assert json.loads(kept.read_text())["name"] == "Ann"
    take(path, layout)


def test_other_answers_of_the_same_rater_replace_the_first_only_if_asked(made, layout, tmp_path):
    take(answers(made, 3, tmp_path), layout, replace=True)
    other = answers(made, 3, tmp_path, lambda entry: False)
    with pytest.raises(UserError, match=r"rater 3 of study .* has answered already, differently.*--replace"):
        take(other, layout)
    take(other, layout, replace=True)
    take(other, layout)


def test_a_version_whose_outputs_are_others_takes_no_study(made, layout, params, registry, tmp_path):
    take(answers(made, 1, tmp_path), layout, replace=True)
    found = verdicts_of(made, layout, params, False)
    side = found.candidate.model_copy(update={"outputs": "x" * 64})
    with pytest.raises(UserError, match="judged other outputs than are registered with shop version 1"):
        record(found.model_copy(update={"candidate": side, "missing_raters": ()}), layout, params)


@pytest.mark.parametrize("against", ["reference", "template"])
def test_a_version_against_its_own_reference_or_baseline(layout, params, registry, against):
    study = new_study(layout, params, wanted("2", against, skills=("describe",)))
    assert (study.key.other.name, study.key.other.version) == (against, None)
    assert {task.skill for sheet in study.sheets for task in sheet.tasks} == {"describe"}


def test_ratings_of_one_version(layout, params, registry):
    study = new_study(layout, params, wanted("champion", rate=True, locales=("zh",)))
    assert study.kind == "rating"
    assert {task.locale for sheet in study.sheets for task in sheet.tasks} == {"zh"}
    assert "told from 50 %" not in "\n".join(made_lines(study, layout, params))


def test_two_files_make_a_study_that_is_stored_with_no_version(layout, params, registry, tmp_path):
    for version in (1, 2):
        write_jsonl(tmp_path / f"{version}.jsonl", outputs(version, 12, ("answer",)))
    study = new_study(layout, params, wanted(str(tmp_path / "1.jsonl"), str(tmp_path / "2.jsonl")))
    for rater in (1, 2, 3):
        take(answers(study, rater, tmp_path), layout)
    with pytest.raises(UserError, match=r"judged .*1\.jsonl, which is no registered version"):
        record(verdicts_of(study, layout, params, False), layout, params)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"candidate": "9"}, "shop has no version '9'"),
        ({"candidate": "previous"}, "shop has no previous .* There are: "),
        ({"candidate": "1", "against": "1"}, "those are the same outputs as version 1's"),
        ({"against": "bm52"}, "--against bm52: is no version, alias or outputs.jsonl, .* reference, template"),
        ({"skills": ("sing",)}, "there is only describe/en, describe/zh, review/en, review/zh"),
        ({"candidate": "nowhere.jsonl"}, "nowhere.jsonl: cannot be read"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_error(layout, params, registry, asked, said):
    with pytest.raises(UserError, match=said):
        new_study(layout, params, wanted(**asked))


def test_versions_of_other_test_sets_are_not_compared(layout, params, registry, tmp_path):
    changed = [one.model_copy(update={"reference": "another"}) for one in outputs(1, 12)]
    write_jsonl(tmp_path / "changed.jsonl", changed)
    with pytest.raises(UserError, match="measured on different test sets and have no example in common"):
        new_study(layout, params, wanted("1", str(tmp_path / "changed.jsonl")))


def test_a_model_that_writes_nothing_is_not_judged(layout, params, registry, tmp_path):
    write_jsonl(tmp_path / "mute.jsonl", [one.model_copy(update={"text": ""}) for one in outputs(1, 2)])
    with pytest.raises(UserError, match="wrote no text"):
        new_study(layout, params, wanted(str(tmp_path / "mute.jsonl"), "reference"))


def made_alone(layout, study, folder) -> Layout:
    """Another state folder that holds this study and no other."""
    shutil.copytree(layout.studies / study.id, folder / "alone" / "studies" / study.id)
    return Layout(folder, folder / "alone")


def test_a_study_is_found_by_name_or_by_being_the_only_one(made, layout, tmp_path):
    assert find_study(layout, made.id).id == made.id
    with pytest.raises(UserError, match=f"no study is called 'x'. There are: .*{made.id}"):
        find_study(layout, "x")
    assert find_study(made_alone(layout, made, tmp_path), None) == made
    with pytest.raises(UserError, match="holds no study yet"):
        find_study(Layout(tmp_path, tmp_path), None)


def test_no_rule_asks_no_registry(layout, params, registry):
    silent = params.promote.model_copy(update={"thresholds": ()})
    assert heard(registry, registry.version("1"), silent) is None
