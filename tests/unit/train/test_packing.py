"""Packing: every text is in a row, whole and by itself, and the rows are nearly full."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.train.batching import IGNORE_INDEX, Completions
from ecom_llm.train.packing import Packed, PackedRows, Rows, best_fit_decreasing, contamination
from ecom_llm.write.encode import Encoded
from proofs.exactness_training import random_texts, small_model

PAD = 0
encoded = st.builds(
    Encoded, st.lists(st.integers(1, 99), max_size=6), st.lists(st.integers(1, 99), min_size=1, max_size=6)
)


@given(st.lists(st.integers(1, 20), max_size=200))
def test_best_fit_loses_nothing_and_leaves_no_two_rows_that_fit_into_one(lengths):
    rows = best_fit_decreasing(lengths, 20)
    assert sorted(place for row in rows for place in row) == list(range(len(lengths)))
    filled = sorted(sum(lengths[place] for place in row) for row in rows)
    assert all(total <= 20 for total in filled)
    assert len(filled) < 2 or filled[0] + filled[1] > 20


def test_a_text_longer_than_a_row_is_refused():
    with pytest.raises(ValueError, match="a text of 21 tokens does not fit into rows of 20"):
        best_fit_decreasing([3, 21], 20)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=100), st.integers(1, 9), st.integers(0, 3))
def test_an_epoch_is_whole_steps_and_as_long_as_any_other(lengths, step_size, epoch):
    order = PackedRows(lengths, 40, step_size, seed=1)
    count = len(order)
    order.set_epoch(epoch)
    rows = list(order)
    assert len(rows) == len(order) == count
    assert count % step_size == 0
    assert all(sum(lengths[index] for index in row) <= 40 for row in rows)
    assert sorted(index for row in order.packed(epoch) for index in row) == list(range(len(lengths)))


def test_the_first_epoch_shows_every_text_and_the_next_nearly_every():
    lengths = [len(one) for one in random_texts(2000, seed=1)]
    order = PackedRows(lengths, 128, 8, seed=1)
    for epoch, least in ((0, 1.0), (1, 0.99), (2, 0.99)):
        order.set_epoch(epoch)
        shown = Counter(index for row in order for index in row)
        assert len(shown) >= least * len(lengths)
    assert sum(lengths) / (order.rows * 128) > 0.98  # the rest is padding


def test_rows_are_nearly_full_and_a_step_holds_as_many_texts_as_it_says():
    lengths = [len(one) for one in random_texts(2000, seed=1)]
    order = PackedRows(lengths, 256, 8, seed=1)
    filled = [sum(lengths[index] for index in row) for row in order]
    assert sum(filled) / len(filled) > 0.98 * 256
    per_step = sum(len(row) for row in order) / (len(order) / 8)
    assert per_step == pytest.approx(order.texts_per_step, rel=0.02)


def texts_of(batch: dict[str, object], row: int) -> list[list[int]]:
    """The texts of a packed row, parted where positions begin again."""
    found: list[list[int]] = []
    for token, position in zip(batch["input_ids"][row].tolist(), batch["position_ids"][row].tolist(), strict=True):
        if position == 0:
            found.append([])
        assert position == len(found[-1])
        found[-1].append(token)
    return found


@given(st.lists(st.lists(encoded, min_size=1, max_size=4), min_size=1, max_size=3))
def test_a_row_holds_its_texts_and_learns_their_completions(rows):
    data = Rows(Completions([one for row in rows for one in row]))
    numbers = iter(range(len(data)))
    batch = Packed(PAD, 50)([data[tuple(next(numbers) for _ in row)] for row in rows])
    assert set(batch) == {"input_ids", "position_ids", "labels", "logits_to_keep", "use_cache"}
    assert batch["use_cache"] is False
    assert batch["labels"].shape == (len(rows), len(batch["logits_to_keep"]))
    for number, row in enumerate(rows):
        wanted = [one.prompt + one.completion for one in row]
        texts = texts_of(batch, number)
        assert texts[: len(wanted)] == wanted
        assert all(set(padding) == {PAD} for padding in texts[len(wanted) :])
        # what is learned: the completions, each token from the one before it in the same text
        learned = [token for token in batch["labels"][number].tolist() if token != IGNORE_INDEX]
        assert learned == [token for one in row for token in (one.completion if one.prompt else one.completion[1:])]
        for place, token in zip(batch["logits_to_keep"].tolist(), batch["labels"][number, 1:].tolist(), strict=False):
            assert token in (IGNORE_INDEX, batch["input_ids"][number, place + 1])


def test_a_model_that_sees_across_texts_is_noticed(monkeypatch):
    model = small_model()
    assert contamination(model) < 1e-5
    forward = model.forward

    def with_mask(input_ids: torch.Tensor, **inputs: object) -> object:
        return forward(input_ids, attention_mask=torch.ones_like(input_ids), **inputs)

    monkeypatch.setattr(model, "forward", with_mask)
    assert contamination(model) > 0.01
