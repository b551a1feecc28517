"""Paired bootstrap intervals: golden values, pairing, and what cannot be measured."""

from math import isnan

import numpy as np
import pytest

from ecom_llm.evaluate.evidence import Output, slice_value
from ecom_llm.promote.intervals import improvement


def outputs(pairs: list[tuple[float, float]], metric: str = "hit@10") -> list[Output]:
    return [
        Output(
            id=str(number),
            skill="recommend",
            locale="en",
            attributes={},
            reference="",
            text="",
            baselines={},
            ratios={metric: pair},
        )
        for number, pair in enumerate(pairs)
    ]


SETTINGS = {"greater_is_better": True, "confidence": 0.95, "samples": 1000, "seed": 1}


def test_golden() -> None:
    """Values of a run on 2026-11-22; the analytic interval is 0.2 -+ 1.96 * sqrt(0.2 * 0.8 / 50) = 0.089 to 0.311."""
    champion = outputs([(0.0, 1.0)] * 50)
    candidate = outputs([(float(number % 5 == 0), 1.0) for number in range(50)])
    found = improvement("hit@10", candidate, champion, **SETTINGS)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.2, GOLDEN_LOW, GOLDEN_HIGH))


GOLDEN_LOW, GOLDEN_HIGH = 0.1, 0.32


def test_estimate_is_the_difference_of_the_published_values() -> None:
    rng = np.random.default_rng(3)
    draws = [outputs([(float(a), float(b)) for a, b in rng.uniform(1, 9, (30, 2))], "perplexity") for _ in range(2)]
    found = improvement("perplexity", *draws, **{**SETTINGS, "greater_is_better": False})
    assert found.estimate == pytest.approx(slice_value("perplexity", draws[1]) - slice_value("perplexity", draws[0]))
    assert found.low < found.estimate < found.high


def test_pairing_takes_out_how_hard_the_examples_are() -> None:
    hard = [float(number % 10) for number in range(100)]
    champion, candidate = (outputs([(value + gain, 1.0) for value in hard]) for gain in (0.0, 0.01))
    found = improvement("hit@10", candidate, champion, **SETTINGS)
    assert found.low == pytest.approx(0.01) and found.high == pytest.approx(0.01)


def test_both_orders_of_the_files_give_the_same() -> None:
    champion, candidate = outputs([(1.0, 2.0)] * 9 + [(0.0, 5.0)]), outputs([(1.0, 3.0)] * 10)
    found = improvement("hit@10", candidate, champion, **SETTINGS)
    assert found == improvement("hit@10", candidate[::-1], champion[::-1], **SETTINGS)


def test_chunks_do_not_change_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    champion, candidate = outputs([(0.0, 1.0)] * 20), outputs([(float(n % 3 == 0), 1.0) for n in range(20)])
    whole = improvement("hit@10", candidate, champion, **SETTINGS)
    monkeypatch.setattr("ecom_llm.promote.intervals.CHUNK", 70)
    assert improvement("hit@10", candidate, champion, **SETTINGS) == whole


def test_a_a_pairs_are_seldom_called_superior() -> None:
    """Two systems that differ by noise alone: the lower end lies above 0 in about 2.5 % of pairs."""
    rng = np.random.default_rng(0)
    settings = {**SETTINGS, "samples": 200}
    called = 0
    for _ in range(200):
        pair = [outputs([(float(value), 1.0) for value in rng.normal(size=60)]) for _ in range(2)]
        called += improvement("hit@10", *pair, **settings).low > 0
    assert called <= 12


def test_what_no_output_holds_has_no_interval() -> None:
    found = improvement("bleu", outputs([(1.0, 1.0)]), outputs([(1.0, 1.0)]), **SETTINGS)
    assert isnan(found.low)


def test_metric_that_some_resample_cannot_measure_has_no_interval() -> None:
    champion = outputs([(1.0, 1.0)] * 3)
    candidate = outputs([(0.0, 0.0), (0.0, 0.0), (1.0, 1.0)])
    assert isnan(improvement("hit@10", candidate, champion, **SETTINGS).low)
