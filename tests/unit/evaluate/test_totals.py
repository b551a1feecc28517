"""Values from sums: those of sacrebleu, and derivatives that are right where they are taken."""

import numpy as np
import pytest
from sacrebleu.metrics import BLEU, CHRF

from ecom_llm.evaluate.totals import bleu, chrf, exp_ratio, gradient, ratio, value_of

TEXTS = ["a red dress with a belt", "the navy shirt", "linen trousers for long warm days, in blue", "hat"]
REFERENCES = ["a red cotton dress with a belt", "a navy linen shirt", "blue linen trousers for warm days", "a hat"]


def sums(scorer: BLEU | CHRF, texts: list[str]) -> np.ndarray:
    """(texts, k) sacrebleu's own statistics of each text."""
    return np.array(scorer._extract_corpus_statistics(texts, [REFERENCES[: len(texts)]]), dtype=np.float64)


@pytest.mark.parametrize("scorer", [BLEU(), CHRF()], ids=["bleu", "chrf"])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_values_of_sums_are_sacrebleus(scorer: BLEU | CHRF, count: int) -> None:
    value = value_of(type(scorer).__name__.lower())
    score = scorer.corpus_score(TEXTS[:count], [REFERENCES[:count]]).score
    assert float(value(sums(scorer, TEXTS[:count]).sum(axis=0))) == pytest.approx(score, abs=1e-9)


@pytest.mark.parametrize("scorer", [BLEU(), CHRF()], ids=["bleu", "chrf"])
@pytest.mark.parametrize("texts", [["", ""], ["zebra", "x y z"], ["a red", "navy"], ["belt x y z red", "q navy r s t"]])
def test_texts_that_match_little_are_sacrebleus_too(scorer: BLEU | CHRF, texts: list[str]) -> None:
    value = value_of(type(scorer).__name__.lower())
    assert float(value(sums(scorer, texts).sum(axis=0))) == pytest.approx(
        scorer.corpus_score(texts, [REFERENCES[:2]]).score, abs=1e-9
    )


def test_many_sums_at_once_are_each_alone() -> None:
    rng = np.random.default_rng(1)
    many = rng.integers(1, 30, (7, 10)).astype(float)
    assert bleu(many).tolist() == [float(bleu(one)) for one in many]
    assert chrf(many[:, :9]).tolist() == [float(chrf(one)) for one in many[:, :9]]


def test_a_metric_that_is_not_named_is_a_ratio() -> None:
    assert value_of("hit@10")(np.array([3.0, 4.0])) == 0.75
    assert np.isnan(value_of("hit@10")(np.array([0.0, 0.0])))


def test_the_gradient_is_the_derivative() -> None:
    totals = np.array([[3.0, 4.0], [1.0, 8.0], [0.0, 2.0]])
    numerator, denominator = totals.T
    assert gradient(ratio, totals)[:2] == pytest.approx(np.c_[1 / denominator, -numerator / denominator**2][:2])
    assert gradient(exp_ratio, totals)[:2, 0] == pytest.approx((np.exp(numerator / denominator) / denominator)[:2])
    assert gradient(ratio, totals)[2, 0] == 0, "no example adds to a sum of 0"
