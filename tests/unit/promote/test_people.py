"""The gate and what people said: the worse end of the interval decides, and a study that no longer fits is refused."""

from pathlib import Path

import pytest

from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.human.judgements import Judgement, Verdicts
from ecom_llm.human.study import Side
from ecom_llm.params import Promote, load_params, read_yaml, validate
from ecom_llm.promote.gate import Entrant, decide
from ecom_llm.promote.people import Heard
from ecom_llm.records import UserError

REPO = Path(__file__).parents[3]
RULE = {"metric": "human_win_rate", "skill": "all", "locale": "all", "threshold": 0.5, "greater_is_better": True}


def rules(*thresholds, primary=None) -> Promote:
    found = load_params(REPO / "params.yaml").promote.model_dump(mode="json")
    found |= {"thresholds": list(thresholds), "regressions": []}
    if primary:
        found["primary"] = primary
    return Promote.model_validate(found)


def entrant(version: str) -> Entrant:
    evidence = Evidence(test_set="t", tokenizer="k", examples=0, metrics={"all": {"all": {}}}, baselines={})
    return Entrant("shop", version, evidence, [])


def study(wins: int, losses: int, name="s1", other="1", candidate_outputs="c", other_outputs="o") -> Verdicts:
    scores = [1.0] * wins + [0.0] * losses
    return Verdicts(
        study=name,
        kind="pairwise",
        candidate=Side(name="version 2", version="2", outputs=candidate_outputs),
        other=Side(
            name=f"version {other}" if other.isdecimal() else other,
            version=other if other.isdecimal() else None,
            outputs=other_outputs,
        ),
        drawn=(),
        judgements=tuple(
            Judgement(
                rater=1,
                example=f"e{at}",
                skill="describe",
                locale="en" if at % 2 else "zh",
                weight=1.0,
                first="candidate",
                scores={"win": score},
            )
            for at, score in enumerate(scores)
        ),
        raters=(),
        left_out=(),
        missing_raters=(),
    )


def heard(*studies: Verdicts, champion: str | None = "1") -> Heard:
    return Heard("2", "c", champion, "o" if champion else None, studies)


def human(decision):
    return [check for check in decision.checks if check.metric.startswith("human")]


def judge(rule, people, champion="1"):
    return decide(entrant("2"), entrant(champion) if champion else None, rules(rule), 1, people)


def test_the_lower_end_decides_and_not_the_number():
    (passed,) = human(judge(RULE, heard(study(45, 15))))
    assert passed.passed
    assert passed.found < 0.75
    (refused,) = human(judge(RULE, heard(study(32, 28))))
    assert not refused.passed
    assert "is 0.533 by the study s1 (95% interval 0.4" in refused.reason
    assert "its lower end must be at least 0.5" in refused.reason


def test_without_a_study_the_rule_refuses_with_the_command_that_makes_one():
    for people in (heard(), None):
        (check,) = human(judge(RULE, people))
        assert not check.passed
        assert check.found is None
        assert "there is no study that gives it. Make one: ecom-llm study new 2 --against 1" in check.reason


@pytest.mark.parametrize(
    ("metric", "command"),
    [
        ("human_win_rate_reference", "ecom-llm study new 2 --against reference"),
        ("human_win_rate_template", "ecom-llm study new 2 --against template"),
        ("human_faithful", "ecom-llm study new 2 --rate"),
    ],
)
def test_each_metric_has_its_command(metric, command):
    (check,) = human(judge({**RULE, "metric": metric}, heard(study(60, 0))))
    assert check.reason.endswith(command)


@pytest.mark.parametrize(
    ("stale", "said"),
    [
        ({"candidate_outputs": "x"}, "judged other outputs of version 2 than are registered now"),
        ({"other": "7"}, "compared with version 7, and the champion is version 1"),
        ({"other_outputs": "x"}, "judged other outputs of the champion than are registered now"),
    ],
)
def test_a_stale_study_is_refused_with_its_reason(stale, said):
    (check,) = human(judge(RULE, heard(study(60, 0, **stale))))
    assert not check.passed
    assert said in check.reason
    assert "Make one: ecom-llm study new 2 --against 1" in check.reason


def test_the_latest_study_that_fits_counts_and_that_there_are_others_is_said():
    people = heard(study(60, 0, "old"), study(10, 50, "new"), study(60, 0, "stale", other="9"))
    (check,) = human(judge(RULE, people))
    assert not check.passed
    assert "by the latest of 2 studies new" in check.reason


