"""What a skill names as its metrics can be computed, and search's answers are judged by their keywords."""

import pytest

from ecom_llm.evaluate.bootstrap import Resampling
from ecom_llm.evaluate.evidence import slice_value
from ecom_llm.evaluate.group import Group, Taught, taught
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.measure import measured
from ecom_llm.evaluate.scores import METRICS, OF_REFERENCES
from ecom_llm.evaluate.spread import slice_intervals
from ecom_llm.evaluate.written import Written
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


NOTHING = Matcher(frozenset())


def adverts(make_example, locale: str, texts: list[str], **options) -> Group:
    examples = [make_example("advertise", locale, n, {"颜色": "红"}, target) for n, target in enumerate(TARGETS)]
    return Group("advertise", locale, examples, [Written(text) for text in texts], NOTHING, **options)


TARGETS = ["这条红色的连衣裙很适合夏天", "宽松的版型显得很休闲", "采用纯棉面料柔软透气"]


def test_identical_chinese_text_scores_full_marks(make_example):
    found = measured([adverts(make_example, "zh", TARGETS)], [[{}] * 3]).metrics["advertise"]["zh"]
    assert found["bleu"] == pytest.approx(100) and found["chrf"] == pytest.approx(100)
    assert found["rouge1"] == found["rouge2"] == found["rougeL"] == found["length_ratio"] == 1
    assert found["chatglm_bleu_4"] == pytest.approx(100) and found["chatglm_rouge_l"] == pytest.approx(100, abs=1e-3)


def test_what_cannot_be_computed_has_a_reason_and_no_value(make_example):
    result = measured([adverts(make_example, "en", ["", "", ""])], [[{}] * 3])
    reasons, values = result.not_applicable["advertise"]["en"], result.metrics["advertise"]["en"]
    assert reasons["chatglm_bleu_4"] == "the protocol is for Chinese texts"
    assert reasons["rougeL"] == "no reference holds a word of this locale"
    assert "no training texts" in reasons["longest_overlap_p95"]
    assert not set(reasons) & set(values)
    assert set(reasons) | set(values) == set(SKILLS["advertise"].metrics)


def short_answers(make_example, texts: list[str]) -> Group:
    """Ten questions whose references are too short for BLEU's 4-grams."""
    examples = [make_example("answer", "en", n, {"question": "Is it red?"}, "yes it is") for n in range(len(texts))]
    return Group("answer", "en", examples, [Written(text) for text in texts], NOTHING)


def test_bleu_of_references_without_a_4_gram_has_a_reason_no_value_and_no_interval(make_example):
    found = measured([short_answers(make_example, ["yes it is", "no it is not red"] * 6)], [[{}] * 12])
    assert "4-gram" in found.not_applicable["answer"]["en"]["bleu"]
    assert found.metrics["answer"]["en"].keys().isdisjoint({"bleu"}) and "chrf" in found.metrics["answer"]["en"]
    assert slice_value("bleu", found.outputs) is None, "else the gate would find a value that metrics.json lacks"
    assert "bleu" not in slice_intervals(["bleu", "chrf"], found.outputs, Resampling(0.95, 100, 1))
    longer = found.outputs[0].model_copy(update={"statistics": {"bleu": (4, 4, 4, 3, 2, 1, 4, 3, 2, 1)}})
    assert slice_value("bleu", [*found.outputs, longer]) > 0


def test_every_value_has_a_signature(make_example):
    result = measured([adverts(make_example, "zh", TARGETS)], [[{}] * 3])
    values = result.metrics["advertise"]["zh"]
    assert all(result.signatures[name]["zh"] for name in values)
    assert "tok:zh" in result.signatures["bleu"]["zh"] and "version:" in result.signatures["chrf"]["zh"]
    assert "cut:64 words of jieba" in result.signatures["chatglm_bleu_4"]["zh"]


def test_outputs_hold_what_bleu_and_chrf_are_made_of(make_example):
    texts = ["红色的连衣裙适合夏天", "宽松的版型", "纯棉面料"]
    result = measured([adverts(make_example, "zh", texts)], [[{}] * 3])
    for name in ("bleu", "chrf"):
        assert slice_value(name, result.outputs) == pytest.approx(result.metrics["advertise"]["zh"][name], abs=1e-6)
        assert all(isinstance(count, int) for output in result.outputs for count in output.statistics[name])


