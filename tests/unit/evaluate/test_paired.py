"""Two systems on the same examples: golden intervals, pairing, clusters, the test, Holm, and what could be detected."""

from collections.abc import Callable
from itertools import product
from math import isnan, sqrt

import numpy as np
import pytest
from scipy.special import stdtrit

from ecom_llm.evaluate.bootstrap import Interval, Resampling
from ecom_llm.evaluate.evidence import Output, slice_value
from ecom_llm.evaluate.paired import chance_of, detectable, holm, improvement, pair_up

SETTINGS = Resampling(confidence=0.95, samples=1000, seed=1)
BETTER = {"greater_is_better": True, "resampling": SETTINGS}


def outputs(pairs: list[tuple[float, ...]], metric: str = "hit@10", per_group: int = 1) -> list[Output]:
    """Outputs of a metric, `per_group` in a row about one product."""
    field = "ratios" if len(pairs[0]) == 2 else "statistics"
    plain = {"skill": "recommend", "locale": "en", "attributes": {}, "reference": "", "text": "", "baselines": {}}
    return [
        Output.model_validate(
            {**plain, "ratios": {}, "id": f"{n:04}", "group": f"P{n // per_group}", field: {metric: pair}}
        )
        for n, pair in enumerate(pairs)
    ]


def chance(metric: str, ours: list[Output], theirs: list[Output]) -> float:
    return chance_of(pair_up(metric, ours, theirs, greater_is_better=True), 2000, 1)


def test_golden() -> None:
    """Values of a run on 2026-11-28; the normal interval is 0.2 -+ 1.96 * sqrt(0.2 * 0.8 / 50) = 0.089 to 0.311."""
    champion = outputs([(0.0, 1.0)] * 50)
    candidate = outputs([(float(number % 5 == 0), 1.0) for number in range(50)])
    found = improvement("hit@10", candidate, champion, **BETTER)
    assert (found.estimate, found.low, found.high) == pytest.approx(GOLDEN)
    assert found.error == pytest.approx(sqrt(0.2 * 0.8 / 49)) and found.clusters == 50


GOLDEN = (0.2, 1 / 15, 1 / 3)


@pytest.mark.parametrize(("metric", "size"), [("perplexity", 2), ("bleu", 10)])
def test_estimate_is_the_difference_of_the_slices_values(metric: str, size: int) -> None:
    rng = np.random.default_rng(3)
    draws = [outputs([tuple(map(float, row)) for row in rng.integers(1, 9, (30, size))], metric) for _ in range(2)]
    found = improvement(metric, *draws, greater_is_better=False, resampling=SETTINGS)
    assert found.estimate == pytest.approx(slice_value(metric, draws[1]) - slice_value(metric, draws[0]))
    assert found.low < found.estimate < found.high


def test_pairing_takes_out_how_hard_the_examples_are() -> None:
    hard = [float(number % 10) for number in range(100)]
    champion, candidate = (outputs([(value + gain, 1.0) for value in hard]) for gain in (0.0, 0.01))
    found = improvement("hit@10", candidate, champion, **BETTER)
    assert found.low == pytest.approx(0.01) and found.high == pytest.approx(0.01)


def test_both_orders_of_the_files_give_the_same() -> None:
    champion, candidate = outputs([(1.0, 2.0)] * 9 + [(0.0, 5.0)]), outputs([(1.0, 3.0)] * 10)
    found = improvement("hit@10", candidate, champion, **BETTER)
    assert found == improvement("hit@10", candidate[::-1], champion[::-1], **BETTER)


def test_chunks_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    champion, candidate = outputs([(0.0, 1.0)] * 20), outputs([(float(n % 3 == 0), 1.0) for n in range(20)])
    whole = improvement("hit@10", candidate, champion, **BETTER)
    monkeypatch.setattr("ecom_llm.evaluate.bootstrap.CHUNK", 70)
    assert improvement("hit@10", candidate, champion, **BETTER) == whole


def test_copies_of_one_product_count_once() -> None:
    """Five examples of each product that say the same are one observation, not five."""
    rng = np.random.default_rng(4)
    once = [(float(value), 1.0) for value in rng.normal(size=40)]
    champion, champions = outputs([(0.0, 1.0)] * 40), outputs([(0.0, 1.0)] * 200, per_group=5)
    alone = improvement("hit@10", outputs(once), champion, **BETTER)
    copied = improvement("hit@10", outputs([one for one in once for _ in range(5)], per_group=5), champions, **BETTER)
    assert copied.error == pytest.approx(alone.error) and copied.clusters == alone.clusters == 40
    blind = improvement(
        "hit@10", outputs([one for one in once for _ in range(5)]), outputs([(0.0, 1.0)] * 200), **BETTER
    )
    assert blind.error == pytest.approx(alone.error / sqrt(5), rel=0.02)


