"""What all metrics have in common: offline, signed, and pairable where a value is made of sums over examples."""

from collections.abc import Sequence

import evaluate
from datasets import Features, List, Value

from ecom_llm.evaluate.ngrams import by_characters

Ratios = list[tuple[float, float]]
"""One (numerator, denominator) for each example; the metric is the ratio of the sums, or a function of it."""
Statistics = list[tuple[int, ...]]
"""One equally long vector of counts for each example; the metric is a function of their sum (see `totals`)."""
Result = dict[str, float | str | Ratios | Statistics]
"""The metric's name -> its value, `signature`, and `ratios` or `statistics`.

Where there is no value there is `not_applicable`, the reason: what cannot be computed is never 0.
"""

TEXT = Features({"predictions": Value("string")})
TEXTS = Features({"predictions": Value("string"), "references": Value("string")})
TEXT_AND_VALUES = Features({"predictions": Value("string"), "references": List(Value("string"))})
RANKING = Features({"predictions": List(Value("string")), "references": Value("string")})
NUMBERS = Features({"predictions": Value("float64"), "references": Value("float64")})


def signed(**parts: object) -> str:
    """`tok:words|case:folded`: what decides a number, in sacrebleu's form of a signature."""
    return "|".join(f"{name}:{value}" for name, value in parts.items())


def unit_signature(locale: str) -> str:
    """How `units` reads a locale."""
    return signed(tok="characters" if by_characters(locale) else "words", case="folded", punct="no")


def not_applicable(reason: str) -> Result:
    """A result without a value; the reason goes into the evidence."""
    return {"not_applicable": reason}


def ratio(name: str, pairs: Ratios, signature: str, lacking: str = "no example holds anything to count") -> Result:
    """Name -> ratio of the sums, beside the pairs; where the denominators are 0, what is `lacking` instead."""
    total = sum(denominator for _, denominator in pairs)
    value: Result = {name: sum(numerator for numerator, _ in pairs) / total} if total else not_applicable(lacking)
    return {**value, "ratios": pairs, "signature": signature}


def mean(name: str, values: Sequence[float | None], signature: str, lacking: str) -> Result:
    """Name -> mean over the examples that have a value; the others have the pair (0, 0)."""
    pairs: Ratios = [(0.0, 0.0) if value is None else (float(value), 1.0) for value in values]
    return ratio(name, pairs, signature, lacking)


class OfflineMetric(evaluate.Metric):
    """Keeps its inputs in memory: by default `evaluate` makes a folder and lock files in the user's cache."""

    def __init__(self) -> None:
        super().__init__(keep_in_memory=True)

    def _build_data_dir(self) -> str:
        return ""
