"""The statistics of outputs counted again from their texts, by the functions that evaluation counts with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from math import isfinite, log, log2, nan

from ecom_llm.evaluate.evidence import DIGITS, Output, slice_value
from ecom_llm.evaluate.matching import all_members, matchers
from ecom_llm.evaluate.ngrams import (
    LONG,
    ROUGE,
    bleu_scorer,
    by_characters,
    chrf_scorer,
    copied_whole,
    corpus_statistics,
    keywords_held,
    lengths,
    repeated,
    rouge,
)
from ecom_llm.records import Example
from ecom_llm.skills import SKILLS

Counted = tuple[float, ...]
"""The statistics of one output; NaN where anything may stand."""
LAST = 2 * 10**-DIGITS
"""How far a statistic may be off: the last decimal that is kept."""
SLACK = 0.05
"""How far the share of stated values may be from what is claimed: the gate knows the values of the test set alone."""
FEW = 3
"""Values that make no difference, however few there are."""


def mean_of(value: float | None) -> Counted:
    """The pair of a metric that is a mean over texts."""
    return (0.0, 0.0) if value is None else (float(value), 1.0)


def by_corpus(outputs: Sequence[Output], name: str) -> list[Counted]:
    """BLEU's or chrF's counts."""
    scorer = bleu_scorer(outputs[0].locale) if name == "bleu" else chrf_scorer()
    return corpus_statistics(scorer, [one.text for one in outputs], [one.reference for one in outputs])


def of_each(count: Callable[[Output], Counted]) -> Callable[[Sequence[Output]], list[Counted]]:
    return lambda outputs: [count(one) for one in outputs]


def bytes_of(one: Output) -> Counted:
    """Bits are the model's; the bytes are the reference's."""
    return nan, float(len(one.reference.encode()))


def nats_of(one: Output, bits: str) -> Counted:
    """Nats are bits in another unit; how many tokens there are only the tokenizer knows."""
    found = one.ratios.get(bits)
    return (found[0] * log(2) if found else nan), nan


def overlap_of(one: Output, whole: bool) -> Counted:
    """Whether the longest overlap with training is long, or is the whole text and long."""
    overlap = int(one.ratios["longest_overlap"][0]) if "longest_overlap" in one.ratios else 0
    counted = copied_whole(one.text, overlap, one.locale) if whole else overlap
    return float(counted > LONG[by_characters(one.locale)]), 1.0


def place_of(one: Output, name: str) -> Counted:
    """Hit, gain and reciprocal rank all tell one place, and the text is what stands at the first."""
    told = one.ratios.get("mrr@10", (nan,))[0]
    if not isfinite(told) and one.text != one.reference:
        return nan, 1.0
    place = 1 if one.text == one.reference else round(1 / told) if told > 0 else 0
    if place == 1 and one.text != one.reference:
        place = 0
    worth = {"hit@10": 1.0, "ndcg@10": 1 / log2(place + 1) if place else 0.0, "mrr@10": 1 / place if place else 0.0}
    return worth[name] if place else 0.0, 1.0


COUNTED: Mapping[str, Callable[[Sequence[Output]], list[Counted]]] = {
    "bleu": partial(by_corpus, name="bleu"),
    "chrf": partial(by_corpus, name="chrf"),
    **{
        name: of_each(lambda one, name=name: mean_of(rouge(name, one.text, one.reference, one.locale)))
        for name in ROUGE
    },
    "seq_rep_4": of_each(lambda one: mean_of(repeated(one.text, one.locale, 4))),
    "length_ratio": of_each(lambda one: lengths(one.text, one.reference, one.locale)),
    "keyword_coverage": of_each(lambda one: keywords_held(one.text, one.reference, one.locale)),
    "longest_overlap_long": of_each(partial(overlap_of, whole=False)),
    "longest_overlap_whole": of_each(partial(overlap_of, whole=True)),
    **{f"{kind}bits_per_byte": of_each(bytes_of) for kind in ("", "pseudo_")},
    **{f"{kind}perplexity": of_each(partial(nats_of, bits=f"{kind}bits_per_byte")) for kind in ("", "pseudo_")},
    **{name: of_each(partial(place_of, name=name)) for name in ("hit@10", "ndcg@10", "mrr@10")},
}
"""Metric -> the statistics that the texts of one slice have."""


def same(recorded: Sequence[float], counted: Counted) -> bool:
    return len(recorded) == len(counted) and all(
        isfinite(one) and (abs(one - other) <= LAST + 1e-9 * abs(other) or not isfinite(other))
        for one, other in zip(recorded, counted, strict=True)
    )


def miscounted(outputs: Sequence[Output]) -> Iterator[str]:
    """The outputs of one slice whose statistics are not those of their texts, and every number that is none."""
    names = dict.fromkeys(name for one in outputs for name in (*one.ratios, *one.statistics))
    for name in names:
        holders = [one for one in outputs if one.sums(name) is not None]
        count = COUNTED.get(name)
        anything = [(nan,) * len(one.sums(name)) for one in holders]
        for one, counted in zip(holders, count(holders) if count else anything, strict=True):
            if not same(one.sums(name), counted):
                yield f"{one.id} {name}"


def example_of(one: Output) -> Example:
    """The example behind an output, as far as the matcher asks."""
    return Example(
        id=one.id,
        skill=one.skill,
        locale=one.locale,
        attributes=one.attributes,
        target=one.reference,
        product=one.cluster,
        group=one.cluster,
        source="",
    )


def misread(outputs: Sequence[Output]) -> Iterator[str]:
    """Where the texts of a slice state fewer of their values, or more of others, than their statistics claim."""
    skill, locale = outputs[0].skill, outputs[0].locale
    if skill not in SKILLS or not any("attribute_coverage" in one.ratios for one in outputs):
        return
    examples = [example_of(one) for one in outputs]
    matcher = matchers(examples)[skill, locale]
    held = wanted = strange = stated = 0
    for one, example in zip(outputs, examples, strict=True):
        found = matcher.find(one.text)
        owed = matcher.named(all_members(SKILLS[skill].facts(example)))
        held, wanted = held + len(owed & found), wanted + len(owed)
        strange, stated = strange + len(found - matcher.named(all_members(one.attributes))), stated + len(found)
    claims = [("attribute_coverage", held, wanted, 1), ("unsupported_rate", strange, stated, -1)]
    for name, count, of, better in claims:
        claimed = slice_value(name, outputs)
        if claimed is not None and of and better * (claimed - count / of) > max(SLACK, FEW / of):
            yield f"{skill}/{locale} {name} is {claimed:.4g} by its outputs, and {count / of:.4g} by their texts"
