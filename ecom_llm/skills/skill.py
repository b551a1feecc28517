"""What every skill is made of: how records become examples, the words around them, and how its text is judged."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ecom_llm.records import Example, Tables
from ecom_llm.skills.asking import Asking


@dataclass(frozen=True)
class Skill:
    """One e-commerce task the model can do. A skill is a value, defined in a file of its own."""

    name: str
    examples: Callable[[Tables], Iterator[Example]]
    """Records -> examples, in the order of the records."""
    prompt: Callable[[Example], str]
    """Example -> what the user asks; the model's chat template puts it into its own form."""
    template: Callable[[Example], str]
    """Example -> the fixed-template text that a shop without a model would print: a baseline."""
    facts: Callable[[Example], Mapping[str, str]]
    """Example -> the attributes its text is to state; empty where there is nothing to check."""
    owes_all: bool
    """Whether its text owes every fact: an advert may choose, and an answer owes what was asked."""
    slots: Callable[[Example], Mapping[str, str]]
    """Example -> the attributes whose values its text may state word for word, and which may therefore become slots."""
    rivals: Callable[[Example], list[Example]]
    """Example -> the same with what else might have been asked, and what its text is not to sound like: other stars."""
    narrowed: Callable[[Example, Mapping[str, Asking]], Example]
    """(example, what was learned of each locale's questions) -> the example with what it asks about alone."""
    finish: Callable[[str, str], str]
    """(text, locale) -> the text as it may be shown, with the label a rule demands."""
    metrics: tuple[str, ...]
    """Published names of the metrics that judge it, beside perplexity and bits per byte."""


OVERLAP = tuple(f"longest_overlap{value}" for value in ("", "_p50", "_p95", "_max", "_long", "_whole"))
WRITING = ("bleu", "chrf", "rougeL", "distinct_4", "self_bleu", "seq_rep_4", "length_ratio", *OVERLAP)
"""What judges any text that is written."""
STATING = ("attribute_coverage", "unsupported_rate")
"""What judges a text that is to state attributes."""

Words = Mapping[str, Mapping[str, str]]
"""Locale -> name -> word: what a skill says in each language."""


def words(table: Words, locale: str) -> Mapping[str, str]:
    """The words of a locale, of its language (`zh-TW`, `ZH` -> `zh`), or the English ones."""
    return table.get(locale) or table.get(language(locale)) or table["en"]


def language(locale: str) -> str:
    """The language of a BCP 47 tag, whose case says nothing: `ZH-tw` -> `zh`."""
    return locale.split("-")[0].lower()


def lines(instruction: str, attributes: Mapping[str, str], locale: str) -> str:
    """An instruction, then one `name: value` a line; the name alone where its value is hidden.

    Chinese takes the full-width colon, so that a value is preceded by the same character class as in running text
    and is tokenised alike in the prompt and in the target: copying it is then a matter of copying tokens.
    """
    colon = "：" if language(locale) == "zh" else ": "
    return "\n".join([instruction, *(f"{name}{colon}{value}" if value else name for name, value in attributes.items())])


def without_rivals(example: Example) -> list[Example]:
    """No tone is asked for that could be another."""
    return []


def whole(example: Example, asking: Mapping[str, Asking]) -> Example:
    """All of it is asked for."""
    return example


def unchanged(text: str, locale: str) -> str:
    """No rule of this skill adds anything to the text."""
    return text
