"""Recommendations in evaluation: by the recommender in the model's folder, or by the language model; and what both are held against."""

import logging
from pathlib import Path

import pytest

from ecom_llm.evaluate.proposals import bought_around
from ecom_llm.evaluate.ranking import rank_items
from ecom_llm.evaluate.recommending import ranked_titles, recommender_of
from ecom_llm.evaluate.stage import Writer
from ecom_llm.params import Evaluate, Params
from ecom_llm.records import Example, Item
from ecom_llm.shards import write_records
from ecom_llm.train.recommender.files import FOLDER, save
from ecom_llm.train.recommender.learn import learned_from
from ecom_llm.train.recommender.recommender import Recommender
from ecom_llm.write.decoding import decoding_of

TITLES = ["red dress", "navy blue shirt", "red shirt", "blue dress"]
ITEMS = [Item(product=title, locale="en", title=title) for title in TITLES]


@pytest.fixture(scope="module")
def training(make_example) -> list[Example]:
    """Six shoppers buy the blue dress after the red one, two the red shirt; one the red dress after the blue one."""
    pairs = [(0, 3)] * 6 + [(0, 2)] * 2 + [(3, 0)]
    return [make_example("recommend", "en", n, {"history": TITLES[a]}, TITLES[b]) for n, (a, b) in enumerate(pairs)]


@pytest.fixture(scope="module")
def recommender(training, tmp_path_factory) -> Recommender:
    root = tmp_path_factory.mktemp("shop")
    write_records(root / "train", Example, training)
    write_records(root / "items", Item, ITEMS)
    return learned_from(root / "train", root / "items", 1)


@pytest.fixture(scope="module")
def asked(make_example) -> list[Example]:
    return [make_example("recommend", "en", 90 + n, {"history": title}, TITLES[3]) for n, title in enumerate(TITLES)]


def small(params: Params, by: str) -> Evaluate:
    return params.evaluate.model_copy(update={"recommend_by": by, "max_new_tokens": 4})


def test_the_recommender_ranks_where_the_folder_holds_one(model, tokenizer, params, recommender, asked, tmp_path):
    save(recommender, tmp_path / FOLDER)
    chosen = small(params, "purchases")
    found = recommender_of(tmp_path, decoding_of(chosen))
    written = Writer(model, tokenizer, ITEMS, chosen, found).write(asked)
    best = recommender.recommend(asked, 10)
    assert [one.ranking for one in written] == [tuple(item.title for item in ranking) for ranking in best]
    assert written[0].text == "blue dress" and all(one.likelihood for one in written)


def test_the_language_model_ranks_where_it_is_asked_to(model, tokenizer, params, recommender, asked, tmp_path, caplog):
    save(recommender, tmp_path / FOLDER)
    chosen = small(params, "model")
    assert recommender_of(tmp_path, decoding_of(chosen)) is None
    written = Writer(model, tokenizer, ITEMS, chosen).write(asked)
    ranked = rank_items(model, tokenizer, asked, ITEMS, chosen.num_beams, 60)
    assert [one.ranking for one in written] == [tuple(item.title for item in best) for best in ranked]
    assert not caplog.records


def test_a_model_of_before_is_ranked_by_itself_and_says_so(model, tokenizer, params, asked, tmp_path: Path, caplog):
    decoding = decoding_of(small(params, "purchases"))
    assert recommender_of(tmp_path, decoding) is None
    with caplog.at_level(logging.WARNING):
        found = ranked_titles(None, model, tokenizer, asked, ITEMS, decoding, 2)
    by_itself = rank_items(model, tokenizer, asked, ITEMS, decoding.num_beams, 60, 2)
    assert found == [[one.title for one in best] for best in by_itself]
    assert "holds no recommender" in caplog.text and "Train it again" in caplog.text


def test_cooccurrence_counts_people_and_transitions_their_order(make_example, training):
    asked = [make_example("recommend", "en", 90, {"history": "navy blue shirt; blue dress"}, "?")]
    found = bought_around(asked, training, TITLES)
    # seven have both dresses, one of them the blue one first; what nobody bought beside it stands by its buyers
    assert found["cooccurrence"] == [["red dress", "blue dress", "red shirt", "navy blue shirt"]]
    assert found["transitions"] == [["red dress", "blue dress", "red shirt", "navy blue shirt"]]
    after_red = bought_around([make_example("recommend", "en", 91, {"history": "red dress"}, "?")], training, TITLES)
    assert after_red["transitions"] == [["blue dress", "red shirt", "red dress", "navy blue shirt"]]


def test_transitions_weigh_by_distance_on_both_sides(make_example):
    """b came right after a (1), c two after (1/2); of what was bought two ago, half counts."""
    titles = ["a", "b", "c", "d", "e"]
    training = [
        make_example("recommend", "en", 1, {"history": "d; a"}, "b"),
        make_example("recommend", "en", 2, {"history": "a; d"}, "c"),
        make_example("recommend", "en", 3, {"history": "e"}, "c"),
    ]
    [one, two] = bought_around(
        [make_example("recommend", "en", n, {"history": text}, "?") for n, text in ((7, "a"), (8, "a; e"))],
        training,
        titles,
    )["transitions"]
    assert one[:2] == ["b", "c"]  # 1 and 1/2
    assert two[:2] == ["c", "b"]  # 1 (after e) + 1/4, and 1/2
