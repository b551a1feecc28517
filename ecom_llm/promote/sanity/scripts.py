"""Texts in two scripts at once: English with a few Chinese characters between the words, Chinese that goes on in English.

`language` tells what most of a text is written in; a model that slips from one locale into the other for a word or a sentence
passes there. References say which scripts the shop mixes itself: Chinese texts are full of Latin brands.
"""

from collections.abc import Mapping, Sequence
from math import ceil

import regex

from ecom_llm.evaluate.evidence import Output

SCRIPTS = {
    "Latin": regex.compile(r"\p{Latin}"),
    "Han": regex.compile(r"\p{Han}"),
    "Kana": regex.compile(r"[\p{Hiragana}\p{Katakana}]"),
    "Hangul": regex.compile(r"\p{Hangul}"),
    "Cyrillic": regex.compile(r"\p{Cyrillic}"),
    "Arabic": regex.compile(r"\p{Arabic}"),
    "others": regex.compile(
        r"(?V1)[\p{L}--[\p{Latin}\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}\p{Cyrillic}\p{Arabic}]]"
    ),
}
USUAL = 0.99
"""Share of references whose mixing is the shop's manner; what the last ones do may be a fault of the data."""
BEYOND = 0.1
"""Share of its letters by which a text may exceed that, in scripts that the shop mixes."""
Shares = Mapping[str, float]
"""Script -> its share of a text's letters."""


def shares(text: str, output: Output) -> Shares:
    """The scripts of a text's letters, those of the values that its prompt shows left out: they are written as they are."""
    for value in sorted(output.attributes.values(), key=len, reverse=True):
        text = text.replace(value, " ")
    counts = {name: len(pattern.findall(text)) for name, pattern in SCRIPTS.items()}
    letters = sum(counts.values())
    return {name: count / letters for name, count in counts.items()} if letters else {}


def usual(references: Sequence[Shares]) -> Shares:
    """The largest share of each script in all but the last hundredth of the references."""
    last = ceil(USUAL * len(references)) - 1
    return {name: sorted(one.get(name, 0.0) for one in references)[last] for name in SCRIPTS}


def mixes(found: Shares, most: Shares) -> bool:
    """Whether a text holds letters of a script that hardly a reference holds, or many more of it than they do."""
    return any(share > (most[name] + BEYOND if most[name] else 0.0) for name, share in found.items())


def mixed(outputs: Sequence[Output]) -> tuple[list[bool], list[bool]]:
    """Which texts mix scripts, and which of their references do."""
    ours = [shares(one.text, one) for one in outputs]
    theirs = [shares(one.reference, one) for one in outputs]
    most = usual(theirs)
    return [mixes(one, most) for one in ours], [mixes(one, most) for one in theirs]
