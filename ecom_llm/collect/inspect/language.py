"""The language of a sample, as far as its script tells it."""

import re
from collections.abc import Iterable

CHARACTERS = 200_000
"""Characters that are enough to tell."""
SCRIPTS = {
    "ja": re.compile("[\u3040-\u30ff]"),
    "ko": re.compile("[\uac00-\ud7af]"),
    "zh": re.compile("[\u4e00-\u9fff]"),
    "ru": re.compile("[\u0400-\u04ff]"),
    "ar": re.compile("[\u0600-\u06ff]"),
    "th": re.compile("[\u0e00-\u0e7f]"),
    "el": re.compile("[\u0370-\u03ff]"),
    "he": re.compile("[\u0590-\u05ff]"),
    "hi": re.compile("[\u0900-\u097f]"),
}
"""Locale -> its script. Kana is asked for before Han: Japanese has both."""
LEAST = 0.15
"""Share of the letters in a script before a text is of it: a Chinese character says as much as three Latin letters."""
LATIN = "en"


def guess(texts: Iterable[str]) -> tuple[str, str]:
    """Locale and the reason. A Latin script says nothing of the language: it is assumed to be English, and said to be."""
    letters, size = [], 0
    for text in texts:
        letters.append("".join(filter(str.isalpha, text)))
        size += len(text)
        if size > CHARACTERS:
            break
    written = "".join(letters)
    # letters only: half of a Chinese listing may be digits, units and brand names
    for locale, script in SCRIPTS.items():
        found = len(script.findall(written)) / len(written) if written else 0
        if found >= LEAST:
            return locale, f"{found:.0%} of the letters are in its script"
    return LATIN, "assumed: the script is Latin"
