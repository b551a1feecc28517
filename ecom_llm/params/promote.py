"""The section `promote`: what a candidate must show before it may write for the shop."""

from pydantic import Field, field_validator, model_validator

from ecom_llm.params.section import Section

HUMAN = "human_"
"""What the metrics that people give begin with: they come from a study, not from the evaluate stage."""


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


class Study(Section):
    """Blind studies, in which people judge: `ecom-llm study new`."""

    seed: int = Field(ge=0)
    """Seed of which examples are drawn, and of who sees which of them on which side."""
    examples: int = Field(ge=1)
    """Examples to be judged, spread evenly over skills and locales."""
    raters: int = Field(ge=1)
    """People who judge, each with a page of their own."""
    raters_per_example: int = Field(ge=1)
    """How many of them judge each example; agreement needs at least 2."""
    repeats: int = Field(ge=0)
    """Examples that each rater is shown a second time, sides swapped: how far they agree with themselves."""
    known_bad: int = Field(ge=0)
    """Texts of another product that each rater is shown: whoever does not see that has not read."""
    min_known_bad_told: float = Field(ge=0, le=1)
    """Share of those that a rater must tell to pass; who does not is named, and left out only if asked."""
    min_examples: int = Field(ge=2)
    """Examples that a slice must hold for an interval, and so for the gate."""

    @model_validator(mode="after")
    def _raters_suffice(self) -> "Study":
        if self.raters_per_example > self.raters:
            raise ValueError(f"raters_per_example is {self.raters_per_example}, and there are {self.raters} raters")
        return self


class Approval(Section):
    """A person's word on what the gate approved: a form in Prefect, or `ecom-llm approve VERSION --name NAME`."""

    # not `required`: Prefect's server takes a property of that name for the schema's own keyword, and refuses the form
    needed: bool
    """Whether a person must approve a version that the gate approved before it becomes champion."""
    timeout: int = Field(ge=1)
    """Seconds for which a run waits in Prefect for the answer; afterwards the command takes it, too."""


class Sanity(Section):
    """What texts must be like whatever a shop asks for, held against the references' own, on each skill and locale.

    Always on, beside two rules without a value: every metric must follow from the outputs, and none may be missing.
    """

    min_examples: int = Field(ge=1)
    """Texts that a skill and locale must hold to be judged; for personal data, and for texts that are none, fewer are enough."""
    min_length_ratio: float = Field(ge=0, le=1)
    """Smallest number of words (characters where there are no spaces) of all texts over that of their references."""
    max_length_ratio: float = Field(ge=1)
    """Largest number of words of all texts over that of their references."""
    max_faulty: float = Field(ge=0, le=1)
    """How much larger than of references the share of texts may be that are empty, cut off, in another language, mixed with another
    script, broken (half characters, open slots), or, of adverts, hold a superlative that China's Advertising Law forbids; each kind
    by itself."""
    max_repetition: float = Field(ge=0, le=1)
    """How much more of a text may repeat itself than of a reference, as a mean share of words."""
    max_equal: float = Field(ge=0, le=1)
    """How much larger than of references the share of texts may be that also stand under another prompt.

    Answers to questions without a listing count where they also stand under a question about another product.
    """
    min_distinct: float = Field(ge=0, le=1)
    """Smallest share of distinct 4-grams over all texts, over the references' share."""
    min_familiar: float = Field(ge=0, le=1)
    """Smallest share of word pairs that another example's reference holds too, over the references' own share."""
    max_copied: float = Field(ge=0, le=1)
    """How much larger than of references the share of texts may be that stand in training word for word."""
    max_unsupported: float = Field(ge=0, le=1)
    """How much larger than of references the share of stated values may be that are not the product's."""
    max_personal_data: float = Field(ge=0, le=1)
    """Largest share of texts with personal data that neither prompt nor reference holds."""


class Promote(Section):
    """The gate: what a candidate must show before it may write for the shop."""

    primary: Slice
    """The one slice on which the candidate must be superior to the champion; a tie refuses."""
    min_improvement: float = Field(ge=0)
    """By more than so much, in the primary metric's unit, at the lower end of the paired interval; for human_win_rate above one
    half. Another seed of the same recipe differs, too: `trainings` tells that from progress."""
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
    # Prefect's form leaves an empty list out, and would then miss what it left out: the one default beside params.yaml
    subset_regressions: tuple[SubsetRegression, ...] = ()
    """Non-inferiority bounds on categories and sources."""
    sanity: Sanity
    """What no model may do, whatever the rules above say."""
    study: Study
    """How people judge, where a rule names one of their metrics."""
    approval: Approval
    """Whether the gate's approval is enough."""

    @field_validator("regressions", "subset_regressions")
    @classmethod
    def _people_compare_once(cls, rules: tuple[Regression, ...]) -> tuple[Regression, ...]:
        for rule in rules:
            if rule.metric.startswith(HUMAN):
                raise ValueError(
                    f"{rule.metric} is a comparison already; name it under thresholds (0.45 loses at most 5 points)"
                )
        return rules
