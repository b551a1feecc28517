"""Golden values of every metric, worked out by hand, and that no metric leaves a trace or asks the network."""

import socket
from math import exp, log2

import pytest

from ecom_llm.evaluate.matching import Matcher, reading
from ecom_llm.evaluate.metrics import (
    AttributeCoverage,
    BitsPerByte,
    Bleu,
    DistinctN,
    HitAtK,
    KeywordCoverage,
    MrrAtK,
    NdcgAtK,
    OfflineMetric,
    Perplexity,
    SelfBleu,
    UnsupportedRate,
    bleu_tokenizer,
)

VALUES = Matcher(frozenset({"red", "blue", "navy blue", "cotton"}))


def test_bleu_in_english():
    same = ["The red dress is made of cotton.", "It fits well and looks good."]
    assert Bleu().compute(predictions=same, references=same, locale="en")["bleu"] == pytest.approx(100)
    # 6 of 7 words match, then 4 of 6, 2 of 5 and 1 of 4 longer n-grams; no brevity penalty; 13a parts the full stop
    result = Bleu().compute(predictions=["the cat sat on a mat ."], references=["the cat sat on the mat."], locale="en")
    assert result["bleu"] == pytest.approx(100 * (6 / 7 * 4 / 6 * 2 / 5 * 1 / 4) ** 0.25)
    assert "tok:13a" in result["signature"] and "nrefs:1" in result["signature"]


def test_bleu_in_chinese_counts_characters():
    result = Bleu().compute(predictions=["红色的连衣裙"], references=["红色的连体裙"], locale="zh-CN")
    assert result["bleu"] == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)
    assert "tok:zh" in result["signature"]


def test_each_locale_gets_its_tokenizer():
    assert [bleu_tokenizer(locale) for locale in ("en", "de-AT", "zh-TW", "ZH", "ja")] == [
        "13a",
        "13a",
        "zh",
        "zh",
        "char",
    ]


def test_distinct_counts_words_or_characters_and_says_how_many_texts():
    texts = ["A soft red dress, for you.", "a soft red dress"]
    # 4-grams: 3 + 1, of which "a soft red dress" twice
    english = DistinctN().compute(predictions=texts, locale="en", n=4)
    assert english["distinct_4"] == 3 / 4 and english["texts"] == 2 and "tok:words" in english["signature"]
    chinese = DistinctN().compute(predictions=["红色 的裙！", "红色的裙"], locale="zh", n=4)
    assert chinese["distinct_4"] == 1 / 2 and "tok:characters" in chinese["signature"]
    assert "distinct_4" not in DistinctN().compute(predictions=["too short"], locale="en", n=4)


def test_attribute_coverage_is_a_ratio_of_sums():
    texts, expected = ["a RED cotton dress", "navy blue", ""], [["red", "cotton"], ["blue"], []]
    result = AttributeCoverage().compute(predictions=texts, references=expected, matcher=VALUES)
    assert f"tables:{reading()}" in result.pop("signature")
    assert result == {"attribute_coverage": 2 / 3, "ratios": [(2, 2), (0, 1), (0, 0)]}


def test_unsupported_rate_is_over_the_values_stated():
    texts, own = ["a red cotton dress", "blue or navy blue", "nothing"], [["red"], ["navy blue"], ["red"]]
    result = UnsupportedRate().compute(predictions=texts, references=own, matcher=VALUES)
    assert result["unsupported_rate"] == 2 / 4 and result["ratios"] == [(1, 2), (1, 2), (0, 0)]


def test_keyword_coverage_is_over_distinct_stems_without_stop_words():
    texts = ["A kettle boils, and a kettle fits.", "no", "It has 10 cups"]
    references = ["The kettles are boiling quickly!", "Yes, it fits.", "It is for you"]
    result = KeywordCoverage().compute(predictions=texts, references=references, locale="en-GB")
    # kettl and boil of kettl, boil, quick; neither of yes, fit; the last reference holds stop words alone
    assert result.pop("signature").startswith("keywords|stem:snowball en")
    assert result == {"keyword_coverage": 2 / 5, "ratios": [(2, 3), (0, 2), (0, 0)]}


def test_keyword_coverage_in_chinese_counts_words():
    result = KeywordCoverage().compute(
        predictions=["是硅胶做的手机壳"], references=["材质是硅胶，可以防水"], locale="zh"
    )
    # of 材质, 硅胶 and 防水
    assert result["keyword_coverage"] == 1 / 3 and "jieba" in result["signature"]


def test_what_cannot_be_computed_is_absent():
    nothing = KeywordCoverage().compute(predictions=["x"], references=["the"], locale="xx-no-list")
    assert nothing["ratios"] == [(0, 1)] and nothing["keyword_coverage"] == 0
    assert "keyword_coverage" not in KeywordCoverage().compute(predictions=["x"], references=["…"], locale="en")
    unsupported = UnsupportedRate().compute(predictions=["x"], references=[["red"]], matcher=VALUES)
    assert unsupported["ratios"] == [(0, 0)] and unsupported["not_applicable"] == "no text states a value"
    coverage = AttributeCoverage().compute(predictions=["x"], references=[[]], matcher=VALUES)
    assert "attribute_coverage" not in coverage and "no example" in coverage["not_applicable"]


def test_likelihoods_are_weighted_by_size():
    result = Perplexity().compute(predictions=[2.0, 10.0], references=[1.0, 3.0])
    assert result["perplexity"] == pytest.approx(exp(3)) and result["ratios"] == [(2, 1), (10, 3)]
    assert BitsPerByte().compute(predictions=[8.0, 4.0], references=[4, 8])["bits_per_byte"] == 1


def test_places_in_a_ranking():
    rankings, bought = [["a", "b", "c"], ["a", "b", "c"], ["a"], []], ["a", "c", "z", "a"]
    hit = HitAtK().compute(predictions=rankings, references=bought, k=10)
    assert hit["hit@10"] == 0.5 and hit["ratios"] == [(1, 1), (1, 1), (0, 1), (0, 1)]
    assert MrrAtK().compute(predictions=rankings, references=bought, k=10)["mrr@10"] == pytest.approx((1 + 1 / 3) / 4)
    ndcg = NdcgAtK().compute(predictions=rankings, references=bought, k=10)
    assert ndcg["ndcg@10"] == pytest.approx((1 + 1 / log2(4)) / 4)
    assert HitAtK().compute(predictions=rankings, references=bought, k=2)["hit@2"] == 0.25


def test_no_metric_writes_a_file_says_a_word_or_opens_a_connection(tmp_path, monkeypatch, capfd):
    def refuse(*_arguments):
        raise AssertionError("a metric asked the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr("evaluate.config.HF_METRICS_CACHE", tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    for kind in OfflineMetric.__subclasses__():
        assert kind().citation and kind().description and kind().inputs_description
    assert Perplexity().compute(predictions=[1.0], references=[1.0])["perplexity"] == pytest.approx(exp(1))
    assert KeywordCoverage().compute(predictions=["手机壳"], references=["手机"], locale="zh")["keyword_coverage"] == 1
    assert not list(tmp_path.iterdir())
    assert capfd.readouterr() == ("", "")


def test_a_likelihood_beyond_all_numbers_has_no_perplexity_and_a_reason():
    """After a training that diverged and stayed finite; it was a traceback."""
    found = Perplexity().compute(predictions=[7500.0], references=[10.0])
    assert "perplexity" not in found and "750 nats a token" in found["not_applicable"]


def test_empty_texts_are_not_as_different_as_can_be():
    assert "self_bleu" not in SelfBleu().compute(predictions=["", " "], locale="en")
