"""What training questions teach: by which words they ask about which attribute of a listing."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import accumulate, chain
from typing import NamedTuple

import torch
from torch.nn.functional import cross_entropy, embedding_bag

from ecom_llm.records import Example
from ecom_llm.skills.answer import known, question
from ecom_llm.skills.asking import OTHER, Asking, terms
from ecom_llm.skills.slots import EVERY, SLOT, open_slots, slots_of

LOOKED_AT = 20_000
"""Answered questions of a locale at most: what can be told by words is told by so many."""
LEAST = 5
"""Answers that must state an attribute for it to be told."""
MOST_ATTRIBUTES, MOST_TERMS = 200, 2000
"""The commonest alone are told, by the commonest: numbers are kept for each pair, and time goes with them."""
HELD_OUT = 5
"""One question in so many is held out, to find out whether the words tell."""
TOLD = 0.8
"""Share of the held-out questions that must be told rightly, or nobody goes by what was learned."""
PENALTY = 0.05
"""Of the squares of the weights."""
MOST_STEPS = 100
DIGITS = 2
"""Decimals kept: more would be rounding noise that differs between machines."""


class Asked(NamedTuple):
    """A question that was answered from a listing."""

    order: bytes
    """Of many, the first ones by this are looked at: the same ones each time, from all over the shop."""
    text: str
    attribute: str
    """The one that the answer states; `OTHER` where it states none, or several."""
    listing: tuple[str, ...]
    """The attributes that the listing has."""


def stated(example: Example) -> list[str]:
    """The attributes of its listing that an answer states."""
    listing = known(example)
    said = set(SLOT.findall(open_slots(example.target, listing, EVERY)))
    return [name for name, value in listing.items() if said & slots_of({name: value}).keys()]


def asked(examples: Iterable[Example]) -> dict[str, list[Asked]]:
    """Locale -> the questions that were answered from a listing, each once, however often training shows it."""
    found: dict[str, set[Asked]] = defaultdict(set)
    for one in examples:
        if one.skill == "answer" and (listing := known(one)):
            names, order = stated(one), sha256(one.id.encode()).digest()
            found[one.locale].add(Asked(order, question(one), names[0] if len(names) == 1 else OTHER, tuple(listing)))
            if len(found[one.locale]) == 2 * LOOKED_AT:
                found[one.locale] = set(sorted(found[one.locale])[:LOOKED_AT])
    return {locale: sorted(found[locale])[:LOOKED_AT] for locale in sorted(found)}


def learned_asking(examples: Iterable[Example]) -> dict[str, Asking]:
    """Locale -> how its questions tell what they ask about; without those whose words do not tell it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several wait for each other over so little, and add up in another order
    try:
        found = {locale: told_by_words(rows) for locale, rows in asked(examples).items()}
    finally:
        torch.set_num_threads(threads)
    return {locale: one for locale, one in found.items() if one}


def told_by_words(rows: Sequence[Asked]) -> Asking | None:
    """What questions teach: learned from all but some, which have to be told rightly; then from all."""
    counts = Counter(one.attribute for one in rows if one.attribute != OTHER)
    told = {name for name, count in counts.most_common(MOST_ATTRIBUTES) if count >= LEAST}
    rows = [one for one in rows if one.attribute == OTHER or one.attribute in told]
    first = learned_from([one for at, one in enumerate(rows) if at % HELD_OUT])
    tried = rows[::HELD_OUT]
    if first is None or not tried:
        return None
    right = sum(told_rightly(first.asked(one.text), one) for one in tried)
    return learned_from(rows) if right >= TOLD * len(tried) else None


def told_rightly(attribute: str | None, one: Asked) -> bool:
    """Whether a prompt would show what the answer states: that line, or the whole listing or the name of what it lacks where the
    answer states none, or several."""
    return attribute not in one.listing if one.attribute == OTHER else attribute == one.attribute


def learned_from(rows: Sequence[Asked]) -> Asking | None:
    """Questions -> how they tell; None where fewer than two attributes are asked about.

    What an answer without any attribute was asked for, or with several, nobody says. Where the words tell of one that the listing
    has, the answer says that they tell wrongly: it is another question, and is learned as such. Where the listing lacks it, they
    may be right.
    """
    telling = [(one.text, one.attribute) for one in rows if one.attribute != OTHER]
    if len({name for _, name in telling}) < 2:
        return None
    first = fitted(telling)
    if not first.weights:
        return None
    others = [one for one in rows if one.attribute == OTHER and first.asked(one.text) in one.listing]
    return fitted([*telling, *((one.text, OTHER) for one in others)]) if len(others) >= LEAST else first


def fitted(rows: Sequence[tuple[str, str]]) -> Asking:
    """(question, attribute) -> softmax regression over the terms that two questions hold, with an L2 penalty."""
    held = [terms(text) for text, _ in rows]
    counts = Counter(term for found in held for term in found)
    kept = sorted(sorted(counts, key=lambda term: (-counts[term], term))[:MOST_TERMS])
    column = {term: at for at, term in enumerate(term for term in kept if counts[term] > 1)}
    attributes = tuple(sorted({name for _, name in rows}))
    wanted = torch.tensor([attributes.index(name) for _, name in rows])
    bags = [[column[term] for term in found if term in column] for found in held]
    seen = torch.tensor(list(chain.from_iterable(bags)), dtype=torch.long)
    starts = torch.tensor([0, *accumulate(map(len, bags[:-1]))], dtype=torch.long)
    weights = torch.zeros(len(column), len(attributes), dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(len(attributes), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights, bias], max_iter=MOST_STEPS, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        scores = embedding_bag(seen, weights, starts, mode="sum") + bias
        value = cross_entropy(scores, wanted, reduction="sum") + PENALTY * weights.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return Asking(
        attributes=attributes,
        bias=tuple(rounded(bias)),
        weights={term: tuple(row) for term, at in column.items() if any(row := rounded(weights[at]))},
    )


def rounded(values: torch.Tensor) -> list[float]:
    """With `DIGITS` decimals; no minus zero."""
    return [round(value, DIGITS) + 0.0 for value in values.tolist()]
