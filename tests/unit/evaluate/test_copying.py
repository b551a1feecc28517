"""What is copied from training, how texts repeat themselves, and how a text says that it does not know."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.evaluate.metrics import LengthRatio, LongestOverlap, RepetitionN, TrainingTexts, abstains
from ecom_llm.evaluate.metrics.grounding import parted


def test_the_longest_overlap_is_in_words_and_within_one_text():
    training = TrainingTexts(["A red dress, made of cotton.", "It fits well", "It fits well"], "en")
    asked = ["RED dress made of silk", "cotton it fits", "nothing here", "", "a red dress made of cotton it fits well"]
    assert training.longest(asked) == [4, 2, 0, 0, 6]
    assert TrainingTexts(["红色的连衣裙"], "zh").longest(["蓝色的连衣裙"]) == [5]
    assert TrainingTexts([], "en").longest(["a"]) == [0] and training.longest([]) == []


TEXTS = st.lists(st.text("abc ", max_size=20), max_size=4)


@given(TEXTS, TEXTS)
def test_it_agrees_with_trying_every_stretch(training, texts):
    known = {
        tuple(words[i:j])
        for words in map(str.split, training)
        for i in range(len(words))
        for j in range(i + 1, len(words) + 1)
    }

    def naive(text: str) -> int:
        words = text.split()
        spans = [(i, j) for i in range(len(words)) for j in range(i + 1, len(words) + 1)]
        return max((j - i for i, j in spans if tuple(words[i:j]) in known), default=0)

    assert TrainingTexts(training, "en").longest(texts) == [naive(text) for text in texts]


def test_overlaps_are_told_by_their_spread():
    found = {
        value: LongestOverlap().compute(predictions=[1, 2, 3, 13], locale="en", value=value)
        for value in ("", "_p50", "_p95", "_max", "_long")
    }
    values = {f"longest_overlap{value}": result[f"longest_overlap{value}"] for value, result in found.items()}
    assert list(values.values()) == [4.75, 3, 13, 13, 0.25]
    assert found[""]["ratios"] == [(1, 1), (2, 1), (3, 1), (13, 1)] and "above:12" in found["_long"]["signature"]
    assert "above:20" in LongestOverlap().compute(predictions=[13], locale="zh", value="_long")["signature"]


def test_repetition_is_within_a_text():
    texts = ["so soft and so soft and so soft and", "a b c d", "short"]
    found = RepetitionN().compute(predictions=texts, locale="en", n=4)
    # of six 4-grams of the first text three are new
    assert found["seq_rep_4"] == pytest.approx((1 / 2 + 0) / 2) and found["ratios"] == [(0.5, 1), (0, 1), (0, 0)]


def test_length_is_over_all_texts():
    found = LengthRatio().compute(predictions=["a b", "c"], references=["a", "b c d e f"], locale="en")
    assert found["length_ratio"] == 0.5 and found["ratios"] == [(2, 1), (1, 5)]


@pytest.mark.parametrize(
    ("text", "locale", "said"),
    [
        ("I don’t know if it fits.", "en", True),
        ("The listing does not say.", "en", True),
        ("It is not known to rust.", "en", True),
        ("You will know it when you see it.", "en", False),
        ("We do not ship on Sundays.", "en", False),
        ("On the sole, the page says nothing.", "en", True),
        ("To be honest, the page has no word on the legs.", "en", True),
        ("The fan is silent.", "en", False),
        ("这个不清楚呢", "zh", True),
        ("风格这项，详情页里没写明。", "zh", True),
        ("抱歉，参数表中并未提到鞋底", "zh", True),
        ("盒子里没有说明书", "zh", False),
        ("没有这方面的说明", "zh", True),
        ("本品没有提供充电器", "zh", False),
        ("The shirt has no word on the back.", "en", False),
        ("商品信息中未提及", "zh", True),
        ("画面很清楚", "zh", False),
        ("je ne sais pas", "fr", None),
        ("That isn't stated anywhere.", "en", True),
        ("I wouldn’t know.", "en", True),
        ("Unsure, sorry", "en", True),
        ("You can't find a better one.", "en", False),
        ("I could not find any fault", "en", False),
        ("I can not find any information", "en", True),
        ("I would not say that it is heavy", "en", False),
        ("不知道有多好用！", "zh", False),
        ("不知道有没有", "zh", True),
        ("这个不太了解", "zh", True),
        ("不好说", "zh", True),
    ],
)
def test_saying_that_one_does_not_know(text, locale, said):
    assert abstains(text, locale) is said


def test_numbers_are_compared_as_quantities():
    counted, words = parted("1 kg, 15.6-inch and 4 doors")
    assert counted == parted("四个门? 4, 1000克 15.6英寸")[0] and len(counted) == 3
    assert words.split() == [",", "and", "doors"]