def noise(rng: np.random.Generator, difficulty: np.ndarray) -> list[tuple[float, ...]]:
    return [(float(value), 1.0) for value in difficulty + rng.normal(size=len(difficulty))]


def rare(rng: np.random.Generator, difficulty: np.ndarray) -> list[tuple[float, ...]]:
    return [(float(value), 1.0) for value in rng.random(len(difficulty)) < 0.03]


@pytest.mark.parametrize("draw", [noise, rare])
def test_a_a_pairs_are_seldom_called_different(draw: Callable) -> None:
    """Two systems that differ by chance alone: either end of the interval passes 0 in at most about 5 % of 200 pairs."""
    rng = np.random.default_rng(0)
    few = Resampling(confidence=0.95, samples=400, seed=1)
    called = 0
    for _ in range(200):
        hard = np.repeat(rng.normal(size=30), 2)
        pair = [outputs(draw(rng, hard), per_group=2) for _ in range(2)]
        found = improvement("hit@10", *pair, greater_is_better=True, resampling=few)
        called += found.low > 0 or found.high < 0
    assert called <= 17, "binomial(200, 0.05) exceeds 17 in 1 % of cases"


def test_four_wins_among_many_ties_are_not_sure() -> None:
    """A sign test gives 0.125; the percentile interval lies above 0."""
    champion = outputs([(0.0, 1.0)] * 40)
    candidate = outputs([(float(number < 4), 1.0) for number in range(40)])
    found = improvement("hit@10", candidate, champion, **BETTER)
    assert found.low < 0 < found.high
    assert chance("hit@10", candidate, champion) == pytest.approx(0.125, abs=0.02)


def test_what_no_output_holds_has_no_interval() -> None:
    found = improvement("bleu", outputs([(1.0, 1.0)]), outputs([(1.0, 1.0)]), **BETTER)
    assert isnan(found.low)


def test_metric_that_one_side_cannot_measure_has_no_interval() -> None:
    champion, candidate = outputs([(1.0, 1.0)] * 30), outputs([(0.0, 0.0)] * 30)
    assert isnan(improvement("hit@10", candidate, champion, **BETTER).low)
    assert isnan(chance("hit@10", candidate, champion))


def test_chance_is_that_of_all_swaps() -> None:
    """With ten examples the exact distribution over all 1,024 swaps can be had."""
    rng = np.random.default_rng(5)
    ours, theirs = ([(float(value), 1.0) for value in rng.normal(mean, 1, 10)] for mean in (0.6, 0.0))
    gains = np.array(ours)[:, 0] - np.array(theirs)[:, 0]
    exact = np.mean([abs((gains * signs).sum()) >= abs(gains.sum()) - 1e-9 for signs in product([1, -1], repeat=10)])
    assert 0.01 < exact < 0.2
    assert chance("hit@10", outputs(ours), outputs(theirs)) == pytest.approx(exact, abs=0.02)


def test_chance_of_a_tie_is_one_and_of_the_sure_the_least() -> None:
    ours, theirs = outputs([(1.0, 1.0)] * 50), outputs([(0.0, 1.0)] * 50)
    assert chance("hit@10", ours, ours) == 1
    assert chance("hit@10", ours, theirs) == pytest.approx(1 / 2001)


def test_holm_is_the_papers_step_down() -> None:
    """The ordered p-values times 4, 3, 2, 1, never falling."""
    found = holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005, "e": float("nan")})
    assert [found[name] for name in "dacb"] == pytest.approx([0.02, 0.03, 0.06, 0.06])
    assert isnan(found["e"])
    assert holm({"a": 0.6, "b": 0.7}) == {"a": 1.0, "b": 1.0}


def test_detectable_is_cohens_and_larger_without_a_pair() -> None:
    found = Interval(0.1, 0.0, 0.2, error=0.05, clusters=41)
    paired = detectable(found, 0.95, 0.8, paired=True)
    assert paired == pytest.approx(0.05 * (stdtrit(40, 0.975) + stdtrit(40, 0.8)))
    assert detectable(found, 0.95, 0.8, paired=False) == pytest.approx(sqrt(2) * paired)
    assert detectable(Interval(0.0, 0.0, 0.0, error=0.0, clusters=41), 0.95, 0.8, paired=True) is None


def test_detectable_difference_is_found_as_often_as_said() -> None:
    rng = np.random.default_rng(6)
    champion = outputs([(0.0, 1.0)] * 60)
    seen = detectable(Interval(0.0, 0.0, 0.0, error=1 / sqrt(60), clusters=60), 0.95, 0.8, paired=True)
    found = [
        improvement("hit@10", outputs([(float(v), 1.0) for v in rng.normal(seen, 1, 60)]), champion, **BETTER).low > 0
        for _ in range(200)
    ]
    assert 0.7 < np.mean(found) < 0.9
