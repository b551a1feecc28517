"""Who judges what, in which order and with which side first: random, balanced, and overlapping."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ecom_llm.human.sampling import Subject
from ecom_llm.human.study import Entry, Task

TELLING = 12
"""Characters from which on a text says enough to be told from another product's."""
TITLES = "recommend"
"""The skill whose texts are titles: that of another product is not known to be bad."""


@dataclass(frozen=True)
class Shown:
    """A task and its hidden half."""

    task: Task
    entry: Entry


@dataclass
class Ids:
    """Random names of tasks, none twice: a name that followed from an example would let raters compare notes."""

    rng: np.random.Generator
    given: set[str] = field(default_factory=set)

    def new(self) -> str:
        while (name := self.rng.bytes(5).hex()) in self.given:
            continue
        self.given.add(name)
        return name


def judged_by(count: int, raters: int, each: int, rng: np.random.Generator) -> list[list[int]]:
    """For each of `count` examples the `each` raters (from 0) that judge it: of the least laden, chance decides.

    Loads differ by at most 1, and chance lets every two raters meet, which agreement rests on.
    """
    load = np.zeros(raters, dtype=int)
    found = []
    for _ in range(count):
        chosen = sorted(np.lexsort((rng.uniform(size=raters), load))[:each].tolist())
        load[chosen] += 1
        found.append(chosen)
    return found


def coins(count: int, rng: np.random.Generator) -> Iterator[bool]:
    """Fair coins in blocks of two that hold one of each, so that any run of them is balanced.

    Permuted blocks: Matts and Lachin 1988, Controlled Clinical Trials 9(4).
    """
    for _ in range((count + 1) // 2):
        first = bool(rng.integers(2))
        yield first
        yield not first


def genuine(subjects: Sequence[Subject], rater: int, ids: Ids) -> list[Shown]:
    """One task for each example; of neighbours, which are of one slice, each side stands first once."""
    ordered = sorted(subjects, key=lambda subject: subject.slice)
    sides = coins(len(ordered), ids.rng)
    return [shown(subject, rater, next(sides), ids.new()) for subject in ordered]


def shown(subject: Subject, rater: int, candidate_first: bool, name: str) -> Shown:
    """The task for an example, with the candidate's text on the side that is asked for."""
    straight = candidate_first or len(subject.texts) == 1
    texts = subject.texts if straight else subject.texts[::-1]
    return Shown(
        Task(id=name, skill=subject.skill, locale=subject.locale, facts=dict(subject.facts), texts=texts),
        Entry(
            task=name,
            rater=rater,
            kind="genuine",
            example=subject.id,
            first="candidate" if straight else "other",
        ),
    )


def repeated(before: Shown, ids: Ids) -> Shown:
    """The same texts again, on swapped sides."""
    name = ids.new()
    pair = len(before.task.texts) == 2
    swapped = {"candidate": "other", "other": "candidate"}[before.entry.first] if pair else before.entry.first
    return Shown(
        before.task.model_copy(update={"id": name, "texts": before.task.texts[::-1]}),
        before.entry.model_copy(
            update={"task": name, "kind": "repeat", "first": swapped, "repeats": before.entry.task}
        ),
    )


def words(text: str) -> tuple[str, ...]:
    """A text as a reader sees it: two that differ in spaces alone are the same."""
    return tuple(text.split())


def stranger(subject: Subject, pool: Sequence[Subject], used: set[tuple[str, ...]], ids: Ids) -> Subject | None:
    """Of the same slice, an example that shares the fewest facts with this one, by chance; None where all are alike or `used`."""
    own = set(subject.facts.items())
    others = [
        one
        for one in pool
        if one.slice == subject.slice
        and one.facts != subject.facts
        and words(one.reference) not in used | {words(subject.reference)}
    ]
    shared = [len(own & set(one.facts.items())) for one in others]
    fewest = [one for one, count in zip(others, shared, strict=True) if count == min(shared)]
    return fewest[ids.rng.integers(len(fewest))] if fewest else None


def known_bad(pool: Sequence[Subject], count: int, pairs: bool, rater: int, ids: Ids) -> list[Shown]:
    """Up to `count` checks: a reference text beside the reference of another product; both read well, one is false.

    Where texts are rated, the false one stands alone. No text is shown twice: who knows it again need not read. Of short ones
    (`Yes.`) nobody could say which is false; they are taken where there are no others.
    """
    usable = [one for one in pool if one.skill != TITLES and one.reference.strip()]
    usable = [one for one in usable if len(one.reference.strip()) >= TELLING] or usable
    found: list[Shown] = []
    used: set[tuple[str, ...]] = set()
    sides = coins(count, ids.rng)
    for at in ids.rng.permutation(len(usable)):
        if len(found) == count:
            break
        good = usable[at]
        bad = None if words(good.reference) in used else stranger(good, usable, used, ids)
        if bad is not None:
            used |= {words(one.reference) for one in (good, bad)}
            texts = (good.reference, bad.reference) if pairs else (bad.reference,)
            one = shown(replace(good, texts=texts), rater, next(sides), ids.new())
            first = {"candidate": "good", "other": "bad"}[one.entry.first] if pairs else "bad"
            entry = one.entry.model_copy(update={"kind": "known_bad", "first": first})
            found.append(Shown(one.task, entry))
    return found


def in_order(real: Sequence[Shown], repeats: int, checks: Sequence[Shown], ids: Ids) -> list[Shown]:
    """One rater's tasks at random, except that what is repeated stands in the first half, its repeat in the second."""
    mixed = [real[at] for at in ids.rng.permutation(len(real))]
    twice, once = mixed[:repeats], mixed[repeats:]
    rest = [*once, *checks]
    rest = [rest[at] for at in ids.rng.permutation(len(rest))]
    half = len(rest) // 2
    halves = ([*twice, *rest[:half]], [*(repeated(one, ids) for one in twice), *rest[half:]])
    return [part[at] for part in halves for at in ids.rng.permutation(len(part))]
