"""What the training texts say about how they are to be written with slots."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import SLOT, Slotting, open_slots, slots_of, wanted_mentions, words_of

MENTIONED = 0.8
"""Share of the texts asked for a mention whose mention must be told by words, or nobody counts them."""


def begins_with_capitals(examples: Iterable[Example]) -> bool:
    """Whether of the texts that begin with a cased letter most begin with a capital."""
    first = [example.target[0] for example in examples if example.target]
    return sum(map(str.isupper, first)) >= sum(map(str.islower, first))


def learned_slotting(examples: Iterable[Example], min_value_share: float) -> Slotting:
    """The slots that training texts hold twice, of attributes whose values differ: another has nothing to be filled in.

    With a share above 0 prompts show those values alone that so many of the examples have: words agree with a frequent
    value (`an exceptional battery`), and a rare one could only be learned by heart. The examples are gone through twice.
    """
    capitals = begins_with_capitals(examples)
    every = Slotting(capitals=capitals)
    held: Counter[str] = Counter()
    values: dict[str, set[str]] = defaultdict(set)
    common: Counter[str] = Counter()
    total = 0
    for example in examples:
        total += 1
        slotted = SKILLS[example.skill].slots(example)
        held.update(SLOT.findall(open_slots(example.target, slotted, every)))
        for slot, value in slots_of(slotted).items():
            values[slot].add(value)
            common[value.casefold()] += 1
    names = frozenset(slot for slot, count in held.items() if count > 1 and len(values[slot]) > 1)
    shown = frozenset(value for value, count in common.items() if count >= min_value_share * total)
    return Slotting(names=names, capitals=capitals, shown=shown if min_value_share else None)


def learned_mentions(examples: Iterable[Example], slotted: Iterable[Example]) -> dict[str, list[str]]:
    """Attribute -> the words that mention it: as many of them in a text as the text is asked for mentions.

    Greedy: the word is added that makes this true of most further texts, as long as there is one. An attribute stays
    without words where that would not be true of `MENTIONED` of the texts that are asked for a mention of it. The words of
    the texts are held in memory, unless none is asked for a mention.
    """
    names = sorted({name for example in examples for name in wanted_mentions(SKILLS[example.skill].facts(example))})
    if not names:
        return {}
    wanted = [wanted_mentions(SKILLS[example.skill].facts(example)) for example in examples]
    counts = [Counter(words_of(example.target)) for example in slotted]
    found: dict[str, list[str]] = {}
    for name in names:
        words = mention_words([asked[name] for asked in wanted], counts)
        if words:
            found[name] = words
    return found


def mention_words(wanted: Sequence[int], counts: Sequence[Counter[str]]) -> list[str]:
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
    asked = [at for at, count in enumerate(wanted) if count]
    right = sum(said[at] == wanted[at] for at in asked)
    return chosen if right >= MENTIONED * len(asked) else []
