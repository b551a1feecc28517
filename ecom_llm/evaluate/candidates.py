"""Several texts for one example, and which of them is taken: best of n."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import SLOT, Slotting, is_word, slots_of


@dataclass(frozen=True)
class Candidate:
    """A text that may be taken."""

    text: str
    """As people read it: slots filled."""
    unstated: int
    """Facts that it owes and leaves out."""
    log_probability: float
    """Of its tokens, its end included, in nats."""
    scored: int
    """Tokens that `log_probability` sums over."""
    written: str
    """As the model wrote it: slots unfilled."""

    @property
    def mean_log_probability(self) -> float:
        """Per token, in nats."""
        return self.log_probability / self.scored


def states(text: str, value: str) -> bool:
    """Whether a value stands in a text word for word, in whatever case."""
    found = re.finditer(re.escape(value), text, re.IGNORECASE)
    return any(is_word(text, match.start(), match.end()) for match in found)


def unstated(written: str, example: Example, slotting: Slotting | None) -> int:
    """How many facts a text leaves out of those it owes: of a model with slots by the slots it knows, else word for word.

    This is what chooses among texts. What scores them is `matching.Matcher`: it knows other products' values, units and
    longer values, and a text that was chosen by it would look better than it is.
    """
    skill = SKILLS[example.skill]
    owed = slots_of(skill.facts(example)) if skill.owes_all else {}
    if slotting:
        return len({slot for slot in owed if slotting.knows(slot)} - set(SLOT.findall(written)))
    return sum(not states(written, value) for value in owed.values())


def by_facts(candidate: Candidate) -> tuple[float, ...]:
    """The fewest facts left out, then the likelier (Wen et al. 2015, equation 17, with facts before everything)."""
    return candidate.unstated, -candidate.mean_log_probability


def by_log_probability(candidate: Candidate) -> tuple[float, ...]:
    """The greatest mean log-probability of its tokens."""
    return (-candidate.mean_log_probability,)


RANKERS: dict[str, Callable[[Candidate], tuple[float, ...]]] = {
    "facts": by_facts,
    "log_probability": by_log_probability,
}
"""`evaluate.ranker` -> what the best candidate has least of; of equals the first is taken. `consensus` ranks them together."""
