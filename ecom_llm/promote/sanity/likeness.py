"""What texts are like together: how long, how repetitive, how alike, how copied, and whether they read like the shop's."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from statistics import fmean as mean

from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.matching import normal
from ecom_llm.evaluate.ngrams import LONG, by_characters, copied_whole, distinct, ngrams, units
from ecom_llm.params import Sanity
from ecom_llm.prepare.repetition import repetition as repeating
from ecom_llm.promote.sanity.finding import Finding, Texts, as_many_as, more_often
from ecom_llm.promote.sanity.recount import example_of
from ecom_llm.skills.answer import known as listed


def length(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Words of all texts over those of their references, held against the bound it is nearer to."""
    wanted = sum(len(units(one, texts.locale)) for one in texts.references)
    if not wanted:
        return
    sizes = [len(units(one, texts.locale)) for one in texts.written]
    ratio = sum(sizes) / wanted
    short = ratio < 1
    bound = rules.min_length_ratio if short else rules.max_length_ratio
    yield Finding(
        measure="length",
        slice=texts.name,
        found=ratio,
        bound=bound,
        at_most=not short,
        said=f"its texts are {ratio:.3g} times as long as the references; {'at least' if short else 'at most'} {bound:g}",
        example=texts.outputs[sizes.index((min if short else max)(sizes))].id,
    )


def repetition(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """How much of a text repeats itself, as `prepare` measures it when it turns texts down."""
    shares = [repeating(text) for text in texts.written]
    ours, theirs = mean(shares), mean([repeating(one) for one in texts.references])
    yield Finding(
        measure="repetition",
        slice=texts.name,
        found=ours,
        bound=theirs + rules.max_repetition,
        at_most=True,
        said=f"{ours:.1%} of a text repeats itself, of a reference {theirs:.1%}; at most {rules.max_repetition:.1%} more may",
        example=texts.outputs[shares.index(max(shares))].id,
    )


def asked(output: Output) -> Hashable:
    """What equal texts may have in common: the prompt; of questions without a listing the product.

    Those are answered by quoting what was said of the product before, and one earlier answer rightly serves several of
    its questions.
    """
    unlisted = output.skill == "answer" and not listed(example_of(output))
    return output.cluster if unlisted else tuple(output.attributes.items())


def again(texts: Texts, written: Sequence[str]) -> list[bool]:
    """Which texts also stand under another prompt; equal prompts may have equal texts."""
    prompts: dict[str, set[Hashable]] = defaultdict(set)
    for output, text in zip(texts.outputs, written, strict=True):
        prompts[normal(text)].add(asked(output))
    return [len(prompts[normal(text)]) > 1 for text in written]


def equal(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """One text for many prompts."""
    ours, theirs = (again(texts, side) for side in (texts.written, texts.references))
    yield more_often("equal", "also stand under another prompt", texts, ours, theirs, rules.max_equal)


def variety(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Distinct 4-grams over all texts, beside the references': both are as many, so that their number plays no part."""
    ours, theirs = (distinct(side, texts.locale, 4) for side in (texts.written, texts.references))
    if ours is None or not theirs:
        return
    alike = known_shares(texts.written, texts.written, texts.locale, 4)
    said = f"its share of distinct 4-grams is {ours:.3g}, that of the references {theirs:.3g}"
    yield as_many_as(
        "distinct", texts, ours, theirs, rules.min_distinct, said, texts.outputs[alike.index(max(alike))].id
    )


def known_shares(side: Sequence[str], known: Sequence[str], locale: str, n: int) -> list[float]:
    """Of each text the share of its n-grams that one of `known` holds, its own place there left out; 0 without n-grams."""
    grams = [set(ngrams(units(one, locale), n)) for one in known]
    holders = Counter(gram for found in grams for gram in found)
    shares = []
    for text, own in zip(side, grams, strict=True):
        written = ngrams(units(text, locale), n)
        held = sum(holders[gram] > (gram in own) for gram in written)
        shares.append(held / len(written) if written else 0.0)
    return shares


def familiar(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Whether texts read like the shop's: their word pairs stand in other examples' references, as the references' own do."""
    shares = known_shares(texts.written, texts.references, texts.locale, 2)
    ours, theirs = mean(shares), mean(known_shares(texts.references, texts.references, texts.locale, 2))
    if not theirs:
        return
    said = f"{ours:.1%} of a text's word pairs stand in another example's reference, of a reference's {theirs:.1%}"
    yield as_many_as(
        "familiar", texts, ours, theirs, rules.min_familiar, said, texts.outputs[shares.index(min(shares))].id
    )


def copied(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Texts that stand in training from their first word to their last and are longer than a turn of phrase.

    Each text's longest overlap with training is in its outputs; of the references the evidence has the share alone.
    """
    known = [(one, one.ratios["longest_overlap"][0]) for one in texts.outputs if "longest_overlap" in one.ratios]
    if not known:
        return
    least = LONG[by_characters(texts.locale)]
    whole = [one.id for one, overlap in known if copied_whole(one.text, int(overlap), texts.locale) > least]
    ours, theirs = len(whole) / len(known), texts.of_references("longest_overlap_whole")
    yield Finding(
        measure="copied",
        slice=texts.name,
        found=ours,
        bound=theirs + rules.max_copied,
        at_most=True,
        said=f"{ours:.1%} of its texts stand in training word for word, of the references {theirs:.1%}; at most "
        f"{rules.max_copied:.1%} more may",
        example=next(iter(whole), ""),
    )


def unsupported(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Values stated that are not the product's."""
    ours, theirs = texts.measured("unsupported_rate"), texts.of_references("unsupported_rate")
    if ours is None:
        return
    worst = max(texts.outputs, key=lambda one: one.ratios.get("unsupported_rate", (0.0, 0.0))[0])
    yield Finding(
        measure="unsupported",
        slice=texts.name,
        found=ours,
        bound=theirs + rules.max_unsupported,
        at_most=True,
        said=f"{ours:.1%} of the values it states are not the product's, of those of the references {theirs:.1%}; at most "
        f"{rules.max_unsupported:.1%} more may",
        example=worst.id,
    )


RULES = (length, repetition, equal, variety, familiar, copied, unsupported)
