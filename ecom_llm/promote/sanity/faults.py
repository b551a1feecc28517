"""Faults that single texts have: empty, cut off, in another language, broken, forbidden, or telling personal data."""

from collections.abc import Iterator, Mapping, Sequence

import regex

from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.ngrams import language, units
from ecom_llm.params import Sanity
from ecom_llm.promote.sanity.finding import Finding, Texts, more_often
from ecom_llm.promote.sanity.scripts import mixed
from ecom_llm.promote.sanity.superlatives import forbidden
from ecom_llm.skills.slots import CLOSE, OPEN
from ecom_llm.write.candidates import BROKEN

ENDED = regex.compile(r"[\p{P}\p{S}]\Z")
"""The last sign of a text that came to its end: a full stop, a bracket, an emoji."""
GOES_ON = (",", "，", "、", ":", "：", ";", "；", "-", "–", "—", "(", "（", "[", "【", "“", "‘", "《", "/", "&", "+")
"""Signs after which a sentence goes on."""
UNREADABLE = (BROKEN, OPEN, CLOSE)


def empty(text: str, locale: str) -> bool:
    return not units(text, locale)


def cut_off(text: str) -> bool:
    """Whether a text breaks off: no sign ends its last sentence. Titles do that too, which is why references are asked."""
    text = text.rstrip()
    return bool(text) and (ENDED.search(text) is None or text.endswith(GOES_ON))


def unreadable(text: str) -> bool:
    """Whether half a character, or a slot that was not filled, stands in a text."""
    return any(sign in text for sign in UNREADABLE)


def foreign(texts: Sequence[str], locale: str) -> list[bool]:
    """Which texts are surely in another language than the locale's, as `prepare` tells it."""
    # imported where it is used: Daft, Polars and lingua take a second that an import of the gate need not cost
    import polars as pl

    from ecom_llm.prepare.language import identified_texts

    column = pl.Series(list(texts), dtype=pl.String)
    told = identified_texts(column, pl.Series([locale] * len(texts), dtype=pl.String))
    return [found is not None and found != language(locale) for found in told.to_list()]


Kinds = Mapping[tuple[str, str], Sequence[Sequence[bool]]]
"""(measure, what it is in words) -> which texts have a fault, and which references."""


def held_against(kinds: Kinds, texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """Each kind of fault against how many references have it."""
    for (measure, what), (ours, theirs) in kinds.items():
        yield more_often(measure, what, texts, ours, theirs, rules.max_faulty)


def no_texts(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """What is no text at all: a fault however few texts there are."""
    both = (texts.written, texts.references)
    kinds = {
        ("empty", "hold no word"): [[empty(text, texts.locale) for text in side] for side in both],
        ("broken", "hold half a character or an open slot"): [[unreadable(text) for text in side] for side in both],
    }
    yield from held_against(kinds, texts, rules)


def faults(texts: Texts, rules: Sanity) -> Iterator[Finding]:
    """The other kinds of fault that a text has or has not."""
    locale, both = texts.locale, (texts.written, texts.references)
    kinds = {
        ("cut_off", "break off"): [[cut_off(text) for text in side] for side in both],
        ("language", f"are in another language than {locale}"): [foreign(side, locale) for side in both],
        ("scripts", "mix in letters of another script"): list(mixed(texts.outputs)),
    }
    if texts.skill == "advertise":
        kinds["superlatives", "hold a superlative that China's Advertising Law forbids (Art. 9)"] = [
            [forbidden(text, locale) for text in side] for side in both
        ]
    yield from held_against(kinds, texts, rules)


def told_personal(output: Output) -> set[str]:
    """Types of personal data in a text whose value neither its prompt nor its reference holds."""
    from ecom_llm.prepare.personal import find

    known = "\n".join((output.reference, *output.attributes.values()))
    spans = ((span.type, output.text[span.start : span.end]) for span in find(output.text))
    return {kind for kind, value in spans if value not in known}


def personal_data(texts: Texts, rules: Sanity) -> Finding:
    """Personal data that the model brought along. The types are named, and never the values: decisions are kept for long."""
    told = [told_personal(output) for output in texts.outputs]
    share = sum(map(bool, told)) / len(told)
    kinds = ", ".join(sorted(set().union(*told))) or "none"
    return Finding(
        measure="personal_data",
        slice=texts.name,
        found=share,
        bound=rules.max_personal_data,
        at_most=True,
        said=f"{share:.1%} of its texts hold personal data that neither prompt nor reference holds (types: {kinds}); at most "
        f"{rules.max_personal_data:.1%} may",
        example=next((output.id for output, kinds in zip(texts.outputs, told, strict=True) if kinds), ""),
    )
