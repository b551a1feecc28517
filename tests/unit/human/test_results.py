"""From answers to what people read and what the gate and MLflow get."""

import re

import pytest

from ecom_llm.human.estimates import Precision, agreement
from ecom_llm.human.judgements import verdicts
from ecom_llm.human.results import agreements, flat, metrics_of, results, told
from ecom_llm.human.study import Answer, Answers, Study
from tests.unit.human.conftest import SETTINGS, pairwise

PRECISION = Precision(0.95, 300, 1, 10)


def says(study: Study, rater: int, choose) -> Answers:
    """A rater who answers each task by its entry in the key."""
    answers = []
    for entry in study.key.entries:
        if entry.rater == rater and (said := choose(entry)) is not None:
            given = {"choice": said} if study.kind == "pairwise" else {"ratings": said}
            answers.append(Answer(task=entry.task, **given))
    return Answers(study=study.id, rater=rater, name=f"rater {rater}", answers=tuple(answers))


def good(entry):
    """Prefers the candidate, and tells the known-bad ones."""
    return "first" if entry.first in ("candidate", "good") else "second"


def always_first(entry):
    return "first"


def lazy(entry):
    """Answers nothing but what is genuine."""
    return good(entry) if entry.kind == "genuine" else None


def judged(study, *choices, exclude=False):
    answers = [says(study, rater, choose) for rater, choose in enumerate(choices, start=1)]
    return verdicts(study, answers, SETTINGS.min_known_bad_told, exclude)


def test_whoever_always_takes_the_first_wins_nothing_fails_the_checks_and_contradicts_themselves(study):
    found = judged(study, always_first, good, good)
    careless, careful = found.raters[:2]
    assert (careless.told, careless.known_bad, careless.agreed, careless.repeats) == (2, 4, 0, 4)
    assert (careful.told, careful.agreed) == (4, 4)
    assert [one.passed(0.75) for one in found.raters] == [False, True, True]
    alone = judged(study, always_first)
    assert sum(one.scores["win"] for one in alone.judgements) == len(alone.judgements) / 2


def test_a_rater_who_fails_is_left_out_only_if_asked(study):
    assert judged(study, always_first, good, good).left_out == ()
    found = judged(study, always_first, good, good, exclude=True)
    assert found.left_out == (1,)
    assert {one.rater for one in found.judgements} == {2, 3}
    assert len(found.raters) == 3


def test_repeats_and_checks_are_no_judgements(study):
    assert len(judged(study, good).judgements) == SETTINGS.examples


def test_what_was_not_answered_is_counted(study):
    found = judged(study, lazy)
    assert found.raters[0].missing == SETTINGS.repeats + SETTINGS.known_bad
    assert found.raters[0].passed(0.75)
    assert found.missing_raters == (2, 3)


@pytest.mark.parametrize(
    ("name", "version", "metric"),
    [
        ("version 2", "2", "human_win_rate"),
        ("reference", None, "human_win_rate_reference"),
        ("template", None, "human_win_rate_template"),
    ],
)
def test_a_win_rate_is_named_by_what_it_was_won_against(study, name, version, metric):
    found = judged(study, good)
    other = found.other.model_copy(update={"name": name, "version": version})
    assert metrics_of(found.model_copy(update={"other": other})) == {metric: "win"}


def test_slices_are_told_apart(study):
    def english(entry):
        return good(entry) if ":en:" in entry.example else {"first": "second", "second": "first"}[good(entry)]

    found = {(one.skill, one.locale): one.estimate.value for one in results(judged(study, english), PRECISION)}
    assert found["describe", "en"] == found["review", "en"] == 1.0
    assert found["describe", "zh"] == 0.0
    assert found["describe", "all"] == pytest.approx(0.5, abs=0.01)  # weights differ a little
    assert set(found) >= {("all", "all"), ("review", "all")}


def test_the_text_names_numbers_agreement_and_failing_raters(study):
    text = "\n".join(told(judged(study, always_first, good), PRECISION, 0.75))
    assert "version 1 against version 2" in text
    assert "human_win_rate         all/all          75.0% (" in text
    assert "rater 1: 60 judged, told 2 of 4 known-bad texts, answered 0 of 4 repeats alike: FAILS the checks" in text
    assert "nothing yet from: rater 3" in text
    assert "differ on 144 of 160 examples" in text


def test_agreement_is_told_of_each_slice_in_which_two_raters_judged_the_same(study):
    """In English all three agree, in Chinese the third contradicts the others; on reviews there is one rater alone."""

    def reads_english(entry):
        return good(entry) if ":en:" in entry.example else {"first": "second", "second": "first"}[good(entry)]

    def mixed(entry):
        return good(entry) if len(entry.example) % 2 else always_first(entry)

    def no_reviews(choose):
        return lambda entry: None if entry.example.startswith("review") else choose(entry)

    found = judged(study, mixed, no_reviews(mixed), no_reviews(reads_english))
    numbers, slices = flat(found, PRECISION), agreements(found, PRECISION)
    assert set(slices) == {("human_win_rate", one.skill, one.locale) for one in results(found, PRECISION)}
    for (metric, skill, locale), alpha in slices.items():
        chosen = [one for one in found.judgements if skill in ("all", one.skill) and locale in ("all", one.locale)]
        expected = agreement(chosen, "win", PRECISION)
        assert alpha == expected
        assert numbers.get(f"{skill}.{locale}.{metric}_alpha") == (expected and expected.value)
    assert numbers["describe.zh.human_win_rate_alpha"] < numbers["describe.en.human_win_rate_alpha"]
    assert not any("review" in name and name.endswith("_alpha") for name in numbers)
    text = "\n".join(told(found, PRECISION, 0.75))
    assert re.search(r"human_win_rate +describe/zh +-?0\.\d\d \(-?0\.\d\d to", text)
    assert re.search(r"human_win_rate +review/en +cannot be told", text)


def test_a_study_too_small_for_intervals_says_so():
    small = pairwise(SETTINGS.model_copy(update={"examples": 4}))
    text = "\n".join(told(judged(small, good), PRECISION, 0.75))
    assert "no interval: 4 examples, at least 10 are needed" in text
    assert "cannot be told" in text  # one rater agrees with nobody


def test_ratings_become_means_on_every_scale(ratings):
    def mark(entry):
        faithful = 1 if entry.first == "bad" else 5 if ":en:" in entry.example else 4
        return {"fluency": 4, "faithful": faithful, "publish": 3}

    found = judged(ratings, mark, mark, mark)
    numbers = flat(found, PRECISION)
    assert numbers["all.all.human_fluency"] == 4
    assert numbers["describe.en.human_faithful"] == 5
    assert numbers["all.all.human_faithful"] == pytest.approx(4.5)
    assert numbers["all.all.human_faithful_alpha"] == 1.0
    assert numbers["all.all.human_publish_low"] < 3 < numbers["all.all.human_publish_high"]
    assert [one.told for one in found.raters] == [4, 4, 4]
    assert numbers["all.all.human_faithful_low"] < 4.4 < 4.52 < numbers["all.all.human_faithful_high"] <= 5
    assert "human_faithful         all/all          4.50 (" in "\n".join(told(found, PRECISION, 0.75))
