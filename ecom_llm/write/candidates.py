"""Several texts for one example, and which of them is taken: best of n."""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import regex

from ecom_llm.prepare.repetition import repetition
from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import SLOT, Slotting, slots_of, states, wanted_mentions, words_of

BROKEN = "\ufffd"
"""What half a character is decoded to."""
GAP = "  "
"""Where a word was to come and none did; texts that were cleaned have one space between words."""
LOOPING = 0.3
"""How much of a text may repeat itself: what prepare allows people's texts, by default."""


LATIN = "af ca cs da de en es et eu fi fr ga gl hr hu id is it lt lv ms nb nl nn no pl pt ro sk sl sq sv sw tl tr vi"
SCRIPTS = {
    **dict.fromkeys(LATIN.split(), ""),
    **dict.fromkeys(("be", "bg", "kk", "ky", "mk", "mn", "ru", "tg", "uk"), r"\p{Cyrillic}"),
    **dict.fromkeys(("ar", "fa", "ps", "sd", "ug", "ur"), r"\p{Arabic}"),
    "zh": r"\p{Han}",
    "ja": r"\p{Han}\p{Hiragana}\p{Katakana}",
    "ko": r"\p{Hangul}\p{Han}",
}
"""Language -> its script beside Latin and Greek, in which brands and units stand everywhere; of others nothing is asked."""


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
    heard: float = 0.0
    """Log-probability that the text was asked for as it was, and not otherwise; see `hearing`."""


@cache
def foreign(locale: str) -> regex.Pattern[str]:
    """Finds runs of letters in scripts that a locale's language is not written in."""
    own = SCRIPTS.get(re.split(r"[-_]", locale.casefold())[0])
    return regex.compile(r"(?!)" if own is None else rf"(?V1)[\p{{L}}--[\p{{Latin}}\p{{Common}}\p{{Greek}}{own}]]+")


def slips(written: str, example: Example) -> int:
    """How often a text slips into another script: a model of two languages does, in the middle of a word.

    What stands in slots and in the values of the prompt is written as it is. What judges finished texts, the gate's rule `scripts`,
    goes by the references instead, and has no part in this.
    """
    rest = SLOT.sub(" ", written)
    if foreign(example.locale).search(rest) is None:
        return 0
    for value in sorted(example.attributes.values(), key=len, reverse=True):
        rest = rest.replace(value, " ")
    return len(foreign(example.locale).findall(rest))


def owed_slots(example: Example, slotting: Slotting | None) -> dict[str, str]:
    """Slot -> value of what a text for this example is to state: every fact, by its skill; what a question asks about; or what the
    prompt asks for by marks."""
    skill = SKILLS[example.skill]
    if skill.owes_all:
        return slots_of(skill.facts(example))
    if slotting and (asked := skill.narrowed(example, slotting.asking)) is not example:
        slots = slots_of(skill.slots(asked))
        return slots if len(slots) == 1 else {}  # of a list, an answer states what it was asked about
    return slots_of(skill.slots(example)) if slotting and slotting.marks else {}


def missing(written: str, owed: Mapping[str, str], slotting: Slotting) -> int:
    """The owed slots (slot -> value) that a text lacks; where slots are asked for by marks, those of one value are one."""
    said, known = set(SLOT.findall(written)), {slot for slot in owed if slotting.knows(slot)}
    if not slotting.marks:
        return len(known - said)
    return len({owed[slot].casefold() for slot in known} - {owed[slot].casefold() for slot in said & owed.keys()})


def faults(written: str, example: Example, slotting: Slotting | None) -> int:
    """How many facts a text leaves out of those it owes, how many mentions it makes too few or too many, its broken characters and
    gaps between words, how often it slips into another script, and whether it goes round in circles.

    A tokenizer of bytes can write the half of a character, which is read as one `�`.
    A model with slots (`slotting`) owes the slots that it knows, and mentions, by the words that training texts mention them
    by, of what no text states (`waterproof: yes`); one without owes every value, word for word. A text that may choose owes
    nothing, but what its prompt marked.

    This is what chooses among texts. What scores them is `matching.Matcher`: it knows other products' values, units and
    longer values, and a text that was chosen by it would look better than it is.
    """
    skill, spoilt = SKILLS[example.skill], written.count(BROKEN) + written.count(GAP) + slips(written, example)
    spoilt += repetition(written) > LOOPING
    owed = owed_slots(example, slotting)
    if slotting is None:
        return spoilt + sum(not states(written, value) for value in owed.values())
    left_out = spoilt + missing(written, owed, slotting)
    if not skill.owes_all:
        return left_out
    said, wanted = Counter(words_of(written)), wanted_mentions(skill.facts(example))
    return left_out + sum(
        abs(wanted[name] - sum(said[word] for word in words)) for name, words in slotting.mentions.items()
    )


def by_facts(candidate: Candidate) -> tuple[float, ...]:
    """The fewest faults, then the likelier (Wen et al. 2015, equation 17, with facts before everything)."""
    return candidate.faults, -candidate.mean_log_probability


def by_log_probability(candidate: Candidate) -> tuple[float, ...]:
    """The greatest mean log-probability of its tokens."""
    return (-candidate.mean_log_probability,)


def by_asked(likelihood_weight: float) -> Callable[[Candidate], tuple[float, ...]]:
    """The fewest faults, then what sounds most as it was asked for, with so much of its likelihood; see `hearing`."""

    def key(candidate: Candidate) -> tuple[float, ...]:
        worth = candidate.heard + likelihood_weight * candidate.mean_log_probability
        return candidate.faults, -worth, -candidate.mean_log_probability

    return key


RANKERS: dict[str, Callable[[Candidate], tuple[float, ...]]] = {
    "facts": by_facts,
    "log_probability": by_log_probability,
}
"""`evaluate.ranker` -> what the best candidate has least of; of equals the first is taken. `consensus` ranks them together, and
`asked` has a weight."""
