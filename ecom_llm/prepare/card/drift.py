"""How one version of the examples differs from an earlier one: a table of what moved, in numbers and in plain words."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from statistics import NormalDist

from ecom_llm.prepare.card.card import Card, Frequencies, Lengths, SliceCard
from ecom_llm.prepare.card.lengths import bins
from ecom_llm.prepare.card.psi import CONFIDENCE, MOVED, MOVED_A_LOT, Verdict, chance, psi, verdict_of
from ecom_llm.records import Record

PARTS = 10
"""Parts of about equal size into which the earlier lengths are cut: deciles, as is usual for the index."""
RARE = 0.01
"""Values with a smaller share of both versions together are compared as one: the index of a rare value is mostly chance."""
REST = "\0rest"
"""Stands for all of them; no value of shop data is spelt so."""
NAMED = 5
"""New and lost values that a row names; of the others it says how many."""


class DriftRow(Record):
    """One thing compared."""

    slice: str
    """`skill/locale`, a locale, or `all`."""
    what: str
    """What is compared: examples, characters, categories, ..."""
    psi: float | None
    """Population stability index; None for a count, whose relative change decides."""
    chance: float | None
    """The index that two equal populations of these sizes exceed with probability 1 - CONFIDENCE."""
    verdict: Verdict
    said: str
    """What moved, in words and numbers."""


def drift(previous: Card, current: Card) -> list[DriftRow]:
    """The table: the whole first, then each locale's vocabulary, then each skill and locale."""
    return [*whole(previous, current), *locales(previous, current), *slices(previous, current)]


def compared(
    place: tuple[str, str], previous: Mapping[str, int], current: Mapping[str, int], texts: tuple[int, int], said: str
) -> DriftRow:
    """The row of two distributions; `texts` are the independent draws behind each (words of one text are not)."""
    index = psi(previous, current)
    by_chance = chance(len(previous.keys() | current.keys()), *texts)
    return DriftRow(
        slice=place[0],
        what=place[1],
        psi=round(index, 4),
        chance=round(by_chance, 4),
        verdict=verdict_of(index, by_chance),
        said=said,
    )


def counted(place: tuple[str, str], before: int, now: int) -> DriftRow:
    """The row of a count of examples."""
    return changed(place, before, now, f"{before:,} -> {now:,} examples", by_chance=False)


def rated(place: tuple[str, str], finds: tuple[int, int], texts: tuple[int, int]) -> DriftRow:
    """The row of finds in so many texts: their rate, unless two Poisson counts of one rate would differ as much.

    The test is the normal one of two rates with their pooled variance (Przyborowski & Wilenski, Biometrika 1940, is its exact form).
    """
    before, now = (found / max(1, size) for found, size in zip(finds, texts, strict=True))
    pooled = sum(finds) / max(1, sum(texts))
    spread = math.sqrt(pooled * sum(1 / max(1, size) for size in texts))
    by_chance = abs(now - before) <= NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * spread
    said = f"{1000 * before:,.2f} -> {1000 * now:,.2f} per 1,000 examples"
    return changed(place, before, now, said, by_chance)


def changed(place: tuple[str, str], before: float, now: float, said: str, by_chance: bool) -> DriftRow:
    """The row of a number by its relative change."""
    change = abs(now - before) / before if before else math.inf if now else 0.0
    verdict: Verdict = "unchanged" if change < MOVED else "moved" if change <= MOVED_A_LOT else "moved a lot"
    if verdict != "unchanged" and by_chance:
        verdict = "too few to tell"
    elif not before and now:
        verdict = "new"
    elif before and not now:
        verdict = "gone"
    percent = f" ({now / before - 1:+.0%})" if before else ""
    return DriftRow(slice=place[0], what=place[1], psi=None, chance=None, verdict=verdict, said=said + percent)


def whole(previous: Card, current: Card) -> Iterator[DriftRow]:
    """All examples together."""
    texts = previous.examples, current.examples
    yield counted(("all", "examples"), *texts)
    mixes = {
        "skills": [by(card, "skill") for card in (previous, current)],
        "locales": [by(card, "locale") for card in (previous, current)],
        "splits": [card.splits for card in (previous, current)],
        "sources": [{name: part.examples for name, part in card.sources.items()} for card in (previous, current)],
    }
    for what, (before, now) in mixes.items():
        yield compared(("all", what), *without_rare(before, now), texts, news(before, now))
    rows = [fates(card) for card in (previous, current)]
    yield compared(("all", "rows"), *rows, (rows[0].total(), rows[1].total()), shift(*rows))
    yield from personal(previous, current)


def by(card: Card, field: str) -> Counter[str]:
    """Examples for each skill, or for each locale."""
    found: Counter[str] = Counter()
    for part in card.slices:
        found[getattr(part, field)] += part.examples
    return found


def fates(card: Card) -> Counter[str]:
    """Collected rows by what became of them."""
    found: Counter[str] = Counter()
    for table in card.tables.values():
        found.update(kept=table.kept, duplicates=table.duplicates, rejected=table.rejected)
    return found


def personal(previous: Card, current: Card) -> Iterator[DriftRow]:
    """Findings of each type for a thousand examples."""
    for kind in sorted(previous.personal_data.keys() | current.personal_data.keys()):
        finds = previous.personal_data.get(kind, 0), current.personal_data.get(kind, 0)
        yield rated(("all", f"personal data: {kind}"), finds, (previous.examples, current.examples))


