"""Intervals of functions of sums: known answers, shares at their ends, and that they cover what they should."""

from math import isnan

import numpy as np
import pytest
from scipy.stats import binomtest

from ecom_llm.evaluate.bootstrap import (
    Interval,
    Resampling,
    Table,
    clustered,
    draws,
    intervals,
    standard_error,
    student,
)
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.paired import detectable, improvement
from ecom_llm.evaluate.spread import bounds, slice_intervals
from ecom_llm.evaluate.totals import exp_ratio, ratio
from ecom_llm.evaluate.trainings import mean_improvement
from proofs.intervals import called_different, coverage

SETTINGS = Resampling(confidence=0.95, samples=2000, seed=1)


def interval(rows: np.ndarray, value=ratio, **changes: bool) -> Interval:
    return intervals({"one": Table(rows, value, **changes)}, SETTINGS)["one"]


def test_the_interval_of_a_mean_is_near_students() -> None:
    """2.0639 standard errors for 25 normal values; the bootstrap's reach differs by its own chance and the sample's skew."""
    values = np.random.default_rng(7).normal(10, 1, 25)
    found = interval(np.c_[values, np.ones(25)])
    error = values.std(ddof=1) / 5
    assert found.error == pytest.approx(error) and found.clusters == 25
    assert (found.high - found.low) / 2 == pytest.approx(2.0639 * error, rel=0.15)


def test_the_error_of_a_ratio_is_the_linearised_one() -> None:
    rows = np.random.default_rng(8).uniform(1, 9, (40, 2))
    table = Table(rows, ratio)
    share = rows[:, 0].sum() / rows[:, 1].sum()
    linear = (rows[:, 0] - share * rows[:, 1]) / rows[:, 1].sum()
    assert standard_error(table.influence(rows.sum(axis=0))) == pytest.approx(np.sqrt((linear**2).sum() * 40 / 39))


def test_examples_are_summed_within_their_group() -> None:
    found = clustered(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), ["b", "a", "b"])
    assert found.tolist() == [[3.0, 4.0], [6.0, 8.0]]


def test_a_resample_draws_as_many_clusters_as_there_are() -> None:
    counts = np.concatenate(list(draws(30, 50, 1)))
    assert counts.shape == (50, 30) and (counts.sum(axis=1) == 30).all()


def test_metrics_of_one_slice_share_their_draws_and_do_not_touch_each_other() -> None:
    rng = np.random.default_rng(9)
    one, two = (Table(rng.uniform(1, 9, (30, 2)), value) for value in (ratio, exp_ratio))
    both = intervals({"one": one, "two": two}, SETTINGS)
    assert both["one"] == intervals({"one": one}, SETTINGS)["one"]
    assert both["two"] == intervals({"two": two}, SETTINGS)["two"]


@pytest.mark.parametrize("hits", [0, 40])
def test_a_share_without_exception_is_not_sure(hits: int) -> None:
    """Wilson's interval of 0 of 40: 0 to t^2 / (40 + t^2) with t = 2.0227."""
    found = interval(np.c_[np.repeat([1.0, 0.0], [hits, 40 - hits]), np.ones(40)])
    low, high = (found.low, found.high) if hits == 0 else (1 - found.high, 1 - found.low)
    assert low == pytest.approx(0, abs=1e-9) and high == pytest.approx(2.0227**2 / (40 + 2.0227**2), rel=1e-4)


def test_one_event_of_twenty_gives_wilsons() -> None:
    found = interval(np.c_[np.repeat([1.0, 0.0], [1, 19]), np.ones(20)])
    assert 0 < found.low < 0.05 < found.high < 0.3


@pytest.mark.parametrize(
    "rows", [np.full((30, 2), 3.0) * [4, 1], np.random.default_rng(1).uniform(2, 9, (9, 2)) * [9, 1], np.ones((1, 2))]
)
def test_what_cannot_be_said_is_not(rows: np.ndarray) -> None:
    """No spread at all, fewer than ten clusters, and one cluster."""
    assert isnan(interval(rows).low) and isnan(interval(rows).high)


def test_no_interval_reaches_below_what_a_metric_can_be() -> None:
    found = {name: Interval(0.5, -0.25, 1.25) for name in ("bleu", "similarity")} | {"rouge1": Interval(1.0, 0.5, 1.5)}
    assert bounds(found) == {"bleu": (0.0, 1.25), "similarity": (-0.25, 1.25), "rouge1": (0.5, 1.5)}
    high = dict.fromkeys(("bleu", "chatglm_bleu_4", "perplexity"), Interval(93.0, 73.0, 113.5))
    assert bounds(high) == {"bleu": (73.0, 100.0), "chatglm_bleu_4": (73.0, 100.0), "perplexity": (73.0, 113.5)}


