"""Every slice of candidate and champion side by side, with what may be said about all of them at once.

The rules decide; this table informs. Many slices are tested here, so that some would differ by chance: what is called
different stays so after Holm's correction. The rules need none: all of them must hold (ADR 17).
"""

from collections.abc import Iterator, Sequence
from math import isfinite

from ecom_llm.evaluate.bootstrap import Interval, Resampling, intervals
from ecom_llm.evaluate.evidence import PER_TOKEN, Evidence, Output
from ecom_llm.evaluate.paired import Pair, chance_of, detectable, holm, pair_up
from ecom_llm.evaluate.spread import slice_intervals
from ecom_llm.evaluate.subsets import ALL, within
from ecom_llm.params import Promote
from ecom_llm.promote.decision import Comparison
from ecom_llm.promote.match import Match
from ecom_llm.promote.slices import two_ways

Places = dict[str, dict[str, Pair]]
"""`skill/locale` -> metric -> the two systems' statistics."""


def metrics_of(evidence: Evidence) -> Iterator[tuple[str, str, list[str]]]:
    """(skill, locale, metrics) of every slice; totals over one skill or one locale repeat it, and the grand one alone stays."""
    single_skill = len(evidence.metrics.keys() - {ALL}) == 1
    for skill, locales in evidence.metrics.items():
        single_locale = len(locales.keys() - {ALL}) == 1
        for locale, values in locales.items():
            repeated = (skill == ALL and single_skill) or (locale == ALL and single_locale)
            if (skill, locale) == (ALL, ALL) or not repeated:
                yield skill, locale, list(values)


def pairs_by_slice(match: Match) -> Places:
    """The pairs of every metric that sums make and that was measured in one way; those per token only between equal tokenizers."""
    found: Places = {}
    candidate, champion = match.candidate, match.champion
    for skill, locale, metrics in metrics_of(candidate.evidence):
        chosen, others = within(candidate.outputs, skill, locale), within(champion.outputs, skill, locale)
        for metric in metrics:
            ways = two_ways(candidate.evidence, champion.evidence, metric)
            if (metric in PER_TOKEN and not match.same_tokens) or (ways if locale == ALL else locale in ways):
                continue
            pair = pair_up(metric, chosen, others, greater_is_better=True)
            if pair is not None:
                found.setdefault(f"{skill}/{locale}", {})[metric] = pair
    return found


def rounded(value: float | None) -> float | None:
    """Six decimals, as of the metrics; None for what is not known."""
    return round(value, 6) if value is not None and isfinite(value) else None


def compared(
    place: str, metric: str, pair: Pair, found: Interval, chance: float, adjusted: float, rules: Promote
) -> Comparison:
    """One row of the table."""
    ours, theirs = (float(pair.value(side.sum(axis=0))) for side in (pair.ours, pair.theirs))
    return Comparison(
        slice=place,
        metric=metric,
        candidate=rounded(ours),
        champion=rounded(theirs),
        difference=rounded(found.estimate),
        low=rounded(found.low),
        high=rounded(found.high),
        chance=rounded(chance),
        adjusted=rounded(adjusted),
        detectable=rounded(detectable(found, rules.confidence, rules.power, paired=True)),
        paired=True,
        differs=isfinite(adjusted) and adjusted <= 1 - rules.confidence,
    )


def compare(match: Match) -> tuple[Comparison, ...]:
    """Candidate minus champion for every slice and metric that sums make."""
    rules, places = match.rules, pairs_by_slice(match)
    found = {
        (place, metric): one
        for place, pairs in places.items()
        for metric, one in intervals({name: pair.table for name, pair in pairs.items()}, match.resampling).items()
    }
    chances = {
        f"{place} {metric}": chance_of(places[place][metric], rules.bootstrap_samples, match.seed)
        for place, metric in found
    }
    adjusted = holm(chances)
    return tuple(
        compared(
            place,
            metric,
            places[place][metric],
            one,
            chances[f"{place} {metric}"],
            adjusted[f"{place} {metric}"],
            rules,
        )
        for (place, metric), one in found.items()
    )


def alone(evidence: Evidence, outputs: Sequence[Output], rules: Promote, seed: int) -> tuple[Comparison, ...]:
    """What the test set could tell of each slice and metric, where there is no champion yet."""
    resampling = Resampling(rules.confidence, rules.bootstrap_samples, seed)
    return tuple(
        Comparison(
            slice=f"{skill}/{locale}",
            metric=metric,
            detectable=rounded(detectable(found, rules.confidence, rules.power, paired=False)),
            paired=False,
        )
        for skill, locale, metrics in metrics_of(evidence)
        for metric, found in slice_intervals(metrics, within(outputs, skill, locale), resampling).items()
    )