def locales(previous: Card, current: Card) -> Iterator[DriftRow]:
    """The words, and the languages where they are identified, of each locale that both versions have."""
    texts = [by(card, "locale") for card in (previous, current)]
    for locale in sorted(previous.vocabulary.keys() & current.vocabulary.keys()):
        before, now = previous.vocabulary[locale], current.vocabulary[locale]
        sizes = texts[0][locale], texts[1][locale]
        said = f"{before.distinct:,} -> {now.distinct:,} words"
        yield compared((locale, "vocabulary"), *without_rare(*alike(before, now)), sizes, said)
        identified = [card.languages.get(locale, {}) for card in (previous, current)]
        if all(identified):
            yield compared((locale, "languages"), *without_rare(*identified), sizes, news(*identified))


def slices(previous: Card, current: Card) -> Iterator[DriftRow]:
    """Each skill and locale of either version."""
    before, now = ({part.name: part for part in card.slices} for card in (previous, current))
    for name in sorted(before.keys() | now.keys()):
        sizes = [part[name].examples if name in part else 0 for part in (before, now)]
        yield counted((name, "examples"), *sizes)
        if all(sizes):
            yield from contents(before[name], now[name])


def contents(before: SliceCard, now: SliceCard) -> Iterator[DriftRow]:
    """What a slice that both versions have is made of."""
    texts = before.examples, now.examples
    for unit in ("characters", "words"):
        lengths: list[Lengths] = [getattr(part, unit) for part in (before, now)]
        medians = [part.quantiles["median"] for part in lengths]
        said = f"median {medians[0]:,} -> {medians[1]:,} {unit}"
        yield compared((now.name, unit), *deciles(lengths[0].histogram, lengths[1].histogram), texts, said)
    categories = alike(before.categories, now.categories)
    said = news(*categories, whole=before.categories.complete and now.categories.complete)
    yield compared((now.name, "categories"), *without_rare(*categories), texts, said)
    filled = [{name: part.filled for name, part in card.attributes.items()} for card in (before, now)]
    yield compared((now.name, "attributes"), *without_rare(*filled), texts, news(*filled))


def deciles(previous: Mapping[int, int], current: Mapping[int, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Two histograms over the same few parts, each of which holds about a tenth of the previous lengths."""
    least = sum(previous.values()) / PARTS
    before, now, part = Counter[str](), Counter[str](), 0
    for lower in bins((previous, current)):
        if before[str(part)] >= least:
            part += 1
        before[str(part)] += previous.get(lower, 0)
        now[str(part)] += current.get(lower, 0)
    return before, now


def alike(before: Frequencies, now: Frequencies) -> tuple[dict[str, int], dict[str, int]]:
    """Two top lists over the values whose count both know; all others are the rest.

    A value that one list lacks was never there if that list is complete, and unknown if it is not.
    """
    known = {
        value
        for value in before.top.keys() | now.top.keys()
        if (value in before.top or before.complete) and (value in now.top or now.complete)
    }

    def counts(part: Frequencies) -> dict[str, int]:
        found = {value: part.top.get(value, 0) for value in sorted(known)}
        rest = part.total - sum(found.values())
        return {**found, REST: rest} if rest else found

    return counts(before), counts(now)


def without_rare(previous: Mapping[str, int], current: Mapping[str, int]) -> tuple[Counter[str], Counter[str]]:
    """The same two distributions, with the rare values of both as one part."""
    sizes = [max(1, sum(counts.values())) for counts in (previous, current)]
    merged = Counter[str](), Counter[str]()
    for value in sorted(previous.keys() | current.keys()):
        counts = previous.get(value, 0), current.get(value, 0)
        rare = counts[0] / sizes[0] + counts[1] / sizes[1] < 2 * RARE
        for side, count in zip(merged, counts, strict=True):
            side[REST if rare else value] += count
    return merged


def news(previous: Mapping[str, int], current: Mapping[str, int], whole: bool = True) -> str:
    """The new and the lost values, the largest first; where there are none, the value whose share moved most.

    Args:
        whole: whether both versions list all their values; if not, only the frequent ones are spoken of.
    """
    new = {value: count for value, count in current.items() if count and not previous.get(value)}
    lost = {value: count for value, count in previous.items() if count and not current.get(value)}
    among = "" if whole else " among the frequent"
    parts = [
        f"{word}{among}: {listed(values)}" for word, values in (("new", new), ("lost", lost)) if values.keys() - {REST}
    ]
    return "; ".join(parts) or shift(previous, current)


def listed(values: Mapping[str, int]) -> str:
    """`a, b and 3 more`, the most frequent first."""
    names = sorted(values.keys() - {REST}, key=lambda value: (-values[value], value))
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def shift(previous: Mapping[str, int], current: Mapping[str, int]) -> str:
    """The value whose share moved most."""
    sizes = [max(1, sum(counts.values())) for counts in (previous, current)]

    def shares(value: str) -> tuple[float, float]:
        return previous.get(value, 0) / sizes[0], current.get(value, 0) / sizes[1]

    values: Iterable[str] = sorted((previous.keys() | current.keys()) - {REST})
    most = max(values, key=lambda value: abs(shares(value)[1] - shares(value)[0]), default=None)
    if most is None or round(shares(most)[0], 3) == round(shares(most)[1], 3):
        return "same shares"
    return f"{most} {shares(most)[0]:.1%} -> {shares(most)[1]:.1%}"
