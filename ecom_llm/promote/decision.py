"""The decision: what the gate found, rule by rule, in words a person can act on."""

from hashlib import sha256
from typing import Literal

from ecom_llm.params import Promote
from ecom_llm.records import Record


class Check(Record):
    """One rule applied to one slice."""

    rule: Literal["sanity", "threshold", "superior", "regression", "comparable", "rolled_back", "trainings"]
    slice: str
    """`skill/locale`, as in `describe/zh`; `all/all` is the whole test set."""
    metric: str
    """The metric's published name, of a sanity rule what it measures; empty where the rule is about no metric."""
    found: float | None
    """The metric's value, or for a comparison the end of the improvement's interval that decides; None: missing or NaN."""
    bound: float | None
    """What `found` was held against."""
    passed: bool
    reason: str
    """The check in words: what was found and what was asked."""
    detectable: float | None = None
    """The smallest difference that this test set tells from none; None where nothing was compared or nothing differs."""

    def line(self) -> str:
        """The check as one line that begins with its outcome."""
        return f"{'passed' if self.passed else 'refused'}: {self.reason}"


class Comparison(Record):
    """Candidate minus champion on one slice, in the metric's unit; None where it cannot be said. It decides nothing.

    Without a champion there is no difference, and what is detectable assumes a rival that shares nothing.
    """

    slice: str
    metric: str
    candidate: float | None = None
    """The candidate's value."""
    champion: float | None = None
    """The champion's, on the same examples."""
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    """How often two like models would differ as much: the p-value of approximate randomisation."""
    adjusted: float | None = None
    """The same, corrected for all that were compared (Holm)."""
    detectable: float | None
    """The smallest difference that this test set tells from none."""
    paired: bool
    """Whether `detectable` follows from both models on the same examples, or from the candidate's spread alone."""
    differs: bool = False
    """Whether the difference stands after the correction."""


class GateDecision(Record):
    """What the gate decided about one version, and why; kept with the version and returned by the flow."""

    approved: bool
    model_name: str
    candidate: str
    """The candidate's version in the registry."""
    compared_with: str | None
    """The champion's version at the time; None: there was none, or it was the candidate itself."""
    rules_key: str
    """SHA-256 of the rules, so that a changed rule is known to need a new decision."""
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...] = ()
    """Every slice beside the champion's, where there was one to compare with."""
    notes: tuple[str, ...] = ()
    """What a reader must know beside the checks, such as that there was no champion."""

    @property
    def verdict(self) -> str:
        """The decision in one sentence."""
        failed = sum(not check.passed for check in self.checks)
        name = f"{self.model_name} version {self.candidate}"
        if self.approved:
            return f"Approved: {name} passed all {len(self.checks)} checks."
        return f"Refused: {name} failed {failed} of {len(self.checks)} checks."

    @property
    def ordered(self) -> list[Check]:
        """The checks that refused, then those that passed."""
        return sorted(self.checks, key=lambda check: check.passed)

    def lines(self) -> list[str]:
        """Notes, then the checks that refused, then those that passed."""
        return [*self.notes, *(check.line() for check in self.ordered)]

    def markdown(self) -> str:
        """The verdict, then one line for each note and check."""
        return "\n".join([f"**{self.verdict}**", "", *(f"- {line}" for line in self.lines())]) + "\n"


def rules_key(rules: Promote) -> str:
    """SHA-256 of the gate's rules; equal rules give equal keys. How long a run waits for a person is no rule."""
    return sha256(rules.model_dump_json(exclude={"approval": {"timeout"}}).encode()).hexdigest()
