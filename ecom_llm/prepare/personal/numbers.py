"""Resident identity numbers and bank cards: the two that carry a check digit."""

import re
from collections.abc import Iterator

from ecom_llm.prepare.personal.checks import card, first_identity, gtin, identity, identity_shape, luhn
from ecom_llm.prepare.personal.cues import FLAGS, label
from ecom_llm.prepare.personal.span import Span, Zone, scan

IDENTITY = re.compile(r"(?<!\d)[1-9](?:[ -]?\d){16}[ -]?(?:\d(?!\d)|x(?![a-z0-9]))", FLAGS)
FIRST_IDENTITY = re.compile(r"(?<![a-z0-9.-])[1-9]\d{14}(?![a-z0-9])", FLAGS)
CARD = re.compile(
    r"(?<!\d)(?<!\d[.,-])(?:\d{12,19}|\d{4}(?:[ -]{1,2}\d{4}){3}(?:[ -]\d{1,4})?|\d{4}[ -]\d{6}[ -]\d{4,5}"
    r"|\d{6}[ -]\d{10,13}|\d{4}(?:[ -]\d{4}){2}[ -]\d{1,3}|\d{5}(?:[ -]\d{4,5}){2,3}|\d{8}[ -]\d{8,11})(?!\d)(?!\.\d)",
    FLAGS,
)
GROUP = re.compile(r"\d+")


def _digits(text: str) -> str:
    return text.replace(" ", "").replace("-", "")


def _identity(_: str, match: re.Match[str]) -> Span | None:
    return Span(match.start(), match.end(), "ID_NUMBER") if identity(_digits(match[0])) else None


def _first_identity(text: str, match: re.Match[str]) -> Span | None:
    told = label(text, match.start()).names("identity")
    return Span(match.start(), match.end(), "ID_NUMBER") if told and first_identity(match[0]) else None


def identities(text: str, where: list[Zone]) -> Iterator[Span]:
    """Chinese resident identity numbers: 18 characters by their checksum, 15 digits after a cue; folded text."""
    yield from scan(IDENTITY, text, _identity, where)
    yield from scan(FIRST_IDENTITY, text, _first_identity, where)


def _is_card(digits: str, told: bool) -> bool:
    if told and len(digits) > 12:
        return luhn(digits) and len(set(digits)) > 1
    # One barcode in ten passes Luhn, and one failed identity number in ten: their own check and shape say what they are.
    barcode = len(digits) in (12, 13) and gtin(digits) and not told
    return card(digits) and not barcode and not (len(digits) == 18 and identity_shape(digits))


def _card(text: str, match: re.Match[str]) -> Span | None:
    before = label(text, match.start())
    glued = match.start() > 0 and text[match.start() - 1].isascii() and text[match.start() - 1].isalpha()
    if before.names("product", "order") or (glued and before.kind != "card"):
        return None
    groups = list(GROUP.finditer(match[0]))
    # The last group may be the expiry date or an amount: 4111 1111 1111 1111 12/27.
    for last in range(len(groups), 0, -1):
        end = groups[last - 1].end()
        digits = _digits(match[0][:end])
        if 12 <= len(digits) <= 19 and _is_card(digits, before.kind == "card"):
            return Span(match.start(), match.start() + end, "BANK_CARD")
    return None


def cards(text: str, where: list[Zone]) -> Iterator[Span]:
    """Bank cards: Luhn, and a known issuer's prefix and length unless the text says card; folded text."""
    yield from scan(CARD, text, _card, where)
