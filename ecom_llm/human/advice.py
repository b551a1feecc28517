"""How many judgements tell what: said before people are asked to work."""

from math import ceil, sqrt

from scipy.special import ndtri

POWER = 0.8
"""How often a study is to find a win rate that is there: Cohen's convention."""


def detectable(judgements: float, confidence: float, power: float = POWER) -> float:
    """The smallest win rate that so many independent judgements tell from 50 %, in `power` of studies.

    Normal approximation to the two-sided sign test (Noether 1987, JASA 82, eq. 2 and its remark on the sign test;
    Card et al. 2020, "With Little Power Comes Great Responsibility", EMNLP, find human studies too small by it).
    Solves judgements = (z_a * sqrt(1/4) + z_b * sqrt(p (1 - p)))^2 / (p - 1/2)^2 with p (1 - p) taken as 1/4, which
    errs on the safe side. At most 1.
    """
    reach = ndtri(1 - (1 - confidence) / 2) + ndtri(power)
    return min(1.0, 0.5 + reach / (2 * sqrt(judgements)))


def needed(win_rate: float, confidence: float, power: float = POWER) -> int:
    """How many independent judgements tell a win rate from 50 %; the inverse of `detectable`."""
    reach = ndtri(1 - (1 - confidence) / 2) + ndtri(power)
    return ceil((reach / (2 * (win_rate - 0.5))) ** 2)


def advice(examples: int, raters_per_example: int, confidence: float) -> list[str]:
    """What a study of that size can tell, between raters who always agree and raters who never do but by chance."""
    best = detectable(examples * raters_per_example, confidence)
    worst = detectable(examples, confidence)
    reach = f"{worst:.0%}" if raters_per_example == 1 else f"{best:.0%} to {worst:.0%}"
    lines = [
        f"With {examples} examples and {raters_per_example} judgements of each, a win rate of {reach} is told from 50 % "
        f"in {POWER:.0%} of such studies (confidence {confidence:.0%})."
    ]
    if raters_per_example > 1:
        lines.append(
            "The first figure holds where raters agree by chance alone, the second where they always agree: then a second "
            "opinion adds nothing, and only more examples do."
        )
    wanted = ", ".join(f"{rate:.0%}: {needed(rate, confidence)}" for rate in (0.55, 0.6, 0.65, 0.7))
    return [
        *lines,
        f"Judgements needed for a win rate of {wanted}; as many in each slice that is to be told by itself.",
    ]
