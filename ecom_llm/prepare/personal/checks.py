"""Checksums and number plans: what tells an identity number, a card or a barcode from any other run of digits."""

import datetime
import re

PROVINCES = frozenset(
    str(number)
    for first, last in [(11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83), (91, 91)]
    for number in range(first, last + 1)
)
"""GB/T 2260: the first two digits of a resident identity number."""
IDENTITY_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
IDENTITY_CHECKS = "10X98765432"
S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)
CARD_SCHEMES = re.compile(
    r"62\d{14,17}|4\d{12}(?:\d{3}){0,2}|5[1-5]\d{14}"  # UnionPay; Visa; Mastercard
    r"|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"  # Mastercard since 2017; American Express
    r"|(?:6011|64[4-9]\d|65\d\d)\d{12}(?:\d{3})?|35\d{14}"  # Discover; JCB
    r"|3(?:0[0-5]|[689]\d)\d{11}(?:\d{2})?|(?:2131|1800)\d{11}"  # Diners Club; JCB of old
    r"|(?:5018|5020|5038|5[678]\d\d|6304|67\d\d)\d{8,15}"  # Maestro
    r"|9558\d{15}|95599\d{14}|103\d{16}|60\d{14}(?:\d{3})?|81\d{14}"  # Chinese debit cards from before UnionPay; RuPay
)
"""Issuer prefixes with the lengths they are used in (ISO/IEC 7812; the schemes' own tables)."""


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1 Annex B: every second digit from the right doubled, the digits' sum divisible by ten."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def gtin(digits: str) -> bool:
    """A barcode's check digit (GS1 General Specifications 7.9: EAN-8, UPC-A, EAN-13, GTIN-14, and so ISBN-13)."""
    if len(digits) not in (8, 12, 13, 14) or not digits.isdigit():
        return False
    return sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(reversed(digits))) % 10 == 0


def calendar_day(year: str, month: str, day: str) -> bool:
    """Whether the three name a day between 1850 and 2099."""
    try:
        return 1850 <= datetime.date(int(year), int(month), int(day)).year <= 2099
    except ValueError:
        return False


def identity_shape(number: str) -> bool:
    """18 characters that begin as a resident identity number does: province, then a birthday at 7 to 14."""
    return number[:2] in PROVINCES and calendar_day(number[6:10], number[10:12], number[12:14])


def identity(number: str) -> bool:
    """GB 11643-1999: 17 digits and an ISO 7064 MOD 11-2 check character, `X` for ten, on a plausible shape."""
    if not identity_shape(number):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number, IDENTITY_WEIGHTS, strict=False))
    return IDENTITY_CHECKS[total % 11] == number[17].upper()


def first_identity(number: str) -> bool:
    """The 15 digits in use until 1999: no check character, two digits for the year; too weak to stand without a cue."""
    return number[:2] in PROVINCES and calendar_day("19" + number[6:8], number[8:10], number[10:12])


def card(digits: str) -> bool:
    """13 to 19 digits of a known issuer's prefix and length, with Luhn's check digit."""
    return bool(CARD_SCHEMES.fullmatch(digits)) and luhn(digits)


def s10(code: str) -> bool:
    """A postal item such as RB123456785CN (Universal Postal Union S10-12: weights 86423597, modulo 11)."""
    check = 11 - sum(int(digit) * weight for digit, weight in zip(code[2:10], S10_WEIGHTS, strict=True)) % 11
    return int(code[10]) == {10: 0, 11: 5}.get(check, check)
