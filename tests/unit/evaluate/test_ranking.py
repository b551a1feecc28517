"""Beam search over the trie of titles: exact when the beam holds them all, sound when it does not."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.evaluate.ranking import best_rows, rank_items, search
from ecom_llm.evaluate.trie import build_trie
from ecom_llm.records import Item, UserError
from ecom_llm.write.encode import encode
from ecom_llm.write.likelihood import score

TITLES = [
    "red dress",
    "red",
    "red dress long",
    "navy blue shirt",
    "blue shirt",
    "cotton sock",
    "a",
    "linen shirt",
    "红色连衣裙",
]


@pytest.fixture(scope="module")
def items() -> list[Item]:
    found = [Item(product=f"P{n}", locale="en", title=title) for n, title in enumerate(TITLES)]
    return [*found, Item(product="P0", locale="zh", title="红裙"), Item(product="P1", locale="zh", title="蓝裙")]


@pytest.fixture(scope="module")
def histories(make_example):
    seen = [["red"], ["red dress", "a"], ["cotton sock"] * 4, ["linen shirt", "blue shirt", "red"], ["a"]]
    made = [make_example("recommend", "en", n, {"history": "; ".join(titles)}, "a") for n, titles in enumerate(seen)]
    return [*made[:3], make_example("recommend", "zh", 9, {"购买记录": "红裙"}, "蓝裙"), *made[3:]]


def brute_force(model, tokenizer, example, titles: list[str]) -> list[tuple[str, float]]:
    asked = [example.model_copy(update={"target": title}) for title in titles]
    scores = score(model, encode(asked, tokenizer), tokenizer.pad_token_id, 1)
    return sorted(((title, -one.nats) for title, one in zip(titles, scores, strict=True)), key=lambda pair: -pair[1])


@pytest.mark.parametrize("batch_size", [1, 20, 400])
def test_with_a_beam_for_every_item_it_is_brute_force(model, tokenizer, items, histories, batch_size):
    ranked = rank_items(model, tokenizer, histories, items, num_beams=len(TITLES), batch_size=batch_size)
    for example, found in zip(histories, ranked, strict=True):
        expected = brute_force(model, tokenizer, example, TITLES if example.locale == "en" else ["红裙", "蓝裙"])
        assert [one.title for one in found] == [title for title, _ in expected]
        assert [one.score for one in found] == pytest.approx([value for _, value in expected], abs=1e-4)


class Bigram:
    """Stands in for a model whose next token depends on the last one alone, so that any odds can be had."""

    device = torch.device("cpu")

    def __init__(self, table: torch.Tensor) -> None:
        self.table = table

    def __call__(self, input_ids, **_others):
        cache = SimpleNamespace(batch_select_indices=lambda rows: None)
        return SimpleNamespace(logits=self.table[input_ids], past_key_values=cache)


SEQUENCES = st.sets(st.lists(st.integers(0, 3), max_size=5).map(lambda body: (*body, 4)), min_size=2, max_size=30).map(
    sorted
)


@given(SEQUENCES, st.integers(0, 10**6), st.integers(1, 4))
def test_giving_up_hopeless_beams_loses_no_place_that_counts(sequences, seed, top):
    table = torch.randn(5, 5, generator=torch.Generator().manual_seed(seed)) * 4
    odds = table.double().log_softmax(-1)
    for last, found in enumerate(
        search(Bigram(table), [[last] for last in range(5)], build_trie(sequences), 0, 30, top)
    ):
        exact = [sum(odds[a, b].item() for a, b in zip((last, *path), path, strict=False)) for path in sequences]
        best = sorted(range(len(sequences)), key=lambda index: -exact[index])[:top]
        assert [score for score, _ in found] == pytest.approx([exact[index] for index in best], abs=1e-4)


def test_a_narrow_beam_still_scores_what_it_finds_exactly(model, tokenizer, items, histories):
    for example, found in zip(histories, rank_items(model, tokenizer, histories, items, 2, 8), strict=True):
        exact = dict(brute_force(model, tokenizer, example, [one.title for one in found]))
        assert found and all(one.score == pytest.approx(exact[one.title], abs=1e-4) for one in found)


def test_items_of_two_products_with_one_title_are_one(model, tokenizer, histories):
    twice = [Item(product=f"P{n}", locale=locale, title="red") for n in range(2) for locale in ("en", "zh")]
    assert [[one.title for one in found] for found in rank_items(model, tokenizer, histories, twice, 10, 8)] == [
        ["red"]
    ] * 6


def test_a_locale_without_items_is_the_users_to_mend(model, tokenizer, items, histories):
    with pytest.raises(UserError, match="locale zh"):
        rank_items(model, tokenizer, histories, items[:3], 10, 8)


@given(st.sets(st.lists(st.integers(0, 4), min_size=1, max_size=5).map(tuple), min_size=1, max_size=30).map(sorted))
def test_walking_the_trie_gives_back_its_sequences(sequences):
    trie = build_trie(sequences)
    paths, nodes, found = [()], np.zeros(1, dtype=np.int64), []
    while len(nodes):
        parent, edge = trie.expand(nodes)
        paths = [(*paths[p], int(trie.token[e])) for p, e in zip(parent, edge, strict=True)]
        nodes = trie.child[edge]
        found += [(int(trie.sequence[n]), path) for n, path in zip(nodes, paths, strict=True) if trie.sequence[n] >= 0]
    assert sorted(found) == list(enumerate(sequences))


def test_best_rows_keeps_the_best_of_each_window():
    window, scores = np.array([0, 0, 0, 2, 2, 5]), np.array([-3.0, -1.0, -2.0, -9.0, -8.0, -7.0])
    assert best_rows(window, scores, 2).tolist() == [1, 2, 4, 3, 5]
    assert best_rows(window, scores, 1).tolist() == [1, 4, 5]
