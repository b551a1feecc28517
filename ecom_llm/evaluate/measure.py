"""Texts, rankings and likelihoods -> the metrics of each slice, for the model and for every baseline alike."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ecom_llm.evaluate.encoder import Encoder
from ecom_llm.evaluate.encoder_metrics import PseudoBitsPerByte, PseudoLogLikelihood, PseudoPerplexity, Similarity
from ecom_llm.evaluate.evidence import LIKELIHOODS, Metrics, Output, slice_value
from ecom_llm.evaluate.likelihood import Likelihood
from ecom_llm.evaluate.matching import Matcher, all_members
from ecom_llm.evaluate.metrics import (
    AttributeCoverage,
    BitsPerByte,
    Bleu,
    DistinctN,
    HitAtK,
    KeywordCoverage,
    NdcgAtK,
    Perplexity,
    Result,
    UnsupportedRate,
)
from ecom_llm.evaluate.rnnlg.published import Published
from ecom_llm.records import Example
from ecom_llm.skills import SKILLS

DIGITS = 6
"""Decimals kept: more would only be rounding noise that differs between machines."""
PLACES = 10
"""Places of a ranking that count."""
ALL = "all"


@dataclass(frozen=True)
class Written:
    """What one system has to show for one example; baselines have no likelihood, most skills no ranking."""

    text: str
    others: tuple[str, ...] = ()
    """Its next best texts, best first, where several were written."""
    ranking: tuple[str, ...] = ()
    likelihood: Likelihood | None = None


@dataclass(frozen=True)
class Group:
    """One system's work on the examples of one skill and locale, in the same order."""

    skill: str
    locale: str
    examples: Sequence[Example]
    written: Sequence[Written]
    matcher: Matcher
    masked: bool = False
    """Whether it was measured beside a masked model: then nobody writes, and likelihoods are pseudo-likelihoods."""
    published: Published | None = None
    """The publisher's own scoring, where the examples have one."""

    @property
    def texts(self) -> list[str]:
        return [written.text for written in self.written]

    @property
    def targets(self) -> list[str]:
        return [example.target for example in self.examples]

    @property
    def likelihoods(self) -> list[Likelihood]:
        return [written.likelihood for written in self.written if written.likelihood is not None]


def bleu(group: Group) -> Result:
    return Bleu().compute(predictions=group.texts, references=group.targets, locale=group.locale)


def distinct(group: Group) -> Result:
    return DistinctN().compute(predictions=group.texts, locale=group.locale, n=4)


def coverage(group: Group) -> Result:
    expected = [sorted(all_members(SKILLS[group.skill].facts(example))) for example in group.examples]
    return AttributeCoverage().compute(predictions=group.texts, references=expected, matcher=group.matcher)


def unsupported(group: Group) -> Result:
    own = [sorted(all_members(example.attributes)) for example in group.examples]
    return UnsupportedRate().compute(predictions=group.texts, references=own, matcher=group.matcher)


def keyword_coverage(group: Group) -> Result:
    return KeywordCoverage().compute(predictions=group.texts, references=group.targets, locale=group.locale)


def hit(group: Group) -> Result:
    rankings = [list(written.ranking) for written in group.written]
    return HitAtK().compute(predictions=rankings, references=group.targets, k=PLACES)


def ndcg(group: Group) -> Result:
    rankings = [list(written.ranking) for written in group.written]
    return NdcgAtK().compute(predictions=rankings, references=group.targets, k=PLACES)


def perplexity(group: Group) -> Result:
    found = group.likelihoods
    return Perplexity().compute(predictions=[one.nats for one in found], references=[one.tokens for one in found])


def bits_per_byte(group: Group) -> Result:
    size = [len(target.encode()) for target in group.targets]
    return BitsPerByte().compute(predictions=[one.bits for one in group.likelihoods], references=size)


def pseudo_perplexity(group: Group) -> Result:
    found = group.likelihoods
    return PseudoPerplexity().compute(predictions=[one.nats for one in found], references=[one.tokens for one in found])


def pseudo_log_likelihood(group: Group) -> Result:
    return PseudoLogLikelihood().compute(predictions=[one.nats for one in group.likelihoods])


def pseudo_bits_per_byte(group: Group) -> Result:
    size = [len(target.encode()) for target in group.targets]
    return PseudoBitsPerByte().compute(predictions=[one.bits for one in group.likelihoods], references=size)


METRICS: dict[str, Callable[[Group], Result]] = {
    "bleu": bleu,
    "distinct_4": distinct,
    "attribute_coverage": coverage,
    "unsupported_rate": unsupported,
    "keyword_coverage": keyword_coverage,
    "hit@10": hit,
    "ndcg@10": ndcg,
    "perplexity": perplexity,
    "bits_per_byte": bits_per_byte,
    "pseudo_perplexity": pseudo_perplexity,
    "pseudo_log_likelihood": pseudo_log_likelihood,
    "pseudo_bits_per_byte": pseudo_bits_per_byte,
}
"""Published name -> how it is computed; a skill names those that judge it."""


def applicable(group: Group) -> tuple[str, ...]:
    """The metrics of a group: the skill's own, and those of likelihood where there is one.

    Where nobody writes, those of rankings alone are left of a skill's, and only where there is a ranking.
    """
    own = SKILLS[group.skill].metrics
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


def ratio_metrics(found: Sequence[Output]) -> Metrics:
    """The metrics that are ratios of sums: per skill and locale, over all locales, over all skills, and over both."""
    slices: dict[tuple[str, str], list[Output]] = {}
    for output in found:
        for skill in (output.skill, ALL):
            for locale in (output.locale, ALL):
                slices.setdefault((skill, locale), []).append(output)
    metrics: Metrics = {}
    for (skill, locale), chosen in slices.items():
        names = dict.fromkeys(name for output in chosen for name in output.ratios)
        values = {name: slice_value(name, chosen) for name in names}
        known = {name: round(value, DIGITS) for name, value in values.items() if value is not None}
        metrics.setdefault(skill, {}).setdefault(locale, {}).update(known)
    return metrics


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
    """One system's outputs and metrics, and in each locale the signatures of BLEU and of the keywords."""

    outputs: list[Output]
    metrics: Metrics
    signatures: dict[str, str]
    keywords: dict[str, str]


def measured(
    groups: Sequence[Group], shown: Sequence[Sequence[dict[str, str]]], encoder: Encoder | None = None
) -> Measured:
    """Measure one system's groups; `shown` are the baselines' texts to stand in its outputs."""
    found: list[Output] = []
    parts: list[Metrics] = []
    signed: dict[str, dict[str, str]] = {"bleu": {}, "keyword_coverage": {}}
    for group, texts in zip(groups, shown, strict=True):
        results = measure(group, encoder)
        found += outputs(group, results, texts)
        parts.append(corpus_metrics(group, results))
        for name in signed.keys() & results.keys():
            signed[name][group.locale] = str(results[name]["signature"])
    return Measured(found, merge([*parts, ratio_metrics(found)]), signed["bleu"], signed["keyword_coverage"])