def test_bits_per_byte_are_no_share_however_few_they_are():
    """Of six products no interval is known, whether the one that is hardest needs one bit a byte or less."""

    nobody = {"skill": "describe", "locale": "en", "attributes": {}, "reference": "", "text": "", "baselines": {}}

    def outputs(name: str, hardest: float) -> list[Output]:
        bits = [4.0, 5.0, 6.0, 7.0, 8.0, hardest]
        return [Output(id=str(n), ratios={name: (found, 10.0)}, **nobody) for n, found in enumerate(bits)]

    for hardest in (9.0, 11.0):
        assert bounds(slice_intervals(["bits_per_byte"], outputs("bits_per_byte", hardest), SETTINGS)) == {}
    low, high = bounds(slice_intervals(["groundedness"], outputs("groundedness", 9.0), SETTINGS))["groundedness"]
    assert 0 <= low < 0.65 < high <= 1


def test_a_denominator_of_zero_has_no_value() -> None:
    assert isnan(interval(np.zeros((30, 2))).estimate)


def test_differences_that_all_agree_are_a_point() -> None:
    rows = np.c_[np.arange(30.0) + 1, np.ones(30), np.arange(30.0), np.ones(30)]
    found = interval(rows, value=lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]), paired=True)
    assert found.low == found.high == pytest.approx(1)


@pytest.mark.parametrize(("clusters", "sure"), [(2, False), (4, False), (6, True), (9, True)])
def test_few_that_all_changed_alike_are_as_sure_as_a_sign_test(clusters: int, sure: bool) -> None:
    """Of five changes of one sign a sign test says .06, of six .03."""
    rows = np.c_[np.ones(clusters), np.ones(clusters), np.zeros(clusters), np.ones(clusters)]
    found = interval(rows, value=lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]), paired=True)
    assert (found.low > 0) is sure and found.high == pytest.approx(2 - found.low)
    equal = interval(rows[:, [0, 1, 0, 1]], value=lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]), paired=True)
    assert (equal.low, equal.high) == (0, 0)


def written(**ratios: list[tuple[float, float]]) -> list[Output]:
    """One output of each product."""
    nobody = {"skill": "answer", "locale": "en", "attributes": {}, "reference": "", "text": "", "baselines": {}}
    (name, pairs) = next(iter(ratios.items()))
    return [Output(id=str(n), group=f"g{n}", ratios={name: pair}, **nobody) for n, pair in enumerate(pairs)]


def test_products_that_have_nothing_to_measure_make_nothing_surer() -> None:
    """Three of three abstained; that 197 other products had no such question says nothing of it."""
    three = [(1.0, 1.0)] * 3
    alone = slice_intervals(["abstention_recall"], written(abstention_recall=three), SETTINGS)
    among = slice_intervals(["abstention_recall"], written(abstention_recall=[*three, *[(0.0, 0.0)] * 197]), SETTINGS)
    assert among == alone and among["abstention_recall"].low < 0.3
    sides = [written(abstention_recall=[*pairs, *[(0.0, 0.0)] * 197]) for pairs in (three, [(0.0, 1.0)] * 3)]
    assert improvement("abstention_recall", *sides, greater_is_better=True, resampling=SETTINGS).clusters == 3
    several = mean_improvement("abstention_recall", [sides[0]] * 2, [sides[1]], greater_is_better=True, confidence=0.95)
    assert several.clusters == 3


@pytest.mark.parametrize("name", ["chatglm_rouge_2", "longest_overlap"])
def test_a_score_that_is_no_share_has_no_shares_interval(name: str) -> None:
    """All 0: Wilson's 9 % of a share would be .09 points of 100, or of a word."""
    assert bounds(slice_intervals([name], written(**{name: [(0.0, 1.0)] * 40}), SETTINGS)) == {}
    assert bounds(slice_intervals(["seq_rep_4"], written(seq_rep_4=[(0.0, 1.0)] * 40), SETTINGS))


def test_what_few_events_can_tell_rests_on_the_interval_that_has_to_tell_it() -> None:
    """Four wins of forty: the interval reaches .107, and to find .138 in four of five test sets was promised."""
    rows = np.c_[np.repeat([1.0, 0.0], [4, 36]), np.ones(40), np.zeros(40), np.ones(40)]
    found = interval(rows, value=lambda sums: ratio(sums[..., :2]) - ratio(sums[..., 2:]), paired=True)
    reach, told = found.high - found.estimate, detectable(found, 0.95, 0.8, paired=True)
    assert told == pytest.approx(reach * (1 + student(39, 0.8) / student(39, 0.975)))


def test_the_intervals_cover_the_truth_and_those_of_examples_do_not() -> None:
    """A small edition of `make proof-intervals`: 20 test sets of four sizes, each case held to 93 to 97 % within chance."""
    cases = coverage(20, seed=1)
    for case in cases:
        assert case.tried == 80
        assert binomtest(case.covered, case.tried, 0.93, alternative="less").pvalue > 0.001, case.line()
    of_values = [case for case in cases if case.kind == "value"]
    gained = np.mean([case.share - case.examples for case in of_values])
    assert gained > 0.015, f"taking examples for independent covers as much: {gained:.3f}"


def test_seeds_are_called_different_only_where_one_training_a_side_cannot_know_better() -> None:
    rng = np.random.default_rng(1)
    single, several = (called_different(40, sides, "bits_per_byte", 0.3, rng) for sides in ((1, 1), (3, 3)))
    assert single.called > 12 and not several.failed
