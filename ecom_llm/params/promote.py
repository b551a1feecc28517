"""The section `promote`: what a candidate must show before it may write for the shop."""

from pydantic import Field

from ecom_llm.params.section import Section


class Slice(Section):
    """A metric on one skill and locale; `all` is the total over them, `*` matches each one there is."""

    metric: str
    """Published name of the metric, as in reports/metrics.json."""
    skill: str
    """A skill, `all` or `*`."""
    locale: str
    """A locale, `all` or `*`."""
    greater_is_better: bool
    """As in mlflow.models.MetricThreshold."""


class Threshold(Slice):
    """An absolute bound that every matching slice must meet."""

    threshold: float
    """Smallest value that passes where greater is better, largest where it is not; in the metric's unit."""


class Regression(Slice):
    """How much worse than the champion a matching slice may be."""

    max_regression: float = Field(ge=0)
    """Largest loss that passes, in the metric's unit, at the lower end of the paired interval."""


class SubsetRegression(Regression):
    """How much worse than the champion a slice's examples of one category or source may be."""

    subset: str
    """A subset of the evidence, such as `category=dress` or `source=products.csv`."""


class Promote(Section):
    """The gate: what a candidate must show before it may write for the shop."""

    primary: Slice
    """The one slice on which the candidate must be superior to the champion; a tie refuses."""
    confidence: float = Field(gt=0.5, lt=1)
    """Confidence of the paired intervals."""
    bootstrap_samples: int = Field(ge=100)
    """Resamples per interval, and random swaps per test."""
    power: float = Field(gt=0.5, lt=1)
    """How often the smallest difference that a decision calls detectable would be found."""
    trainings: int = Field(ge=1)
    """Trainings by `train.seed`, `train.seed` + 1, ... whose spread the gate's intervals count; 1 leaves it out."""
    thresholds: tuple[Threshold, ...]
    """Absolute bounds; a rule that matches no slice refuses."""
    regressions: tuple[Regression, ...]
    """Non-inferiority bounds against the champion."""
    subset_regressions: tuple[SubsetRegression, ...]
    """Non-inferiority bounds on categories and sources."""
