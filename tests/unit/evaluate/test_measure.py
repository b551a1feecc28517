"""What a skill names as its metrics can be computed, and search's answers are judged by their keywords."""

from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.measure import METRICS, Group, Written
from ecom_llm.skills import SKILLS


def test_every_metric_a_skill_names_is_there():
    for skill in SKILLS.values():
        assert set(skill.metrics) <= set(METRICS), skill.name


def test_keyword_coverage_judges_a_groups_texts_in_its_locale(make_example):
    examples = [
        make_example("answer", "zh", 1, {"问题": "材质？"}, "材质是硅胶"),
        make_example("answer", "zh", 2, {"问题": "防水吗？"}, "可以防水"),
    ]
    written = [Written("是硅胶"), Written("不知道")]
    result = METRICS["keyword_coverage"](Group("answer", "zh", examples, written, Matcher(frozenset())))
    assert result["ratios"] == [(1, 2), (0, 1)] and result["keyword_coverage"] == 1 / 3
