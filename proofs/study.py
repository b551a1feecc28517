"""Blind studies recover what raters of known bias think: `python -m proofs.study REPEATS [SEED]`.

Each repeat makes a test set, a study of part of it, and three raters who answer it through the key. Fails when the
interval of the win rate covers the true one (counted over the whole test set) in fewer than 93 % or more than 98 % of the
repeats beyond what chance allows, when the mean is off, or when Krippendorff's alpha is not what a study of all examples gives.
"""

import sys
import time
from dataclasses import dataclass
from math import sqrt

import numpy as np

from ecom_llm.human.estimates import BOUNDS, Estimate, Precision, agreement, estimate, score
from ecom_llm.human.judgements import WIN, Verdicts, verdicts
from ecom_llm.human.making import make_study
from ecom_llm.human.study import Side
from ecom_llm.params import Study as Settings
from proofs.raters import Market, Rater, answered, market

RATERS = (
    Rater(bias=0.5, noise=1.0, place=0.3, ties=0.1),
    Rater(bias=-0.3, noise=1.5, place=-0.2, ties=0.25),
    Rater(bias=0.0, noise=0.7, place=0.8, ties=0.0, careless=0.1),
)
SETTINGS = Settings(
    seed=1,
    examples=60,
    raters=3,
    raters_per_example=3,
    repeats=4,
    known_bad=4,
    min_known_bad_told=0.75,
    min_examples=10,
)
EXAMPLES = 300
LOWEST, HIGHEST = 0.93, 0.98
"""Coverage that is called right for 95 %; chance may add two standard errors of so many repeats."""
NEAR = 0.03
"""How far the mean alpha may lie from that of all examples."""


@dataclass(frozen=True)
class Repeat:
    """One simulated study beside the truth."""

    truth: float
    found: Estimate
    unweighted: float
    alpha: Estimate
    all_alpha: float


def judged(test_set: Market, settings: Settings, rng: np.random.Generator) -> Verdicts:
    """A study of a test set, answered."""
    sides = (Side(name="candidate", version="1", outputs="1"), Side(name="other", version="2", outputs="2"))
    study = make_study(sides[0], test_set.candidate, sides[1], test_set.other, settings)
    answers = [answered(study, at, rater, test_set.merit, rng) for at, rater in enumerate(RATERS, start=1)]
    return verdicts(study, answers, settings.min_known_bad_told, exclude_failing=False)


def repeat(seed: int) -> Repeat:
    """A test set, its true win rate, and what a study finds of it."""
    rng = np.random.default_rng(seed)
    test_set = market(EXAMPLES, float(rng.normal(0, 1)), 4.0, rng)
    found = judged(test_set, SETTINGS.model_copy(update={"seed": seed}), rng)
    everything = judged(test_set, SETTINGS.model_copy(update={"seed": seed, "examples": EXAMPLES}), rng)
    precision = Precision(0.95, 1000, seed, SETTINGS.min_examples)
    few = Precision(0.95, 100, seed, SETTINGS.min_examples)
    result = estimate(found.judgements, precision, BOUNDS[WIN], score(WIN))
    alphas = [agreement(one.judgements, WIN, few) for one in (found, everything)]
    assert result is not None
    assert alphas[0] is not None
    assert alphas[1] is not None
    plain = float(np.mean([one.scores[WIN] for one in found.judgements]))
    return Repeat(test_set.truth(RATERS), result, plain, alphas[0], alphas[1].value)


def main(repeats: int, seed: int) -> int:
    """Run the repeats, print what was found, and return the exit code."""
    begun = time.monotonic()
    found = [repeat(seed * 100_000 + number) for number in range(repeats)]
    covered = np.mean([one.found.low <= one.truth <= one.found.high for one in found])
    errors = np.array([one.found.value - one.truth for one in found])
    plain = np.array([one.unweighted - one.truth for one in found])
    alphas = np.array([(one.alpha.value, one.all_alpha) for one in found])
    margin = 2 * sqrt(0.95 * 0.05 / repeats)
    off = errors.mean() / (errors.std(ddof=1) / sqrt(repeats))
    width = np.mean([one.found.high - one.found.low for one in found])
    print(f"{repeats} studies of {SETTINGS.examples} of {EXAMPLES} examples, 3 raters, each of all; seed {seed}")
    print(f"win rate: true ones from {min(o.truth for o in found):.3f} to {max(o.truth for o in found):.3f}")
    print(f"win rate: mean error {errors.mean():+.4f} ({off:+.1f} standard errors), interval {width:.3f} wide")
    print(f"win rate without weights: mean error {plain.mean():+.4f}")
    print(f"alpha: mean {alphas[:, 0].mean():.3f}, of all examples {alphas[:, 1].mean():.3f}")
    claims = {
        "coverage": LOWEST - margin <= covered <= HIGHEST + margin,
        "no bias": abs(off) < 3,
        "alpha": abs(alphas[:, 0].mean() - alphas[:, 1].mean()) < NEAR,
    }
    failed = [name for name, holds in claims.items() if not holds]
    print(f"{time.monotonic() - begun:.0f} s; claims that do not hold: {', '.join(failed) or 'none'}")
    print(f"PROOF study tried={repeats} coverage={covered:.3f} failed={len(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1))
