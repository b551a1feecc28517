"""Numbers from judgements: by hand, by the books, and by what must hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from ecom_llm.human.advice import advice, detectable, needed
from ecom_llm.human.estimates import (
    BOUNDS,
    Precision,
    agreement,
    alpha_of,
    alphas,
    coincidences,
    estimate,
    first_chosen,
    score,
    widened,
)
from ecom_llm.human.judgements import WIN, Judgement

PRECISION = Precision(confidence=0.95, samples=1000, seed=1, min_examples=5)


def judgement(
    example: int, win: float, rater: int = 1, weight: float = 1.0, first: str = "candidate", skill: str = "describe"
):
    return Judgement(
        rater=rater,
        example=f"e{example}",
        skill=skill,
        locale="en",
        weight=weight,
        first=first,
        scores={WIN: win},
    )


def win_rate(judged, precision=PRECISION):
    return estimate(judged, precision, BOUNDS[WIN], score(WIN))


def test_a_tie_counts_half():
    found = win_rate([judgement(at, won) for at, won in enumerate((1, 1, 0.5, 0.5, 0, 1))])
    assert found.value == pytest.approx(4 / 6)
    assert found.low < found.value < found.high
    assert (found.examples, found.judgements) == (6, 6)


def test_weights_make_up_for_how_examples_were_drawn():
    found = win_rate([judgement(0, 1, weight=3), *(judgement(at, 0) for at in range(1, 7))])
    assert found.value == pytest.approx(3 / 9)


def test_raters_of_one_example_are_no_further_evidence_where_they_always_agree():
    once = [judgement(at, at % 2) for at in range(40)]
    thrice = [judgement(at, at % 2, rater) for at in range(40) for rater in (1, 2, 3)]
    assert win_rate(once).low == pytest.approx(win_rate(thrice).low)


def test_the_order_of_judgements_does_not_matter_to_the_number():
    judged = [judgement(at, at % 3 / 2, rater) for at in range(30) for rater in (1, 2)]
    assert win_rate(judged).value == pytest.approx(win_rate(judged[::-1]).value)


def test_too_few_examples_give_a_number_and_no_interval():
    found = win_rate([judgement(at, 1) for at in range(4)])
    assert (found.value, found.low, found.high) == (1.0, None, None)
    assert win_rate([]) is None


def test_unanimity_is_not_certainty():
    found = win_rate([judgement(at, 1) for at in range(20)])
    exact = binomtest(20, 20).proportion_ci(0.95, "exact")
    assert (found.low, found.high) == (pytest.approx(exact.low), 1.0)
    ties = win_rate([judgement(at, 0.5) for at in range(20)])
    assert ties.low < 0.5 < ties.high


def test_the_tail_is_smaller_than_the_plain_one_and_meets_it():
    assert widened(0.95, 10) < 0.0125
    assert widened(0.95, 100_000) == pytest.approx(0.025, rel=1e-3)


def test_slices_are_resampled_apart():
    """Two slices that each say nearly one thing: what parts the slices is not what chance may do."""
    judged = [judgement(at, float(at < 10), skill="describe" if at < 10 else "answer") for at in range(20)]
    apart = win_rate([*judged[1:-1], judgement(0, 0.0), judgement(19, 1.0, skill="answer")])
    alike = win_rate([judgement(one.example, one.scores["win"]) for one in judged])
    assert apart.high - apart.low < 0.8 * (alike.high - alike.low)


def test_a_slice_whose_examples_all_say_the_same_is_not_sure():
    """Of 10 wins of 10 the exact bound is .69, of 10 ties .35 to .65: each counts by half, and their squares add up."""
    judged = [judgement(at, 1.0 if at < 10 else 0.5, skill="describe" if at < 10 else "answer") for at in range(20)]
    found = win_rate(judged)
    missed = 1 - 0.025**0.1
    assert found.low == pytest.approx(0.75 - 0.5 * missed * (1 + 0.25) ** 0.5, abs=1e-6)
    assert found.high == pytest.approx(0.75 + 0.5 * missed * 0.5, abs=1e-6)
    one_win = [*(judgement(at, 0.5) for at in range(19)), judgement(19, 1.0, skill="review")]
    assert win_rate(one_win).low < 0.5, "one win among ties does not say who is preferred"


def test_position_bias_counts_the_side_and_leaves_ties_out():
    judged = [judgement(0, 1, first="candidate"), judgement(1, 0, first="other"), judgement(2, 0.5), judgement(3, 0)]
    assert [first_chosen(one) for one in judged] == [1.0, 1.0, None, 0.0]


def test_alpha_agrees_with_krippendorffs_own_example():
    """Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C: nominal .743, ordinal .815."""
    data = np.array(
        [
            [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
            [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
            [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
            [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
        ]
    )
    counts = np.array([[(unit == value).sum() for value in range(1, 6)] for unit in data.T])
    assert alpha_of(counts, [1, 2, 3, 4, 5], "nominal") == pytest.approx(0.743, abs=5e-4)
    assert alpha_of(counts, [1, 2, 3, 4, 5], "ordinal") == pytest.approx(0.815, abs=5e-4)


@pytest.mark.parametrize(("level", "values"), [("nominal", [0.0, 0.5, 1.0]), ("ordinal", [1, 2, 3, 4, 5])])
def test_alphas_of_resamples_are_the_packages(level, values):
    rng = np.random.default_rng(4)
    counts = np.array([rng.multinomial(rng.integers(2, 5), np.full(len(values), 1 / len(values))) for _ in range(8)])
    draws = [rng.integers(8, size=8) for _ in range(60)] + [np.full(8, at) for at in range(8)]
    drawn = np.array([np.bincount(draw, minlength=8) for draw in draws])
    found = alphas(np.tensordot(drawn, coincidences(counts), axes=1), level)
    assert found == pytest.approx([alpha_of(counts[draw], values, level) for draw in draws], nan_ok=True)
    one_value = coincidences(np.array([[3, 0], [2, 0]])).sum(axis=0)
    assert np.isnan(alphas(one_value[None], level)).all()


def test_agreement_is_undefined_where_there_is_nothing_to_agree_on():
    assert agreement([judgement(at, at % 2) for at in range(20)], WIN, PRECISION) is None  # one rater
    assert agreement([judgement(at, 1, rater) for at in range(20) for rater in (1, 2)], WIN, PRECISION) is None
    full = agreement([judgement(at, at % 2, rater) for at in range(20) for rater in (1, 2)], WIN, PRECISION)
    assert full.value == full.low == full.high == 1.0


@given(st.lists(st.tuples(st.sampled_from([0, 0.5, 1]), st.integers(1, 3), st.floats(1, 2)), min_size=5, max_size=30))
def test_an_interval_holds_its_number_and_stays_between_the_bounds(rows):
    judged = [
        judgement(at, win, rater, weight) for at, (win, count, weight) in enumerate(rows) for rater in range(count)
    ]
    found = win_rate(judged, Precision(0.95, 200, 1, 5))
    assert 0 <= found.low <= found.value + 1e-9
    assert found.value - 1e-9 <= found.high <= 1


def test_advice_is_what_the_sign_test_needs():
    """Exact power of the two-sided test at the advised size is about 80 %."""
    judgements = needed(0.6, 0.95)
    rng = np.random.default_rng(1)
    wins = rng.binomial(judgements, 0.6, 4000)
    critical = 1.959964 * np.sqrt(judgements) / 2
    assert np.mean(np.abs(wins - judgements / 2) > critical) == pytest.approx(0.8, abs=0.03)
    assert detectable(judgements, 0.95) == pytest.approx(0.6, abs=1e-3)
    assert detectable(1, 0.95) == 1.0


def test_advice_in_words():
    said = "\n".join(advice(60, 3, 0.95))
    assert "60 examples and 3 judgements" in said
    assert "60% to 68%" in said
    assert "55%: 785" in said
