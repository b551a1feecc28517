"""The evidence: what the evaluate stage writes and the gate reads."""

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, ValidationError

from ecom_llm.evaluate.totals import applies, value_of
from ecom_llm.records import Record, UserError

Metrics = dict[str, dict[str, dict[str, float]]]
"""skill (or `all`) -> locale (or `all`) -> metric -> value. What cannot be computed is absent: never 0, never NaN."""
Intervals = dict[str, dict[str, dict[str, tuple[float, float]]]]
"""skill -> locale -> metric -> (low, high), of those metrics that have one. Lists, which `dvc metrics` leaves out."""
Differences = dict[str, dict[str, dict[str, tuple[float, float, float]]]]
"""skill -> locale (or `all`) -> metric -> (difference, low, high), in the metric's unit. Lists too."""

DIGITS = 6
"""Decimals kept: more would only be rounding noise that differs between machines."""
PER_TOKEN = ("perplexity", "pseudo_perplexity")
"""Metrics whose value is exp of a mean over tokens: they say nothing across tokenizers."""
LIKELIHOODS = (*PER_TOKEN, "bits_per_byte", "pseudo_log_likelihood", "pseudo_bits_per_byte")
"""Metrics of how well a model knows the reference: every skill has them, whatever judges its texts."""

WITHIN_LOCALE = ("rouge", "chatglm", "seq_rep", "length_ratio", "longest_overlap", "rnnlg")
"""How names begin of metrics that are given for each skill and locale alone: Chinese characters and English words do not add."""


class Output(Record):
    """What the model wrote for one test example, and what that is worth."""

    id: str
    """The example's id."""
    skill: str
    locale: str
    attributes: dict[str, str]
    """What the prompt showed."""
    reference: str
    """The human (or catalogue) text."""
    text: str
    """What the model generated; for `recommend` the best title. Empty where a masked model has nothing to show."""
    baselines: dict[str, str]
    """Baseline -> its text for the same example."""
    ratios: dict[str, tuple[float, float]]
    """Metric -> (numerator, denominator): a slice's value is the ratio of the sums, which is what makes it pairable.

    `bits_per_byte` holds (bits, bytes), `perplexity` (nats, completion tokens; the slice's value is exp of the ratio),
    `attribute_coverage` (values stated, values asked for), `unsupported_rate` (values not the product's, values
    stated), `keyword_coverage` (keywords of the reference that the text holds, keywords of the reference), `hit@10`
    and `ndcg@10` (score, 1), `similarity` (cosine, 1). Those of a masked model begin with `pseudo_`. docs/metrics.md
    lists them all.
    """
    statistics: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    """Metric -> what this example adds to the counts that the metric is a function of (`bleu`, `chrf`; see `totals`)."""
    group: str = ""
    """The example's group: outputs of one group are not independent. Empty in outputs of before it was kept."""
    subsets: tuple[str, ...] = ()
    """The subsets it belongs to, such as `category=dress` and `source=products.csv`."""

    @property
    def cluster(self) -> str:
        """The unit of resampling."""
        return self.group or self.id

    def sums(self, metric: str) -> tuple[float, ...] | None:
        """What it adds to the sums that make a slice's value; None where it has no such metric."""
        return self.statistics.get(metric) or self.ratios.get(metric)


class Subset(Record):
    """The model on those examples of a slice that share a category or a source."""

    name: str
    """Such as `category=dress` or `source=products.csv`."""
    skill: str
    locale: str
    examples: int
    metrics: dict[str, float]
    intervals: dict[str, tuple[float, float]]


class Evidence(Record):
    """reports/metrics.json: every number the gate may ask for, and what it was measured on."""

    objective: Literal["causal", "masked"] = "causal"
    """What the model was trained for: only models of one objective have metrics in common."""
    test_set: str
    """SHA-256 over id, attributes and target of the test examples used, in order: equal means comparable."""
    prepared: str = ""
    """SHA-256 of all prepared examples and of the items' titles: the values, earlier answers, judges and items that metrics look up.
    Empty in evidence of before it was kept."""
    tokenizer: str
    """SHA-256 of the tokenizer: perplexities are comparable only where it is equal; bits per byte always are."""
    examples: int
    """Test examples used."""
    metrics: Metrics
    intervals: Intervals = Field(default_factory=dict)
    """Where the truth lies for each of `metrics` that has an interval, with the confidence of `evaluate.confidence`."""
    method: str = ""
    """How the intervals were made, in words."""
    subsets: tuple[Subset, ...] = ()
    """The model on the categories and sources that are large enough."""
    baselines: dict[str, Metrics]
    """`bm25`, `constant`, `nearest_neighbour`, `popularity`, `template`, `unigram`, `encoder`, `bm25_encoder` -> its metrics
    on the same examples.

    `reference` are the references by those metrics that need none.
    """
    baseline_intervals: dict[str, Intervals] = Field(default_factory=dict)
    baseline_differences: dict[str, Differences] = Field(default_factory=dict)
    """Baseline -> model minus baseline, skill by skill, where both were measured on the very same examples, with the paired interval.

    Below 0 is better where less is, as of `unsupported_rate`.
    """
    signatures: dict[str, dict[str, str]] = Field(default_factory=dict)
    """Metric -> locale -> its signature: tokenizer, casing, level, versions, without which its number means nothing."""
    not_applicable: dict[str, dict[str, dict[str, str]]] = Field(default_factory=dict)
    """skill -> locale -> metric -> why it has no value: what cannot be computed is never 0."""


def fingerprint(examples: Iterable[tuple[str, Mapping[str, str], str]]) -> str:
    """SHA-256 over (id, attributes, target) of test examples, in order: the `test_set` of an evidence."""
    digest = sha256()
    for id, attributes, target in examples:
        digest.update(json.dumps([id, list(attributes.items()), target]).encode())
    return digest.hexdigest()


def slice_value(metric: str, outputs: Iterable[Output]) -> float | None:
    """The value over outputs of a metric that sums make; None where no output has it or it cannot be computed."""
    held = [found for output in outputs if (found := output.sums(metric)) is not None]
    if not held:
        return None
    statistics = np.array(held, dtype=np.float64)
    if not applies(metric, statistics):
        return None
    value = float(value_of(metric)(statistics.sum(axis=0)))
    return value if np.isfinite(value) else None


def read_evidence(path: Path) -> Evidence:
    """Read reports/metrics.json.

    Raises:
        UserError: the file is missing or is not what `evaluate` writes.
    """
    try:
        return Evidence.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Run the evaluate stage first: dvc repro"
        ) from error
    except ValidationError as error:
        raise UserError(
            f"{path}: is not what the evaluate stage writes: {error.errors()[0]['msg']}. Run dvc repro."
        ) from error
