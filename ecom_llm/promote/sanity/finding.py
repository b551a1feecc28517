"""What a rule found on one slice, and the texts it looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ecom_llm.evaluate.evidence import Evidence, Output


@dataclass(frozen=True)
class Texts:
    """What was written for the examples of one skill and locale."""

    skill: str
    locale: str
    outputs: Sequence[Output]
    evidence: Evidence

    @property
    def name(self) -> str:
        return f"{self.skill}/{self.locale}"

    @cached_property
    def written(self) -> list[str]:
        return [output.text for output in self.outputs]

    @cached_property
    def references(self) -> list[str]:
        return [output.reference for output in self.outputs]

    def measured(self, metric: str) -> float | None:
        """What the evidence says of the model."""
        return self.evidence.metrics.get(self.skill, {}).get(self.locale, {}).get(metric)

    def of_references(self, metric: str) -> float:
        """What the evidence says of the references; 0 where it says nothing."""
        said = self.evidence.baselines.get("reference", {})
        return said.get(self.skill, {}).get(self.locale, {}).get(metric, 0.0)


@dataclass(frozen=True)
class Finding:
    """One rule on one slice: what was found, and what it was held against."""

    measure: str
    """What was measured, in a word."""
    slice: str
    found: float
    bound: float
    at_most: bool
    """Whether the bound is the largest value that passes; else it is the smallest."""
    said: str
    """What was found and what is asked, in words."""
    example: str = ""
    """The id of an example that shows it; empty where no single one does."""

    @property
    def room(self) -> float:
        """How far the value may still go; below 0 it is beyond its bound."""
        return self.bound - self.found if self.at_most else self.found - self.bound

    @property
    def passed(self) -> bool:
        # a share of texts that just equals its bound, but for rounding, is within
        return self.room >= -1e-9


def more_often(
    measure: str, what: str, texts: Texts, faults: Sequence[bool], theirs: Sequence[bool], most: float
) -> Finding:
    """A fault that more texts may not have than references do.

    What most references have is the shop's manner and no fault; and a single text is no share.

    Args:
        measure: the fault in a word.
        what: goes on "of its texts ..., of the references ...".
        faults: whether each text has it.
        theirs: whether each reference has it.
        most: how much larger the texts' share may be.
    """
    ours, known = sum(faults) / len(faults), sum(theirs) / len(theirs)
    manner = known > 0.5
    most = max(most, 1 / len(faults))
    asked = "as most of them do, all may" if manner else f"at most {most:.1%} more may"
    told = sorted(zip(texts.outputs, faults, theirs, strict=True), key=lambda row: row[2])
    example = next((output.id for output, fault, _ in told if fault), "")
    return Finding(
        measure=measure,
        slice=texts.name,
        found=ours,
        bound=1.0 if manner else known + most,
        at_most=True,
        said=f"{ours:.1%} of its texts {what}, of the references {known:.1%}; {asked}",
        example=example,
    )


def as_many_as(
    measure: str, texts: Texts, ours: float, theirs: float, least: float, said: str, example: str
) -> Finding:
    """What texts have to have about as much of as references do.

    Args:
        measure: what was measured, in a word.
        ours: the texts' share.
        theirs: the references' share, above 0.
        least: smallest value of the one over the other.
        said: begins the line: what both shares are.
        example: id of the text that shows it best.
    """
    ratio = ours / theirs
    return Finding(
        measure=measure,
        slice=texts.name,
        found=ratio,
        bound=least,
        at_most=False,
        said=f"{said}: {ratio:.3g} times as many; at least {least:g}",
        example=example,
    )
