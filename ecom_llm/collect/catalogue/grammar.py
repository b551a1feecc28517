"""The small grammar that turns wording templates into sentences: choices, agreement, articles and capitals."""

import re
from random import Random

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_ARTICLE = re.compile(r"\ba~ (\S+)")
# An acronym takes the article of its first letter's name: "an HDMI port", "a USB port".
_LETTERS_SPOKEN_WITH_A_VOWEL = "AEFHILMNORSX"

SINGULAR = {
    "it": "it", "its": "its", "them": "it", "is": "is", "has": "has", "does": "does",
    "s": "s", "es": "es", "ies": "ies", "this": "this", "one": "a~",
}  # fmt: skip
PLURAL = {
    "it": "they", "its": "their", "them": "them", "is": "are", "has": "have", "does": "do",
    "s": "", "es": "", "ies": "y", "this": "these", "one": "a pair of",
}  # fmt: skip


def choose(template: str, rng: Random) -> str:
    """Resolve every `[a|b|c]` of the template, innermost first; the alternatives are equally likely."""
    while "[" in template:
        template = _CHOICE.sub(lambda match: rng.choice(match[1].split("|")), template)
    return template


def with_articles(text: str) -> str:
    """Turn each `a~` into `a` or `an`, as the next word is spoken."""
    return _ARTICLE.sub(lambda match: ("an " if _starts_with_a_vowel(match[1]) else "a ") + match[1], text)


def _starts_with_a_vowel(word: str) -> bool:
    letters = word.strip(".,:;!?")
    if letters[0].isdigit():
        return letters[0] == "8" or letters.startswith(("11", "18"))
    if len(letters) > 1 and letters.isupper():
        return letters[0] in _LETTERS_SPOKEN_WITH_A_VOWEL
    return letters[0].lower() in "aeiou" and not letters.lower().startswith(("uni", "use", "eu", "one"))


def with_capitals(text: str) -> str:
    """Begin each sentence of an English text with a capital (a colon ends none), and close gaps before commas."""
    tidy = re.sub(r" +([,.:;!?])", r"\1", re.sub(r" {2,}", " ", text))
    return re.sub(r"(^|[.!?] )([a-z])", lambda match: match[1] + match[2].upper(), tidy)
