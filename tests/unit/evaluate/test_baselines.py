"""The baselines a model has to beat."""

import pytest

from ecom_llm.evaluate.baselines import found_answers, nearest_neighbours, popularity, similar_titles, templates


@pytest.fixture
def training(make_example):
    return [
        make_example("describe", "en", 1, {"category": "dress", "colour": "red", "material": "silk"}, "red silk dress"),
        make_example(
            "describe", "en", 2, {"category": "dress", "colour": "navy blue", "material": "silk"}, "navy dress"
        ),
        make_example("describe", "en", 3, {"category": "kettle", "colour": "red", "volume": "2 l"}, "red kettle"),
    ]


def test_the_nearest_neighbour_shares_most_attributes(make_example, training):
    asked = [
        make_example("describe", "en", 9, {"category": "kettle", "volume": "2 l", "colour": "black"}, "?"),
        make_example("describe", "en", 8, {"category": "dress", "colour": "sky blue", "material": "silk"}, "?"),
        make_example("describe", "en", 7, {"category": "dress", "colour": "red", "material": "silk"}, "?"),
    ]
    assert nearest_neighbours(asked, training) == ["red kettle", "navy dress", "red silk dress"]


def test_of_equally_near_neighbours_the_first_is_taken(make_example, training):
    assert nearest_neighbours([make_example("describe", "en", 9, {"x": "unheard of"}, "?")], training) == [
        "red silk dress"
    ]
    bare = [make_example("describe", "en", n, {}, f"text {n}") for n in range(2)]
    assert nearest_neighbours(bare, bare) == ["text 0", "text 0"]


def test_more_examples_than_a_chunk(make_example, training, monkeypatch):
    monkeypatch.setattr("ecom_llm.evaluate.baselines.CHUNK", 2)
    assert nearest_neighbours(training, training) == [example.target for example in training]


def test_the_template_is_the_skills_own(make_example):
    asked = make_example("describe", "en", 1, {"colour": "red"}, "?")
    assert templates([asked]) == ["This product has the following features: colour red."]


def test_popularity_counts_what_was_bought_next(make_example):
    bought = ["b", "a", "c", "a", "c", "d"]
    training = [make_example("recommend", "en", n, {"history": "z; z"}, title) for n, title in enumerate(bought)]
    assert popularity(training, 3) == ["a", "c", "b"]
    assert popularity([], 3) == []


def test_an_answer_is_found_by_its_question(make_example):
    asked = ["Is it loud?", "Does it fit a 10-inch pan?", "Are kettles loud?"]
    training = [
        make_example("answer", "en", n, {"colour": "red", "question": said}, f"answer {n}")
        for n, said in enumerate(asked)
    ]
    # another colour: attributes are not what is searched
    wanted = make_example("answer", "en", 9, {"colour": "loud", "question": "Which pans of ten or 10 inch fit?"}, "?")
    assert found_answers([wanted], training) == ["answer 1"]
    bare = make_example("answer", "en", 9, {}, "?")
    assert found_answers([bare], training) == ["answer 0"]


def test_an_answer_about_the_same_product_goes_before_a_nearer_question(make_example):
    training = [
        make_example("answer", "zh", 1, {"问题": "防水吗？"}, "防水的"),
        make_example("answer", "zh", 2, {"问题": "什么材质？"}, "硅胶"),
        make_example("answer", "zh", 2, {"问题": "防水性能如何？"}, "不防水"),
    ]
    about = [make_example("answer", "zh", product, {"问题": "请问防水吗？"}, "?") for product in (2, 7)]
    assert found_answers(about, training) == ["不防水", "防水的"]


def test_items_are_proposed_that_share_words_with_the_history(make_example):
    titles = ["steel pan", "cotton dress", "silk dresses", "kettle"]
    shopper = make_example("recommend", "en", 1, {"history": "red dress; silk scarf"}, "?")
    newcomer = make_example("recommend", "en", 2, {}, "?")
    assert similar_titles([shopper, newcomer], titles, 3) == [
        ["silk dresses", "cotton dress", "steel pan"],
        ["steel pan", "cotton dress", "silk dresses"],
    ]
