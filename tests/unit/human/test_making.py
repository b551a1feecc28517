"""Who judges what, and that nothing a rater gets tells whose texts they are."""

import json
import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.human.assign import coins, judged_by
from ecom_llm.human.making import make_study
from ecom_llm.human.study import load_study, save_study
from ecom_llm.records import UserError
from flows.study.making import export
from tests.unit.human.conftest import SETTINGS, outputs, pairwise, side


def entries(study, kind):
    return [entry for entry in study.key.entries if entry.kind == kind]


def tasks(study):
    return {task.id: task for sheet in study.sheets for task in sheet.tasks}


def texts_of(version):
    return {one.id: one.text for one in outputs(version, 40)}


def test_every_example_has_as_many_raters_as_asked_and_every_rater_as_much_to_do():
    study = pairwise(SETTINGS.model_copy(update={"raters": 4, "raters_per_example": 2}))
    judged = Counter(entry.example for entry in entries(study, "genuine"))
    load = Counter(entry.rater for entry in entries(study, "genuine"))
    assert set(judged.values()) == {2}
    assert max(load.values()) - min(load.values()) <= 1
    shared = Counter()
    for example in judged:
        shared.update(combinations(sorted(e.rater for e in entries(study, "genuine") if e.example == example), 2))
    assert len(shared) == 6  # every two of the four meet


def test_sides_are_balanced_for_each_rater_and_slice(study):
    for rater in (1, 2, 3):
        mine = [entry for entry in entries(study, "genuine") if entry.rater == rater]
        assert sum(entry.first == "candidate" for entry in mine) == len(mine) // 2
        for locale in ("en", "zh"):
            here = [entry.first for entry in mine if f"describe:{locale}" in entry.example]
            assert abs(here.count("candidate") - here.count("other")) <= 2


def test_two_raters_do_not_see_the_same_sides(study):
    sides = {}
    for entry in entries(study, "genuine"):
        sides.setdefault(entry.example, set()).add(entry.first)
    assert any(len(found) == 2 for found in sides.values())


def test_the_key_tells_whose_texts_are_shown(study):
    shown = tasks(study)
    for entry in entries(study, "genuine"):
        version = {"candidate": texts_of(1), "other": texts_of(2)}[entry.first]
        assert shown[entry.task].texts[0].endswith(version[entry.example])


def test_repeats_come_later_with_swapped_sides(study):
    shown = tasks(study)
    order = {sheet.rater: [task.id for task in sheet.tasks] for sheet in study.sheets}
    assert len(entries(study, "repeat")) == 3 * SETTINGS.repeats
    for entry in entries(study, "repeat"):
        assert shown[entry.task].texts == shown[entry.repeats].texts[::-1]
        assert order[entry.rater].index(entry.repeats) < order[entry.rater].index(entry.task)


def test_known_bad_texts_are_another_products_and_of_examples_the_rater_does_not_judge(study):
    references = {one.id: one.reference for one in outputs(1, 40)}
    shown = tasks(study)
    assert len(entries(study, "known_bad")) == 3 * SETTINGS.known_bad
    for entry in entries(study, "known_bad"):
        texts = shown[entry.task].texts
        own = [text.endswith(references[entry.example]) for text in texts]
        assert own == ([True, False] if entry.first == "good" else [False, True])
        others = [one for one in entries(study, "genuine") if one.rater == entry.rater]
        assert entry.example not in {one.example for one in others}


def test_no_text_of_a_check_is_shown_to_a_rater_again():
    """Who has seen a false text before knows it without reading; one that stands in a pair would tell whose that is."""
    repeated = [one.model_copy(update={"reference": "Yes, it does work so."}) for one in outputs(1, 40)[::2]]
    mixed = [*repeated, *outputs(1, 40)[1::2]]
    references = {one.id: one.reference for one in mixed}
    for texts, checks in ((texts_of(2), 20), (references, 20)):
        settings = SETTINGS.model_copy(update={"known_bad": 20, "examples": 30})
        study = make_study(side("a"), mixed, side("b"), texts, settings)
        shown = tasks(study)
        for rater in (1, 2, 3):
            of_rater = [one for one in study.key.entries if one.rater == rater]
            bad = [text for one in of_rater if one.kind == "known_bad" for text in shown[one.task].texts]
            judged = {text for one in of_rater if one.kind == "genuine" for text in shown[one.task].texts}
            assert len(bad) == len(set(bad)) >= 2 * checks - 10 and not judged.intersection(bad)


