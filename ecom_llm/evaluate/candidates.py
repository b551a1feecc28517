"""Several texts for one example, and which of them is taken: best of n."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import SLOT, Slotting, is_word, slots_of, wanted_mentions, words_of

BROKEN = "\ufffd"
"""What half a character is decoded to."""


@dataclass(frozen=True)
class Candidate:
    """A text that may be taken."""

    text: str
    """As people read it: slots filled."""
    written: str
    """As the model wrote it: slots unfilled."""
    faults: int
    """See `faults`."""
    mean_log_probability: float
    """Per token, its end included, in nats."""


def states(text: str, value: str) -> bool:
    """Whether a value stands in a text word for word, in whatever case."""
    found = re.finditer(re.escape(value), text, re.IGNORECASE)
    return any(is_word(text, match.start(), match.end()) for match in found)


def faults(written: str, example: Example, slotting: Slotting | None) -> int:
    """How many facts a text leaves out of those it owes, how many mentions it makes too few or too many, and its broken characters.

    A tokenizer of bytes can write the half of a character, which is read as one `�`.
    A model with slots (`slotting`) owes the slots that it knows, and mentions, by the words that training texts mention them
    by, of what no text states (`waterproof: yes`); one without owes every value, word for word.

    This is what chooses among texts. What scores them is `matching.Matcher`: it knows other products' values, units and
    longer values, and a text that was chosen by it would look better than it is.
    """
    skill, broken = SKILLS[example.skill], written.count(BROKEN)
    if not skill.owes_all:
        return broken
    facts = skill.facts(example)
    owed = slots_of(facts)
    if slotting is None:
        return broken + sum(not states(written, value) for value in owed.values())
    missing = {slot for slot in owed if slotting.knows(slot)} - set(SLOT.findall(written))
    said, wanted = Counter(words_of(written)), wanted_mentions(facts)
    mistold = sum(abs(wanted[name] - sum(said[word] for word in words)) for name, words in slotting.mentions.items())
    return broken + len(missing) + mistold


def by_facts(candidate: Candidate) -> tuple[float, ...]:
    """The fewest faults, then the likelier (Wen et al. 2015, equation 17, with facts before everything)."""
    return candidate.faults, -candidate.mean_log_probability


def by_log_probability(candidate: Candidate) -> tuple[float, ...]:
    """The greatest mean log-probability of its tokens."""
    return (-candidate.mean_log_probability,)


RANKERS: dict[str, Callable[[Candidate], tuple[float, ...]]] = {
    "facts": by_facts,
    "log_probability": by_log_probability,
}
"""`evaluate.ranker` -> what the best candidate has least of; of equals the first is taken. `consensus` ranks them together."""
