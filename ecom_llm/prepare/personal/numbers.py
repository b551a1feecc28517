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
    r"|\d{6}[ -]\d{10,13}|\d{4}(?:[ -]\d{4}){2}(?:[ -]\d{1,3})?|\d{5}(?:[ -]\d{4,5}){2,3}|\d{8}[ -]\d{8,11})(?!\d)(?!\.\d)",
    FLAGS,
)
MAESTRO = re.compile(r"0604|50[123]|5[678]|6304|6390|67")
PAID = re.compile(r"(?:refund|charge|paid|pay|payment|退款|退到|退回|打款|付款|转账|汇款)[^\d\n]{0,16}\Z", FLAGS)
"""Words beside which thirteen digits are an old Visa card and no barcode, though both their checks hold."""
REST = re.compile(r"\d[ -]\Z")
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


def _is_card(written: str, told: bool, paid: bool) -> bool:
    digits = _digits(written)
    if told or (paid and len(digits) == 12):
        # Twelve digits are a card's only with Maestro's prefixes: many a bank's account number has twelve.
        return luhn(digits) and len(set(digits)) > 1 and (len(digits) > 12 or MAESTRO.match(digits) is not None)
    # Three groups of four without a word are anything: an order, a licence key.
    if len(digits) == 12 and written != digits:
        return False
    # One barcode in ten passes Luhn, and one failed identity number in ten: their own check and shape say what they are.
    barcode = len(digits) in (12, 13) and gtin(digits) and written == digits and not paid
    return card(digits) and not barcode and not (len(digits) == 18 and identity_shape(digits))


def _card(text: str, match: re.Match[str]) -> Span | None:
    before = label(text, match.start())
    glued = match.start() > 0 and text[match.start() - 1].isascii() and text[match.start() - 1].isalpha()
    if before.names("product", "order") or (glued and before.kind != "card"):
        return None
    paid = PAID.search(text[max(0, match.start() - 32) : match.start()]) is not None
    groups = list(GROUP.finditer(match[0]))
    # The last group may be the expiry date or an amount: 4111 1111 1111 1111 12/27.
    for last in range(len(groups), 0, -1):
        end = groups[last - 1].end()
        written = match[0][:end]
        if (
            end == 14 and not written.isdigit() and REST.search(text[: match.start()][-2:])
        ):  # the last three groups of four
            return None
        if 12 <= len(_digits(written)) <= 19 and _is_card(written, before.kind == "card", paid):
            return Span(match.start(), match.start() + end, "BANK_CARD")
    return None


def cards(text: str, where: list[Zone]) -> Iterator[Span]:
    """Bank cards: Luhn, and a known issuer's prefix and length unless the text says card; folded text."""
    yield from scan(CARD, text, _card, where)
