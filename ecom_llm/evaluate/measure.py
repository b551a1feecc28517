"""Texts, rankings and likelihoods -> the metrics of each slice, for the model and for every baseline alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecom_llm.evaluate.encoder import Encoder
from ecom_llm.evaluate.evidence import DIGITS, LIKELIHOODS, Metrics, Output
from ecom_llm.evaluate.group import PLACES, Group, Taught
from ecom_llm.evaluate.metrics import Result
from ecom_llm.evaluate.metrics.similarity import Similarity
from ecom_llm.evaluate.scores import METRICS, OF_REFERENCES
from ecom_llm.evaluate.slicing import ratio_metrics
from ecom_llm.skills import SKILLS
from ecom_llm.skills.recommend import person

__all__ = ["PLACES", "Group", "Measured", "Taught", "measured"]

Reasons = dict[str, dict[str, dict[str, str]]]
"""skill -> locale -> metric -> why it has no value."""


def applicable(group: Group) -> tuple[str, ...]:
    """The metrics of a group: the skill's own, and those of likelihood where there is one.

    Where nobody writes, those of rankings alone are left of a skill's, and only where there is a ranking.
    """
    own = SKILLS[group.skill].metrics
    if group.are_references:
        return tuple(name for name in own if name in OF_REFERENCES)
    if group.masked:
        own = own if any(written.ranking for written in group.written) else ()
    likelihood = [name for name in LIKELIHOODS if name.startswith("pseudo_") == group.masked]
    return (*own, *(likelihood if group.likelihoods else ()))


def measure(group: Group, encoder: Encoder | None = None) -> dict[str, Result]:
    """Every metric that applies to a group; with an encoder, how similar free texts are to their references."""
    found = {name: METRICS[name](group) for name in applicable(group)}
    if encoder and not group.masked and not any(written.ranking for written in group.written):
        found["similarity"] = Similarity().compute(predictions=group.texts, references=group.targets, encoder=encoder)
    if group.published:
        texts = [(written.text, *written.others) for written in group.written]
        found |= group.published.figures(group.examples, texts)
    return found


def outputs(group: Group, results: Mapping[str, Result], baselines: Sequence[Mapping[str, str]]) -> list[Output]:
    """One Output for each example, with the rounded pairs of every metric that is a ratio of sums."""
    paired = {name: result["ratios"] for name, result in results.items() if "ratios" in result}
    summed = {name: result["statistics"] for name, result in results.items() if "statistics" in result}
    return [
        Output(
            id=example.id,
            skill=example.skill,
            locale=example.locale,
            attributes=example.attributes,
            reference=example.target,
            text=written.text,
            baselines=dict(baselines[row]),
            ratios={
                name: (round(pairs[row][0], DIGITS), round(pairs[row][1], DIGITS)) for name, pairs in paired.items()
            },
            statistics={name: rows[row] for name, rows in summed.items()},
            group=person(example.group),
        )
        for row, (example, written) in enumerate(zip(group.examples, group.written, strict=True))
    ]


def corpus_metrics(group: Group, results: Mapping[str, Result]) -> Metrics:
    """The metrics that are no ratio of sums, on their one slice.

    BLEU and distinct-n stay within a locale: n-grams of Chinese characters and of English words are different units,
    and distinct-n falls with the number of texts.
    """
    values = {name: result[name] for name, result in results.items() if "ratios" not in result and name in result}
    return {group.skill: {group.locale: {name: round(value, DIGITS) for name, value in values.items()}}}


def merge(parts: Sequence[Metrics]) -> Metrics:
    """Several metrics as one; slices without a value are left out."""
    whole: Metrics = {}
    for part in parts:
        for skill, locales in part.items():
            for locale, values in locales.items():
                if values:
                    whole.setdefault(skill, {}).setdefault(locale, {}).update(values)
    return whole


@dataclass(frozen=True)
class Measured:
    """One system's outputs and metrics, what decided each number, and why some have none."""

    outputs: list[Output]
    metrics: Metrics
    signatures: dict[str, dict[str, str]]
    """Metric -> locale -> signature."""
    not_applicable: Reasons


def measured(
    groups: Sequence[Group], shown: Sequence[Sequence[dict[str, str]]], encoder: Encoder | None = None
) -> Measured:
    """Measure one system's groups; `shown` are the baselines' texts to stand in its outputs."""
    found: list[Output] = []
    parts: list[Metrics] = []
    signatures: dict[str, dict[str, str]] = {}
    reasons: Reasons = {}
    for group, texts in zip(groups, shown, strict=True):
        results = measure(group, encoder)
        found += outputs(group, results, texts)
        parts.append(corpus_metrics(group, results))
        for name, result in results.items():
            if "signature" in result:
                signatures.setdefault(name, {})[group.locale] = str(result["signature"])
            if "not_applicable" in result:
                reasons.setdefault(group.skill, {}).setdefault(group.locale, {})[name] = str(result["not_applicable"])
    return Measured(found, merge([*parts, ratio_metrics(found)]), signatures, reasons)
