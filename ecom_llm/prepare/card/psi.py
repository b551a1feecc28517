"""The population stability index: how far apart two distributions are, and how far chance alone would put them."""

import math
from collections.abc import Mapping
from statistics import NormalDist
from typing import Literal

Verdict = Literal["unchanged", "moved", "moved a lot", "too few to tell", "new", "gone"]
MOVED, MOVED_A_LOT = 0.1, 0.25
"""Cut-offs of the population stability index: below .1 no change to speak of, above .25 a large one (Lewis, An Introduction to
Credit Scoring, 1994; Siddiqi, Credit Risk Scorecards, 2006). A relative change of a count is held against the same two
numbers, which is this project's own convention."""
CONFIDENCE = 0.99
"""How sure it must be that a shift is none of chance: a table of a hundred rows then shows one by mistake."""


def psi(previous: Mapping[str, int], current: Mapping[str, int]) -> float:
    """The population stability index of two distributions over the same parts: sum of (q - p) ln(q / p).

    It is the symmetrised Kullback-Leibler divergence. Half a count is added to each part (Krichevsky-Trofimov), so that an
    empty one has a logarithm; 0 where either version is empty.
    """
    parts = previous.keys() | current.keys()
    sizes = [sum(previous.values()), sum(current.values())]
    if not all(sizes):
        return 0.0

    def share(counts: Mapping[str, int], size: int, part: str) -> float:
        return (counts.get(part, 0) + 0.5) / (size + 0.5 * len(parts))

    pairs = [(share(previous, sizes[0], part), share(current, sizes[1], part)) for part in sorted(parts)]
    return math.fsum((q - p) * math.log(q / p) for p, q in pairs)


def chance(parts: int, before: int, now: int) -> float:
    """The index that equal populations exceed by chance alone with probability 1 - CONFIDENCE.

    Without a shift, the index is (1/n + 1/m) times a chi-square variable with parts - 1 degrees of freedom (Yurdakul & Naranjo,
    Statistical properties of the population stability index, J. Risk Model Validation, 2020). The quantile is
    Wilson & Hilferty's (PNAS 1931), within 1 % from three degrees of freedom on.
    """
    degrees = parts - 1
    if degrees < 1 or not before or not now:
        return 0.0
    spread = 2 / (9 * degrees)
    quantile = degrees * (1 - spread + NormalDist().inv_cdf(CONFIDENCE) * math.sqrt(spread)) ** 3
    return quantile * (1 / before + 1 / now)


def verdict_of(index: float, by_chance: float) -> Verdict:
    """The index in plain words."""
    if index < MOVED:
        return "unchanged"
    if index <= by_chance:
        return "too few to tell"
    return "moved" if index <= MOVED_A_LOT else "moved a lot"
