"""Several trainings a side: a known answer, what one training borrows, and that a seed's luck is not called better."""

from math import sqrt

import numpy as np
import pytest
from scipy.special import stdtrit

from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.paired import detectable
from ecom_llm.evaluate.trainings import Part, mean_improvement, seed_parts

SETTINGS = {"greater_is_better": True, "confidence": 0.95}


def outputs(values: np.ndarray) -> list[Output]:
    plain = {"skill": "recommend", "locale": "en", "attributes": {}, "reference": "", "text": "", "baselines": {}}
    return [
        Output.model_validate({**plain, "id": f"{n:04}", "ratios": {"hit@10": (float(value), 1.0)}})
        for n, value in enumerate(values)
    ]


def test_trainings_that_agree_on_every_example_leave_the_seeds_alone() -> None:
    """All examples alike: the interval is Welch's of 3 against 3 values, ours 1, 2, 3 and theirs 0, 0, 0.6."""
    ours, theirs = ([outputs(np.full(50, value)) for value in side] for side in ((1.0, 2.0, 3.0), (0.0, 0.0, 0.6)))
    found = mean_improvement("hit@10", ours, theirs, **SETTINGS)
    parts = (1 / 3, 0.12 / 3)
    freedom = sum(parts) ** 2 / sum(part**2 / 2 for part in parts)
    assert found.estimate == pytest.approx(1.8) and found.error == pytest.approx(sqrt(sum(parts)))
    assert found.high - found.estimate == pytest.approx(stdtrit(freedom, 0.975) * sqrt(sum(parts)), rel=1e-6)
    assert found.low == pytest.approx(2 * found.estimate - found.high)
    told = detectable(found, 0.95, 0.8, paired=True)
    reach = stdtrit(freedom, 0.975) + stdtrit(freedom, 0.8)
    assert told == pytest.approx(reach * sqrt(sum(parts)), rel=1e-6), "three trainings tell less than 50 examples"


def test_equal_seeds_leave_the_examples_alone() -> None:
    rng = np.random.default_rng(1)
    ours, theirs = rng.normal(1, 1, 60), rng.normal(0, 1, 60)
    found = mean_improvement("hit@10", [outputs(ours)] * 3, [outputs(theirs)] * 2, **SETTINGS)
    assert found.error == pytest.approx((ours - theirs).std(ddof=1) / sqrt(60))
    assert found.high - found.estimate == pytest.approx(stdtrit(59, 0.975) * found.error)


def test_one_training_borrows_the_other_sides_spread() -> None:
    gains = np.array([[1.0], [2.0], [4.0]])
    (part,) = seed_parts(gains)
    assert part == Part(pytest.approx(gains.var(ddof=1) * (1 + 1 / 3)), 2)


def test_lower_is_better_turns_the_interval_around() -> None:
    rng = np.random.default_rng(2)
    ours, theirs = ([outputs(rng.normal(mean, 1, 30)) for _ in range(2)] for mean in (1, 0))
    up, down = (
        mean_improvement("hit@10", ours, theirs, greater_is_better=better, confidence=0.95) for better in (True, False)
    )
    assert (up.low, up.high) == pytest.approx((-down.high, -down.low))


def test_one_training_a_side_is_no_evidence_on_seeds() -> None:
    with pytest.raises(ValueError, match="one training a side"):
        mean_improvement("hit@10", [outputs(np.ones(9))], [outputs(np.ones(9))], **SETTINGS)


def test_what_some_training_cannot_measure_has_no_interval() -> None:
    full = outputs(np.arange(9.0))
    empty = [one.model_copy(update={"ratios": {"hit@10": (0.0, 0.0)}}) for one in full]
    assert np.isnan(mean_improvement("hit@10", [full, empty], [full], **SETTINGS).low)
    assert np.isnan(mean_improvement("bleu", [full, full], [full], **SETTINGS).low)


def test_a_lucky_seed_is_seldom_called_better() -> None:
    """Seeds move every example by the same luck, which one test set takes for a difference of the models."""
    rng = np.random.default_rng(3)
    called = 0
    for _ in range(150):
        ours, theirs = ([outputs(rng.normal(rng.normal(), 1, 40)) for _ in range(3)] for _ in range(2))
        found = mean_improvement("hit@10", ours, theirs, **SETTINGS)
        called += found.low > 0 or found.high < 0
    assert called <= 14, "binomial(150, 0.05) exceeds 14 in 1 % of cases"
