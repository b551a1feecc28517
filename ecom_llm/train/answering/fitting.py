"""Small models of bent lines: features, their bends and products -> a probability, or a value."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BENDS = (0.2, 0.5, 0.8)
"""Quantiles at which the line of a feature may bend."""
DIGITS = 5
"""Decimals kept: more would be rounding noise that differs between machines."""


@dataclass(frozen=True)
class Curve:
    """A sum of bent lines, one for each feature, and of products of some of them."""

    mean: np.ndarray
    """(features,)"""
    spread: np.ndarray
    """(features,)"""
    bends: np.ndarray
    """(features, len(BENDS)), standardised."""
    crossed: np.ndarray
    """(crossed,) int64: features each two of which are multiplied."""
    weights: np.ndarray
    """(1 + terms,): the constant first."""

    def terms(self, features: np.ndarray) -> np.ndarray:
        """(rows, features) -> (rows, 1 + terms): a one, each feature, its bends, and products."""
        seen = np.clip((features - self.mean) / self.spread, -5, 5)
        bent = np.maximum(seen[:, :, None] - self.bends[None], 0).reshape(len(seen), -1)
        first, second = np.triu_indices(len(self.crossed))
        products = seen[:, self.crossed[first]] * seen[:, self.crossed[second]]
        return np.concatenate([np.ones((len(seen), 1)), seen, bent, products], axis=1)

    def value(self, features: np.ndarray) -> np.ndarray:
        """(rows, features) -> (rows,)"""
        return self.terms(np.asarray(features, np.float64)) @ self.weights

    def probability(self, features: np.ndarray) -> np.ndarray:
        """(rows, features) -> (rows,): the logistic function of the value."""
        return 1 / (1 + np.exp(-np.clip(self.value(features), -30, 30)))


def blank(features: np.ndarray, crossed: Sequence[int]) -> Curve:
    """A curve over such features, without weights."""
    mean, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    bends = np.quantile((features - mean) / spread, BENDS, axis=0).T
    rounded = (np.round(part, DIGITS) for part in (mean, spread, bends))
    return Curve(*rounded, np.asarray(crossed, np.int64), np.zeros(0))


def weighed(curve: Curve, weights: np.ndarray) -> Curve:
    return Curve(curve.mean, curve.spread, curve.bends, curve.crossed, np.round(weights, DIGITS))


def ridge_of(size: int, ridge: float) -> np.ndarray:
    """What each weight costs, squared; the constant nothing."""
    return np.diag(np.r_[1e-6, np.full(size - 1, ridge)])


def fitted_value(features: np.ndarray, wanted: np.ndarray, crossed: Sequence[int], ridge: float) -> Curve:
    """Ridge regression (Hoerl & Kennard 1970): the curve nearest to wanted values."""
    curve = blank(features, crossed)
    terms = curve.terms(features)
    gram = terms.T @ terms + ridge_of(terms.shape[1], ridge)
    return weighed(curve, np.linalg.solve(gram, terms.T @ wanted))


def fitted_probability(features: np.ndarray, happened: np.ndarray, crossed: Sequence[int], ridge: float) -> Curve:
    """Logistic regression with ridge, by Newton's method, whose steps are halved where they go too far."""
    curve = blank(features, crossed)
    terms = curve.terms(features)
    cost = ridge_of(terms.shape[1], ridge)
    weights = np.zeros(terms.shape[1])

    def loss(at: np.ndarray) -> float:
        score = terms @ at
        return float(np.logaddexp(0, score).sum() - score @ happened + at @ cost @ at / 2)

    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(terms @ weights, -30, 30)))
        slope = terms.T @ (chance - happened) + cost @ weights
        step = np.linalg.solve((terms * (chance * (1 - chance))[:, None]).T @ terms + cost, slope)
        size, before = 1.0, loss(weights)
        while loss(weights - size * step) > before and size > 1e-4:
            size /= 2
        weights = weights - size * step
        if before - loss(weights) < 1e-6 * before:
            break
    return weighed(curve, weights)
