"""Cheap hints at personal data, so that inspecting counts it and never shows it; `prepare` is what removes it.

These patterns ask for no checksum and know no context: they may count an article number, and they miss names and addresses.
"""

import re

HINTS: dict[str, re.Pattern[str]] = {
    # the look-behind makes a run of letters without @ cost its length once, not squared
    "e-mail address": re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{2,63})+"),
    "identity number": re.compile(
        r"(?<!\d)[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx](?![\dXx])"
    ),
    "bank card": re.compile(r"(?<!\d)\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?!\d)"),
    "phone number": re.compile(
        # not inside of a link, a file name or a longer code
        r"(?<![A-Za-z0-9_./=-])(?:(?:\+?86[ -]?)?1[3-9]\d[ -]?\d{4}[ -]?\d{4}|\+\d{1,3}[ -]?\d[\d -]{6,12}\d"
        r"|\(\d{3}\) ?\d{3}[-.]\d{4}|\d{3}([-.])\d{3}\1\d{4})(?![\d.]?\d|[A-Za-z_/-])"
    ),
    "IP address": re.compile(r"(?<![\d.])(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)(?![\d.])"),
}
"""Kind -> pattern, the surest first."""
TELLING = re.compile(r"@|\d[\d .()-]{5,}\d")
"""What every hint needs: most cells end here."""
HIDDEN = "[hidden]"


def hints_in(text: str) -> list[str]:
    """The kind of each likely piece of personal data in a text."""
    if not TELLING.search(text):
        return []
    found = []
    for kind, pattern in HINTS.items():
        text, count = pattern.subn(" ", text)  # what is an e-mail address is no phone number as well
        found += [kind] * count
    return found


def masked(text: str) -> str:
    """The text with each likely piece of personal data replaced by its kind in brackets."""
    if TELLING.search(text):
        for kind, pattern in HINTS.items():
            text = pattern.sub(f"[{kind}]", text)
    return text
