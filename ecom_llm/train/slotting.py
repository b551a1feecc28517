"""What the training texts say about how they are to be written with slots."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from math import ceil

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.asking import UNLISTED
from ecom_llm.skills.slots import SLOT, Slotting, open_slots, slots_of, wanted_mentions, words_of
from ecom_llm.train.asking import learned_asking
from ecom_llm.write.encode import sayable

MENTIONED = 0.8
"""Share of the texts asked for a mention, and of the others, that words must tell rightly, or nobody counts them."""
STATED = 0.9
"""Share of the training texts with a slot that state it no oftener than a text may."""
LOOKED_AT = 20_000
"""Texts at most, evenly spread, whose words are looked at for mentions: what can be told by words is told by so many."""


def begins_with_capitals(examples: Iterable[Example]) -> bool:
    """Whether of the texts that begin with a cased letter most begin with a capital."""
    first = [example.target[0] for example in examples if example.target]
    return sum(map(str.isupper, first)) >= sum(map(str.islower, first))


def learned_slotting(examples: Iterable[Example], min_value_share: float, marks: bool = False) -> Slotting:
    """The slots that training texts hold twice, of attributes whose values differ: another has nothing to be filled in.

    With a share above 0 prompts show those values alone that so many of the examples have: words agree with a frequent
    value (`an exceptional battery`), and a rare one could only be learned by heart. With `marks`, prompts mark the slots to be
    stated, and a text may state one as often as nine in ten texts of training that do. The examples are gone through four times.
    """
    every = Slotting(capitals=begins_with_capitals(examples), marks=marks, asking=learned_asking(examples))
    held: Counter[str] = Counter()
    stated: dict[str, Counter[int]] = defaultdict(Counter)
    values: dict[str, set[str]] = defaultdict(set)
    common: Counter[str] = Counter()
    total = lacking = 0
    for example in examples:
        total += 1
        slotted = sayable(example, every)
        lacking += UNLISTED in slotted
        here = Counter(SLOT.findall(open_slots(example.target, slotted, every)))
        held.update(here)
        for slot, count in here.items():
            stated[slot][count] += 1
        for slot, value in slots_of(slotted).items():
            values[slot].add(value)
            common[value.casefold()] += 1
    names = frozenset(slot for slot, count in held.items() if count > 1 and len(values[slot]) > 1)
    if 2 * held[UNLISTED] < lacking:  # few answers name what the listing lacks
        names -= {UNLISTED}
    shown = frozenset(value for value, count in common.items() if count >= min_value_share * total)
    most = {slot: within(stated[slot], STATED) for slot in sorted(names)} if marks else {}
    slotting = every.model_copy(update={"names": names, "shown": shown if min_value_share else None, "most": most})
    spread = islice(examples, 0, None, max(1, ceil(total / LOOKED_AT)))
    return slotting.model_copy(update={"mentions": learned_mentions(list(spread), slotting)})


def within(counts: Counter[int], share: float) -> int:
    """The least number that so many of the counts are not above."""
    seen = 0
    for number in sorted(counts):
        seen += counts[number]
        if seen >= share * counts.total():
            return number
    return 0


def learned_mentions(examples: Sequence[Example], slotting: Slotting) -> dict[str, tuple[str, ...]]:
    """Attribute -> the words that mention it: as many of them in a text as the text is asked for mentions.

    Greedy: the word is added that makes this true of most further texts, as long as there is one. An attribute stays
    without words where that would not be true of `MENTIONED` of the texts that are asked for a mention of it, and of those
    that are not.
    """
    wanted = [wanted_mentions(SKILLS[example.skill].facts(example)) for example in examples]
    names = sorted(set[str]().union(*wanted))
    if not names:
        return {}
    opened = (open_slots(one.target, sayable(one, slotting), slotting) for one in examples)
    counts = [Counter(words_of(text)) for text in opened]
    found = {name: mention_words([asked[name] for asked in wanted], counts) for name in names}
    return {name: words for name, words in found.items() if words}


def mention_words(wanted: Sequence[int], counts: Sequence[Counter[str]]) -> tuple[str, ...]:
    """The greedy choice of `learned_mentions` for one attribute."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, count in enumerate(counts):
        for word in count:
            places[word].append(place)
    said = [0] * len(wanted)
    chosen: list[str] = []
    while True:
        gains = {
            word: sum((said[at] + counts[at][word] == wanted[at]) - (said[at] == wanted[at]) for at in where)
            for word, where in places.items()
            if word not in chosen
        }
        best = max(sorted(gains), key=gains.__getitem__, default=None)
        if best is None or gains[best] < 2:
            break
        chosen.append(best)
        for at in places[best]:
            said[at] += counts[at][best]
    for asked in (True, False):
        right = [had == count for had, count in zip(said, wanted, strict=True) if bool(count) == asked]
        if sum(right) < MENTIONED * len(right):
            return ()
    return tuple(chosen)