def test_what_sums_make_has_an_interval_and_what_they_do_not_has_none(make_example):
    """Of a skill's every metric: bleu, chrf and the means of texts do; distinct-n, self-BLEU and percentiles do not."""
    texts = [TARGETS[n % 3][: 6 + n % 5] for n in range(24)]
    examples = [
        make_example("advertise", "zh", n, {"颜色": "红"}, TARGETS[n % 3]).model_copy(update={"group": f"P{n // 2}"})
        for n in range(24)
    ]
    group = Group("advertise", "zh", examples, [Written(text) for text in texts], Matcher(frozenset({"红色"})))
    result = measured([group], [[{}] * 24])
    values = result.metrics["advertise"]["zh"]
    sure = slice_intervals(list(values), result.outputs, Resampling(confidence=0.95, samples=200, seed=1))
    assert values.keys() - sure.keys() == {"distinct_4", "self_bleu"}
    for name in ("bleu", "chrf", "rougeL", "chatglm_bleu_4", "seq_rep_4", "length_ratio"):
        assert sure[name].estimate == pytest.approx(values[name], abs=1e-6), name
        assert sure[name].clusters == 12, name
        assert sure[name].low <= sure[name].estimate <= sure[name].high or name == "seq_rep_4"
    assert sure["bleu"].low < values["bleu"] < sure["bleu"].high
    assert sure["chrf"].low < values["chrf"] < sure["chrf"].high


def test_units_that_do_not_add_are_not_added_over_locales(make_example):
    examples = [make_example("advertise", "en", 9, {"colour": "red"}, "a red dress")]
    english = Group("advertise", "en", examples, [Written("a red dress")], Matcher(frozenset({"red"})))
    result = measured([adverts(make_example, "zh", TARGETS), english], [[{}] * 3, [{}]])
    assert result.metrics["advertise"]["all"].keys() == {"attribute_coverage", "unsupported_rate"}
    assert not {"rougeL", "bleu"} & result.metrics["all"]["zh"].keys()


def test_references_are_measured_by_what_needs_none(make_example):
    group = adverts(make_example, "zh", TARGETS, are_references=True)
    found = measured([group], [[{}] * 3]).metrics["advertise"]["zh"]
    assert "distinct_4" in found and "bleu" not in found and set(found) <= OF_REFERENCES


def test_reviews_are_judged_by_the_stars_they_were_asked_for(make_example):
    good, bad = "great fabric and lovely fit", "awful seams, it broke and i sent it back"
    training = [
        make_example("review", "en", n, {"stars": "5" if n % 2 else "1"}, f"{good if n % 2 else bad} {n}")
        for n in range(40)
    ]
    given = taught(training)["review", "en"]
    examples = [make_example("review", "en", n, {"stars": stars}, "x") for n, stars in enumerate(("5", "5", "1", "1"))]
    group = Group("review", "en", examples, [Written(one) for one in (good, bad, bad, "")], NOTHING, taught=given)
    assert METRICS["star_agreement"](group)["ratios"] == [(1, 1), (0, 1), (1, 1), (0, 1)]
    assert METRICS["polarity_agreement"](group)["polarity_agreement"] == 0.5
    assert METRICS["longest_overlap"](group)["ratios"] == [(5, 1), (9, 1), (9, 1), (0, 1)]
    lacking = METRICS["star_agreement"](Group("review", "en", examples, group.written, NOTHING, taught=Taught()))
    assert "no judge" in lacking["not_applicable"]


def test_answers_are_held_against_what_their_prompt_holds(make_example):
    examples = [
        make_example("answer", "en", 1, {"weight": "1 kg", "question": "How heavy is the kettle?"}, "It weighs 1 kg."),
        make_example("answer", "en", 2, {"question": "Is it loud?"}, "I don't know, sorry."),
    ]
    group = Group("answer", "en", examples, [Written("The kettle: 1000 g"), Written("Yes")], NOTHING)
    assert METRICS["groundedness"](group)["ratios"] == [(2, 2), (0, 0)]
    assert METRICS["abstention_unanswerable"](group)["ratios"] == [(0, 0), (0, 1)]
    assert METRICS["abstention_answerable"](group)["abstention_answerable"] == 0


def test_windows_of_one_shopper_are_drawn_together(make_example):
    """Else an interval of thousands of windows of a few people would be far too narrow."""
    examples = [
        make_example("recommend", "en", n, {"history": "a cup"}, "a plate").model_copy(
            update={"group": f"shopper:{who}:test:{n}"}
        )
        for n, who in enumerate(("ann", "ann", "bob"))
    ]
    written = [Written("a plate", ranking=("a plate", "a cup"))] * 3
    found = measured([Group("recommend", "en", examples, written, NOTHING)], [[{}] * 3])
    assert [one.cluster for one in found.outputs] == ["shopper:ann", "shopper:ann", "shopper:bob"]
