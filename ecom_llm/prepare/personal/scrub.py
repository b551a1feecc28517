"""Scrub personal data from one text or from whole Arrow columns, with the same answers."""

import pyarrow as pa
import pyarrow.compute as pc

from ecom_llm.prepare.personal.find import find
from ecom_llm.prepare.personal.span import TYPES, Span, Type, placeholder

Strings = pa.Array | pa.ChunkedArray

_D = "[0-9０-９]"
_SPACE = r"\s\v\x{A0}\x{2002}\x{2003}\x{2007}\x{2009}\x{202F}\x{3000}"
_DASH = r"\-\x{2010}-\x{2015}\x{2212}\x{FE58}\x{FE63}－"
_HEX = "[0-9A-Fa-fＡ-Ｆａ-ｆ０-９]"
_JOINT = rf"[{_SPACE}{_DASH}.()/（）．／]{{0,3}}"
_FIRST = "(?:^_?|[^_0-9０-９]|[^A-Z]_)"
# Published data hold [ORDERID_10000323] in every third line: digits behind a capital and `_` are no one's number.
# One pass of RE2's automaton reads several hundred MB/s; Python then looks at the few texts that are left.
SUSPECT = "|".join(
    [
        "[@＠ａ-ｚＡ-Ｚ]|艾特",
        rf"{_FIRST}{_D}(?:{_JOINT}{_D}){{9}}",
        rf"[0０]{_D}(?:{_JOINT}{_D}){{6}}",
        f"[A-Za-z]{{2}}{_D}{{9}}[A-Za-z]{{2}}",
        rf"{_D}[.．]{_D}{{1,3}}[.．]{_D}{{1,3}}[.．]{_D}",
        f"[:：]{_HEX}{{0,4}}[:：]",
        rf"(?i:[\[({{<［（｛＜][{_SPACE}]?(?:at|a)[{_SPACE}]?[\])}}>］）｝＞])",
        rf"(?i:[{_SPACE}]dot[{_SPACE}](?:com|net|org|cn|co|io|uk|de|fr|eu|info|edu|me|us))",
        "(?i:[#＃](?:qq|163|126|gmail|sina|hotmail|outlook|foxmail|yahoo|icloud))",
        "[一幺][三四五六七八九][零〇一二三四五六七八九幺]{9}",
        rf"[8８](?:00|33|44|55|66|77|88|[０-９]{{2}})[)）]?[{_SPACE}{_DASH}.．](?:[{_DASH}]?[A-Za-z0-9０-９]){{7}}",
    ]
)
"""RE2: what a text must hold to hold anything but a short order number. It mirrors `find.FINDERS` on unfolded text."""
SEVEN_DIGITS = rf"{_FIRST}{_D}(?:{_JOINT}{_D}){{6}}"
PHONE_CUE = (
    r"(?i)tel|phone|mob|cell|call|sms|rang|ring|ph|fax|text|dial|whats|viber|line|contact|reach|hold of|mail|answer|regist"
    r"|recipient|customer|sent|messag|reply|number|otp|notif|driver|agent|boy|courier|technician|seller|buyer|receiver|manager|service|[tmpc]\s?:|\+|00|[^\x00-\x7f]"
)
"""RE2: a number of seven to nine digits without a leading zero is a phone's only beside one of these, or in Chinese."""
FOUR_DIGITS = rf"{_FIRST}{_D}(?:[A-Za-z{_SPACE}{_DASH}_/／＿]{{0,8}}{_D}){{3}}"
ORDER_CUE = (
    r"(?i)order|purchase|track|trk|ship|parcel|package|delivery|consign|waybill|awb|inv|ord|transaction|confirm|booking"
    r"|reserv|receipt|return|rma|refund|ups|fedex|dhl|usps|ems|(?:^|[^a-z])p\.?o(?:[^a-z]|no|nr|nu|nb|id|ref|code)"
    "|[单單订訂运運号號退]|快递|快遞|物流|包裹|换货|售后|交易|流水|发货|送货|支付|采购|顺丰|圆通|中通|申通|韵达|极兔|德邦|邮政|菜鸟"
)
"""RE2: without one of these words near it a number of four to six digits is no order's."""


def scrub_text(text: str) -> str:
    """The text with every finding replaced by its typed placeholder; all else is byte-identical.

    Repeats until nothing is found, so that scrubbing twice is scrubbing once: a placeholder changes what is near
    what. It ends, because every round takes digits or signs away and placeholders hold none.
    """
    while spans := find(text):
        text = _replaced(text, spans)
    return text


def _replaced(text: str, spans: list[Span]) -> str:
    pieces, end = [], 0
    for span in spans:
        pieces += [text[end : span.start], placeholder(span.type)]
        end = span.end
    return "".join(pieces) + text[end:]


def _told(texts: pa.Array) -> pa.Array:
    """A mask of the texts whose few digits some word may call a phone or an order number."""
    called = pc.and_(pc.match_substring_regex(texts, SEVEN_DIGITS), pc.match_substring_regex(texts, PHONE_CUE))
    numbered = pc.and_(pc.match_substring_regex(texts, FOUR_DIGITS), pc.match_substring_regex(texts, ORDER_CUE))
    return pc.or_(called, numbered)


def suspects(texts: pa.Array) -> pa.Array:
    """A mask of the texts that could hold personal data; nulls are false. Never false where `find` finds something."""
    mask = pc.fill_null(pc.match_substring_regex(texts, SUSPECT), False)
    few = pc.and_not(pc.fill_null(pc.match_substring_regex(texts, f"{FOUR_DIGITS}|{SEVEN_DIGITS}"), False), mask)
    # The words are looked for where digits are: most texts have none, and the long alternatives read slowest.
    return pc.replace_with_mask(mask, few, _told(texts.filter(few)))


def _scrub_array(texts: pa.Array) -> pa.Array:
    mask = suspects(texts)
    rows = texts.filter(mask)
    # The column as it came where nothing is suspect: no copy of what does not change.
    if not len(rows):
        return texts
    return pc.replace_with_mask(texts, mask, pa.array(map(scrub_text, rows.to_pylist()), type=texts.type))


def scrub(texts: Strings) -> pa.Array:
    """Scrub a column of strings (string or large_string; nulls stay null): `scrub_text` of each, at a column's speed.

    A vectorised regular expression picks the texts that could hold something; Python looks at those alone.
    The result has the column's type; a string column above 2 GiB must come as large_string.
    """
    if isinstance(texts, pa.ChunkedArray):
        return pa.concat_arrays([pa.array([], texts.type), *map(_scrub_array, texts.chunks)])
    return _scrub_array(texts)


def count_placeholders(texts: Strings) -> dict[Type, int]:
    """How often each typed placeholder stands in a column, every type named, in the order of `TYPES`."""
    return {kind: pc.sum(pc.count_substring(texts, placeholder(kind))).as_py() or 0 for kind in TYPES}
