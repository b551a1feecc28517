"""Who stands at the gate, and candidate and champion side by side on each slice."""

from collections.abc import Sequence
from dataclasses import dataclass

from ecom_llm.evaluate.bootstrap import NOTHING, Interval, Resampling
from ecom_llm.evaluate.evidence import Evidence, Output, slice_value
from ecom_llm.evaluate.paired import detectable, improvement
from ecom_llm.evaluate.spread import slice_intervals
from ecom_llm.evaluate.subsets import ALL, within
from ecom_llm.evaluate.trainings import mean_improvement
from ecom_llm.params import Promote, Slice
from ecom_llm.promote.slices import measured, subset_of


@dataclass(frozen=True)
class Entrant:
    """A model version at the gate, with what was measured on it."""

    model_name: str
    version: str
    evidence: Evidence
    outputs: Sequence[Output]
    rolled_back: bool = False
    """Whether it was champion once and was rolled back: then it does not come back by itself."""
    trainings: tuple[Sequence[Output], ...] = ()
    """Outputs of trainings that differ from its own by `train.seed` alone, in the order of their seeds."""

    @property
    def all_trainings(self) -> tuple[Sequence[Output], ...]:
        """Its own outputs, and those of the trainings by other seeds."""
        return (self.outputs, *self.trainings)


@dataclass(frozen=True)
class Match:
    """Candidate and champion on one test set, and how finely they are compared."""

    candidate: Entrant
    champion: Entrant
    rules: Promote
    seed: int

    @property
    def trainings(self) -> tuple[int, int]:
        """How many trainings of each side count, ours and theirs: at most as many as params ask for."""
        ours, theirs = (len(entrant.all_trainings) for entrant in (self.candidate, self.champion))
        return min(ours, self.rules.trainings), min(theirs, self.rules.trainings)

    def sides(self, rule: Slice, skill: str, locale: str) -> tuple[list[list[Output]], list[list[Output]]]:
        """The outputs of each training on a slice, ours and theirs; the candidate's say which examples a subset holds."""
        chosen = {one.id for one in within(self.candidate.outputs, skill, locale, subset_of(rule))}
        ours, theirs = (
            [[one for one in outputs if one.id in chosen] for outputs in entrant.all_trainings[:count]]
            for entrant, count in zip((self.candidate, self.champion), self.trainings, strict=True)
        )
        return ours, theirs

    def values(self, rule: Slice, skill: str, locale: str) -> tuple[float | None, float | None]:
        """Candidate's and champion's value; of the slices of the evidence as it says them."""
        if subset_of(rule) == ALL:
            entrants = (self.candidate, self.champion)
            ours, theirs = (measured(entrant.evidence, rule.metric, skill, locale) for entrant in entrants)
        else:
            ours, theirs = (slice_value(rule.metric, side[0]) for side in self.sides(rule, skill, locale))
        return ours, theirs

    @property
    def resampling(self) -> Resampling:
        """How intervals over products are made."""
        return Resampling(self.rules.confidence, self.rules.bootstrap_samples, self.seed)

    def interval(self, rule: Slice, skill: str, locale: str) -> Interval:
        """The candidate's improvement over the champion on one slice, with what seeds do where params ask."""
        ours, theirs = self.sides(rule, skill, locale)
        better, confidence = rule.greater_is_better, self.rules.confidence
        if self.rules.trainings > 1:
            return mean_improvement(rule.metric, ours, theirs, greater_is_better=better, confidence=confidence)
        return improvement(rule.metric, ours[0], theirs[0], greater_is_better=better, resampling=self.resampling)

    def own(self, metric: str, skill: str, locale: str) -> Interval:
        """The candidate's own value on one slice, by itself."""
        chosen = within(self.candidate.outputs, skill, locale)
        return slice_intervals([metric], chosen, self.resampling).get(metric, NOTHING)

    def of_people(self, metric: str, skill: str, locale: str) -> float | None:
        """What the references have on one slice, as it was found when the champion was measured on them."""
        references = self.champion.evidence.baselines.get("reference", {})
        return references.get(skill, {}).get(locale, {}).get(metric)

    @property
    def same_tokens(self) -> bool:
        """Whether both count in the same tokens."""
        return self.candidate.evidence.tokenizer == self.champion.evidence.tokenizer

    def tells(self, interval: Interval) -> float | None:
        """The smallest difference that these examples tell from none."""
        return detectable(interval, self.rules.confidence, self.rules.power, paired=True)