def of_locale(locale: str, found: Verdicts) -> Verdicts:
    """The study of one language, made with `--locale`."""
    kept = tuple(one for one in found.judgements if one.locale == locale)
    others = {(one.skill, one.locale) for one in found.judgements} - {("describe", locale)}
    return found.model_copy(update={"judgements": kept, "not_asked": tuple(sorted(others))})


def test_a_study_of_one_language_says_nothing_of_the_other_nor_of_all():
    """A Chinese that people surely do not want was hidden by a later study of the English."""
    people = heard(of_locale("zh", study(0, 60, "zh")), of_locale("en", study(60, 0, "en")))
    found = {check.slice: check for check in human(judge({**RULE, "skill": "*", "locale": "*"}, people))}
    assert {place: check.passed for place, check in found.items()} == {"describe/en": True, "describe/zh": False}
    assert "by the study zh" in found["describe/zh"].reason
    (check,) = human(judge(RULE, people))
    assert not check.passed
    assert "all/all human_win_rate is not known: study zh and en did not ask about all of it. Make one" in check.reason


def test_two_studies_of_a_language_each_serve_the_rules_about_them():
    people = heard(of_locale("en", study(60, 0, "en")), of_locale("zh", study(60, 0, "zh")))
    rule = {**RULE, "skill": "describe"}
    both = rules({**rule, "locale": "en"}, {**rule, "locale": "zh"})
    assert [check.passed for check in human(decide(entrant("2"), entrant("1"), both, 1, people))] == [True, True]


def test_what_no_study_asked_about_refuses():
    people = heard(of_locale("en", study(60, 0, "en")))
    found = {check.slice: check for check in human(judge({**RULE, "skill": "*", "locale": "*"}, people))}
    assert {place: check.passed for place, check in found.items()} == {"describe/en": True, "describe/zh": False}
    assert "study en did not ask about all of it" in found["describe/zh"].reason


def test_without_a_champion_there_is_nobody_to_be_preferred_to():
    decision = decide(entrant("2"), None, rules(RULE), 1, heard(champion=None))
    assert decision.approved
    assert human(decision) == []
    assert any("there is no other champion to compare with" in note for note in decision.notes)
    asked = decide(entrant("2"), None, rules({**RULE, "metric": "human_win_rate_reference"}), 1, heard(champion=None))
    assert not asked.approved


def test_a_star_takes_each_slice_and_a_slice_that_was_not_judged_refuses():
    found = human(judge({**RULE, "skill": "*", "locale": "*"}, heard(study(60, 0))))
    assert sorted(check.slice for check in found) == ["describe/en", "describe/zh"]
    (check,) = human(judge({**RULE, "skill": "answer"}, heard(study(60, 0))))
    assert not check.passed
    assert "study s1 judged nothing of it" in check.reason


def test_too_few_examples_refuse():
    (check,) = human(judge(RULE, heard(study(6, 0))))
    assert not check.passed
    assert "has no interval: the study s1 holds 6 examples" in check.reason


@pytest.mark.parametrize(("wins", "passes"), [(45, True), (30, False)])
def test_a_win_rate_can_be_the_primary_metric(wins, passes):
    primary = {"metric": "human_win_rate", "skill": "all", "locale": "all", "greater_is_better": True}
    decision = decide(entrant("2"), entrant("1"), rules(primary=primary), 1, heard(study(wins, 60 - wins)))
    (check,) = human(decision)
    assert (check.rule, check.passed, check.bound) == ("superior", passes, 0.5 + rules().min_improvement)
    assert decision.approved == passes


def test_a_regression_rule_cannot_name_what_people_say():
    values = read_yaml(REPO / "params.yaml")
    rule = {**RULE, "max_regression": 0.05}
    del rule["threshold"]
    values["promote"]["regressions"] = [rule]
    with pytest.raises(UserError, match=r"human_win_rate is a comparison already; name it under thresholds"):
        validate(values, "params.yaml")


def test_more_raters_for_an_example_than_there_are_is_said():
    values = read_yaml(REPO / "params.yaml")
    values["promote"]["study"]["raters_per_example"] = 9
    with pytest.raises(UserError, match=r"promote\.study: raters_per_example is 9, and there are 3 raters"):
        validate(values, "params.yaml")
