"""The drift table: known numbers, quiet where nothing moved, and plain words where something did."""

import math

import pytest

from ecom_llm.prepare.card.card import Frequencies
from ecom_llm.prepare.card.drift import REST, alike, drift, rated, without_rare
from ecom_llm.prepare.card.psi import chance, psi, verdict_of
from tests.unit.prepare.card.conftest import card_of


def rows_of(previous, current):
    return {(row.slice, row.what): row for row in drift(previous, current)}


def test_psi_is_the_published_sum():
    before, now = {"a": 50_000, "b": 50_000}, {"a": 60_000, "b": 40_000}
    by_hand = 0.1 * math.log(0.6 / 0.5) + -0.1 * math.log(0.4 / 0.5)
    assert psi(before, now) == pytest.approx(by_hand, rel=1e-3)
    assert psi(before, before) == 0
    assert psi(now, before) == pytest.approx(psi(before, now))
    assert math.isfinite(psi({"a": 10}, {"b": 10}))
    assert psi({}, {"b": 10}) == 0


def test_chance_is_the_quantile_of_chi_square():
    """scipy.stats.chi2.ppf(.99, 9) = 21.6660, of 19 degrees 36.1909, of 3 degrees 11.3449."""
    for degrees, quantile in ((9, 21.6660), (19, 36.1909), (3, 11.3449)):
        assert chance(degrees + 1, 200, 300) == pytest.approx(quantile * (1 / 200 + 1 / 300), rel=0.01)
    assert chance(1, 10, 10) == 0


@pytest.mark.parametrize(
    ("index", "by_chance", "verdict"),
    [
        (0.09, 0.0, "unchanged"),
        (0.1, 0.05, "moved"),
        (0.25, 0.05, "moved"),
        (0.26, 0.05, "moved a lot"),
        (0.26, 0.3, "too few to tell"),
    ],
)
def test_verdicts(index, by_chance, verdict):
    assert verdict_of(index, by_chance) == verdict


@pytest.mark.parametrize("size", [40, 400])
def test_two_samples_of_one_population_do_not_move(size):
    """Also small ones, whose index alone would cry wolf."""
    for seed in range(6):
        rows = drift(card_of(size, seed), card_of(size, seed + 100))
        moved = [row for row in rows if row.verdict not in ("unchanged", "too few to tell")]
        assert not moved, moved


def test_what_moved_is_told_and_what_did_not_is_not():
    rows = rows_of(card_of(300, 1), card_of(400, 2, longest=25))
    assert rows["all", "examples"].verdict == "moved a lot"
    assert rows["all", "examples"].said == "600 -> 800 examples (+33%)"
    assert rows["describe/en", "characters"].verdict == "moved a lot"
    assert rows["describe/en", "words"].said.startswith("median 3")
    for what in ("categories", "attributes"):
        assert rows["describe/en", what].verdict == "unchanged"


def changed(card, **update):
    """The card with its first slice changed."""
    return card.model_copy(update={"slices": (card.slices[0].model_copy(update=update), *card.slices[1:])})


def test_new_and_lost_categories_are_named():
    card = card_of(300, 1)
    other = Frequencies(total=300, distinct=2, exact=True, top={"hat": 200, "coat": 100})
    row = rows_of(card, changed(card, categories=other))["describe/en", "categories"]
    assert row.verdict == "moved a lot"
    assert row.said in ("new: hat; lost: dress, shoe", "new: hat; lost: shoe, dress")


def test_a_value_outside_an_incomplete_list_is_not_called_new():
    cut = Frequencies(total=100, distinct=9, exact=True, top={"a": 60, "b": 30})
    whole = Frequencies(total=100, distinct=3, exact=True, top={"a": 60, "b": 30, "c": 10})
    before, now = alike(cut, whole)
    assert (before, now) == ({"a": 60, "b": 30, REST: 10}, {"a": 60, "b": 30, REST: 10})
    assert psi(before, now) == 0


def test_rare_values_are_compared_as_one():
    before = {"common": 980, **{f"rare {number}": 1 for number in range(20)}}
    now = {"common": 980, **{f"other {number}": 1 for number in range(20)}}
    assert psi(before, now) > 0.04
    merged = without_rare(before, now)
    assert merged[0] == merged[1] == {"common": 980, REST: 20}


def test_a_slice_that_comes_or_goes_is_one_row():
    card = card_of(100, 1)
    less = card.model_copy(update={"slices": card.slices[:1]})
    gone = [row for row in drift(card, less) if row.slice == "describe/zh"]
    assert [(row.what, row.verdict) for row in gone] == [("examples", "gone")]
    come = [row for row in drift(less, card) if row.slice == "describe/zh"]
    assert [(row.what, row.verdict) for row in come] == [("examples", "new")]


def test_personal_data_moves_by_its_rate_and_not_by_chance():
    place = ("all", "personal data: email")
    assert rated(place, (3, 9), (1000, 3000)).verdict == "unchanged"
    assert rated(place, (3, 5), (1000, 1000)).verdict == "too few to tell"
    assert rated(place, (300, 500), (100_000, 100_000)).verdict == "moved a lot"
    assert rated(place, (0, 50), (1000, 1000)).verdict == "new"
    assert rated(place, (50, 0), (1000, 1000)).verdict == "gone"
    assert rated(place, (50, 0), (1000, 1000)).said == "50.00 -> 0.00 per 1,000 examples (-100%)"
