"""What the summary knows of a language: where a thought ends, which words praise or blame, and which say nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import regex
import yaml

from ecom_llm.prepare.words import language_of
from ecom_llm.records import UserError


@dataclass(frozen=True)
class Wording:
    """One language's part of wording.yaml, which says what each is for."""

    border: regex.Pattern[str]
    good: frozenset[str]
    bad: frozenset[str]
    turning: frozenset[str]
    negation: str
    wishing: frozenset[str]
    mild: frozenset[str]
    empty: frozenset[str]
    told: Mapping[str, str]


def listed(text: str) -> frozenset[str]:
    """Words as a set, from a text in which spaces part them."""
    return frozenset(text.split())


@cache
def wordings() -> dict[str, Wording]:
    """Language -> its wording."""
    found = yaml.safe_load(files(__package__).joinpath("wording.yaml").read_text(encoding="utf-8"))
    return {language: as_wording(**part) for language, part in found.items()}


def as_wording(border: str, negation: str, told: dict[str, str], **lists: str) -> Wording:
    sets = {name: listed(words) for name, words in lists.items()}
    return Wording(border=regex.compile(border, regex.IGNORECASE), negation=negation, told=told, **sets)


def wording_of(locale: str) -> Wording:
    """The wording of a locale's language.

    Raises:
        UserError: it is none of those known.
    """
    language = language_of(locale)
    if language not in wordings():
        raise UserError(f"summarise: reads reviews in {', '.join(wordings())}, found locale {locale!r}.")
    return wordings()[language]
