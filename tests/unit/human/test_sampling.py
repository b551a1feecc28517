"""Which examples are judged."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecom_llm.human.sampling import difference, draw, inclusion, shares, subjects, systematic
from tests.unit.human.conftest import outputs

SIZES = st.lists(st.floats(1, 2), min_size=1, max_size=40)


def found():
    return subjects(outputs(1, 40), {one.id: one.text for one in outputs(2, 40)})


def test_identical_texts_are_never_drawn_and_others_spread_evenly_over_slices():
    sample = draw(found(), 40, np.random.default_rng(1))
    assert len(sample.subjects) == 40
    assert not [one for one in sample.subjects if one.texts[0] == one.texts[1]]
    assert set(Counter(one.slice for one in sample.subjects).values()) == {10}


def test_the_same_seed_draws_the_same():
    names = [[one.id for one in draw(found(), 20, np.random.default_rng(seed)).subjects] for seed in (1, 1, 2)]
    assert names[0] == names[1] != names[2]


def test_texts_carry_the_label_their_skill_demands_on_both_sides():
    for one in found():
        labelled = [text.startswith(("[Simulated review]", "【模拟评论】")) for text in (*one.texts, one.reference)]
        assert labelled == [one.skill == "review"] * 3


def test_white_space_alone_makes_no_other_text():
    candidate = outputs(1, 3)
    other = {one.id: f" {one.text}\n" for one in candidate}
    assert all(one.identical for one in subjects(candidate, other))


def test_difference():
    assert difference(("abcd", "abcd")) == 0
    assert difference(("abcd", "wxyz")) == 1
    assert difference(("abcd", "abce")) == pytest.approx(2 / 3)
    assert difference(("", "")) == 0


@given(SIZES, st.integers(1, 50))
def test_chances_are_proportional_and_sum_to_what_is_drawn(sizes, count):
    sizes = np.array(sizes)
    chances = inclusion(sizes, count)
    assert chances.sum() == pytest.approx(min(count, len(sizes)))
    assert (chances > 0).all()
    assert (chances <= 1 + 1e-12).all()
    free = chances < 1
    if free.any():
        assert np.ptp(chances[free] / sizes[free]) < 1e-9


@given(SIZES, st.integers(1, 50), st.integers(0, 1000))
def test_a_draw_holds_as_many_as_asked_and_none_twice(sizes, count, seed):
    drawn = systematic(inclusion(np.array(sizes), count), np.random.default_rng(seed))
    assert len(drawn) == len(set(drawn.tolist())) == min(count, len(sizes))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_examples_are_drawn_as_often_as_their_chance_says(seed):
    rng = np.random.default_rng(seed)
    chances = inclusion(np.array([1.0, 1.0, 1.5, 2.0, 2.0]), 2)
    times = np.zeros(5)
    for _ in range(4000):
        times[systematic(chances, rng)] += 1
    assert times / 4000 == pytest.approx(chances, abs=0.04)


@given(
    st.dictionaries(st.tuples(st.text(max_size=3), st.text(max_size=2)), st.integers(1, 30), min_size=1),
    st.integers(1, 90),
)
def test_shares_are_as_even_as_sizes_allow(sizes, examples):
    given_ = shares(sizes, examples)
    assert sum(given_.values()) == min(examples, sum(sizes.values()))
    assert all(given_[name] <= sizes[name] for name in sizes)
    most = max(given_.values())
    assert all(given_[name] >= most - 1 or given_[name] == sizes[name] for name in sizes)