def test_a_text_that_says_nothing_is_no_check_where_others_are():
    short = [one.model_copy(update={"reference": f"Yes {at}."}) for at, one in enumerate(outputs(1, 40)[:60])]
    study = make_study(side("a"), [*short, *outputs(1, 40)[60:]], side("b"), texts_of(2), SETTINGS)
    shown = tasks(study)
    bad = [text for one in entries(study, "known_bad") for text in shown[one.task].texts]
    assert bad and not [text for text in bad if "Yes" in text]


def test_where_every_example_is_judged_checks_are_made_of_them_unless_references_are_judged_too():
    everything = SETTINGS.model_copy(update={"examples": 200})
    against = make_study(side("a"), outputs(1, 40), side("b"), texts_of(2), everything)
    assert len(entries(against, "known_bad")) == 3 * SETTINGS.known_bad
    references = {one.id: one.reference for one in outputs(1, 40)}
    against = make_study(side("a"), outputs(1, 40), side("reference"), references, everything)
    assert entries(against, "known_bad") == []


def test_a_rating_study_shows_one_text_and_the_bad_ones_alone(ratings):
    assert {len(task.texts) for task in tasks(ratings).values()} == {1}
    assert {entry.first for entry in entries(ratings, "known_bad")} == {"bad"}
    assert {entry.first for entry in entries(ratings, "genuine")} == {"candidate"}


def test_nothing_that_raters_get_holds_the_key(study, tmp_path):
    export(tmp_path, study)
    save_study(tmp_path / "state", study)
    files = list(tmp_path.glob("*.*"))
    assert len(files) == 6
    key = study.key
    secrets = {key.candidate.name, key.candidate.outputs, key.other.name, key.other.outputs}
    secrets |= {entry.example for entry in key.entries} | {"candidate", "known_bad", "genuine", "weights", "repeats"}
    for file in files:
        text = file.read_text(encoding="utf-8")
        assert not [secret for secret in secrets if secret in text], file
    assert key == load_study(tmp_path / "state").key


def test_a_task_on_the_page_is_what_a_rater_may_see_and_no_more(study, tmp_path):
    export(tmp_path, study)
    page = (tmp_path / "rater-1.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)[1])
    assert {name for task in data["tasks"] for name in task} == {"id", "skill", "locale", "facts", "texts"}
    assert set(data) == {"study", "kind", "rater", "digest", "tasks", "scales", "reasons", "words", "columns", "rows"}


def test_names_of_tasks_say_nothing(study):
    names = [task.id for sheet in study.sheets for task in sheet.tasks]
    assert len(set(names)) == len(names)
    swapped = pairwise(SETTINGS.model_copy(update={"seed": 2}))
    assert not {task.id for sheet in swapped.sheets for task in sheet.tasks} & set(names)


def test_the_same_study_is_made_again_to_the_byte(study, tmp_path):
    for folder, one in ((tmp_path / "a", study), (tmp_path / "b", pairwise())):
        save_study(folder, one)
        export(folder / "export", one)
    for path in (tmp_path / "a").rglob("*.*"):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_every_slice_is_accounted_for(study):
    for one in study.key.drawn:
        assert (one.differing, one.identical) == (36, 4)
    assert sum(one.judged for one in study.key.drawn) == SETTINGS.examples
    assert study.key.weights.keys() == {entry.example for entry in entries(study, "genuine")}


def test_with_nothing_to_choose_between_there_is_no_study():
    with pytest.raises(UserError, match="their texts are the same on all 160 examples"):
        make_study(side("a"), outputs(1, 40), side("b"), texts_of(1), SETTINGS)
    with pytest.raises(UserError, match="no test example has a text of both"):
        make_study(side("a"), outputs(1, 40), side("b"), {}, SETTINGS)


@given(st.integers(0, 60), st.integers(1, 7), st.data())
def test_loads_differ_by_at_most_one(count, raters, data):
    each = data.draw(st.integers(1, raters))
    chosen = judged_by(count, raters, each, np.random.default_rng(0))
    load = Counter(rater for who in chosen for rater in who)
    assert all(len(set(who)) == each for who in chosen)
    assert max((load[one] for one in range(raters)), default=0) - min(load[one] for one in range(raters)) <= 1


@given(st.integers(0, 50), st.integers(0, 100))
def test_any_run_of_coins_is_balanced(count, seed):
    thrown = list(coins(count, np.random.default_rng(seed)))[:count]
    for start in range(count):
        for end in range(start, count + 1):
            assert abs(2 * sum(thrown[start:end]) - (end - start)) <= 2
