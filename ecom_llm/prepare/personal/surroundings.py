"""What stands around a number and says that it is none of anyone's: a unit, a web address, a code it is part of."""

import re

from ecom_llm.prepare.personal.cues import FLAGS

UNIT = re.compile(
    r"(?:元|块|美元|円|件|个(?!人)|台(?![北湾灣中南州东山])|只(?![能有要是在接收打用发限])"
    r"|套(?![房间])|次(?![日要])|条(?![码形碼])|°)| ?(?:%|(?:rmb|usd|cny|eur|gbp|mm|cm|km|kg|g|mg|ml|lbs?|oz|w|mah|gb|mb"
    r"|tb|hz|rpm|pcs|pieces|units|steps|users)(?![a-z/]))",
    FLAGS,
)
LINK = re.compile(r"(?:https?:|www\.)[!-~]*\Z", FLAGS)
LETTER_BEFORE = re.compile(r"[a-z]\Z", FLAGS)
# Letters stuck to a number make it a code (SN13812345678), but for those that say it is a phone (tel13812345678).
PHONE_LETTERS = re.compile(
    r"(?:tel|telephone|phone|mobile|mob|call|cell|whatsapp|wechat|wx|vx|v|contact|ph|dial|fax|sms|no|number|p|m|t)\Z",
    FLAGS,
)
PART_OF_BEFORE = re.compile(r"(?:\d|_|[$€£¥] ?|\d[./-]|[a-z]-)\Z", FLAGS)
# A Chinese comma folds to an ASCII one and no space follows it, so a comma joins only what could be thousands.
PART_OF_AFTER = re.compile(r"\d|[a-z_]|[.-]\d|(?<!\d{4}),\d{3}(?!\d)|-[a-z]", FLAGS)
THOUSANDS = re.compile(r"\d,\d{3}(?!\d)", FLAGS)
ANOTHER_PHONE = re.compile(r"(?<!\d)(?:1[3-9]\d{9}|(?:0\d{2,3}-?)?[2-8]\d{6,7}|\d{3}-\d{4})/\Z", FLAGS)
"""Two numbers of one person, `13812345678/0512-61227003`: the second is no part of a code."""


def in_link(text: str, start: int) -> bool:
    """Whether the place is inside a web address, where digits are a page's or a product's."""
    before = text[max(0, start - 200) : start]
    return ("http" in before or "www." in before) and LINK.search(before) is not None


def stands_alone(text: str, start: int, end: int) -> bool:
    """Whether a phone number is no part of a code, a price, a decimal, a measure or a longer run of digits."""
    before = text[max(0, start - 2) : start]
    if LETTER_BEFORE.search(before) and not PHONE_LETTERS.search(text[max(0, start - 9) : start]):
        return False
    # Chinese characters may touch it on both sides; ASCII letters, digits and the signs that join digits may not.
    joined = PART_OF_BEFORE.search(before) and not ANOTHER_PHONE.search(text[max(0, start - 16) : start])
    if joined or THOUSANDS.match(text, max(0, start - 2)) or PART_OF_AFTER.match(text, end):
        return False
    return not UNIT.match(text, end) and not in_link(text, start)
