"""The BM25 index finds what shares rare keywords, in the same order every time, and says nothing on the way."""

import logging
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.evaluate.bm25 import K1, B, build_index

QUESTIONS = ["Does it fit a 10-inch pan?", "Is the kettle loud?", "How tall is the oven?", "", "kettles, kettles"]


def test_it_finds_by_stems_and_a_short_text_full_of_them_wins():
    index = build_index(QUESTIONS, "en")
    assert index.best("a loud kettle", 2) == [1, 4]
    assert index.best("Which pans of 10 inch?", 1) == [0]
    assert index.best("kettle", 5) == [4, 1, 0, 2, 3]


def test_it_finds_chinese_by_words():
    index = build_index(["手机壳是什么材质的？", "什么时候发货？", "可以退货吗？"], "zh")
    assert index.best("这款壳的材质", 1) == [0]
    assert index.best("我要退货", 1) == [2]


def test_scores_are_lucenes_bm25():
    texts = [["red", "dress"], ["red", "red", "kettle", "steel"], ["blue", "pan"]]
    found = build_index([" ".join(text) for text in texts], "en").scores("red steel red")
    mean = sum(map(len, texts)) / len(texts)

    def weight(word: str, text: list[str]) -> float:
        having = sum(word in other for other in texts)
        frequency = text.count(word)
        idf = log(1 + (len(texts) - having + 0.5) / (having + 0.5))
        return idf * frequency / (frequency + K1 * (1 - B + B * len(text) / mean))

    wanted = [2 * weight("red", text) + weight("steel", text) for text in texts]
    assert found == pytest.approx(np.array(wanted), rel=1e-6)


def test_a_choice_may_be_narrowed():
    index = build_index(QUESTIONS, "en")
    assert index.best("loud kettle", 2, among=[0, 2, 4]) == [4, 0]
    assert index.best("loud kettle", 2, among=[]) == []


@pytest.mark.parametrize("query", ["", "the of and", "unheardof"])
def test_where_nothing_is_shared_the_first_ones_are_taken(query):
    index = build_index(QUESTIONS, "en")
    assert index.scores(query).tolist() == [0] * 5
    assert index.best(query, 3) == [0, 1, 2]


def test_texts_without_keywords_can_be_indexed_too():
    assert build_index([], "en").best("kettle", 3) == []
    assert build_index(["", "the"], "en").best("kettle", 3) == [0, 1]


@given(st.lists(st.text("ab红壳 ", max_size=12), max_size=6), st.text("ab红壳 ", max_size=12))
def test_the_best_are_in_order_of_score_then_of_place(texts, query):
    index = build_index(texts, "zh")
    scores, best = index.scores(query).tolist(), index.best(query, len(texts))
    assert best == sorted(range(len(texts)), key=lambda row: (-scores[row], row))
    assert index.best(query, 2) == best[:2]


def test_building_and_asking_say_nothing(capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        build_index(QUESTIONS, "en").best("kettle", 1)
    assert capfd.readouterr() == ("", "") and caplog.records == []
