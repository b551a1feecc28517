"""Order and tracking numbers: they have no form of their own, so a word nearby must say what they are."""

import re
from collections.abc import Iterator

from ecom_llm.prepare.personal.checks import calendar_day, s10
from ecom_llm.prepare.personal.cues import FLAGS, label
from ecom_llm.prepare.personal.span import HIDDEN, Span, Zone, scan
from ecom_llm.prepare.personal.surroundings import UNIT, in_link

VALUE = re.compile(
    r"(?<![a-z0-9_%@])(?:(?<!\.)|(?<=n[or]\.)|(?<=num\.)|(?<=ref\.))(?=[a-z \-_/]{0,8}\d)(?<![a-z0-9][-/])(?<![$€£¥])"
    r"(?:1z ?[0-9a-z]{3} ?[0-9a-z]{3} ?[0-9a-z]{2} ?[0-9a-z]{4} ?[0-9a-z]{4}|(?:sf|yt|jt|jd|zto|sto|ems) \d{8,16}"
    r"|\d{4}(?: \d{4}){2,5}(?: \d{1,3})?|[a-z0-9]+(?:[-_/]+[a-z0-9]+){0,8})"
    r"(?![a-z0-9_%@]|\.\d|-\d)",
    FLAGS,
)
"""One word or groups of digits with a digit near its start; `order no.4396841` puts no space behind the stop."""
DIGIT = re.compile(r"\d")
LETTER = re.compile(r"[a-z]", FLAGS)
NEAR_DIGITS = re.compile(r"(?=(?:[a-z \-_/]{0,8}\d){4})", FLAGS)
"""Four digits near each other: what the vectorised triage looks for, so that it never misses what is found here."""
FORM = re.compile(
    r"(?:\d{3}|d\d\d)-\d{7}-\d{7}|1z ?[0-9a-z]{3} ?[0-9a-z]{3} ?\d\d ?\d{4} ?\d{4}|sf ?\d{12,13}|(?:yt|jt|zto|sto|jdv[a-z]?|jd)\d{11,15}"
    r"|[a-z]{2}\d{9}[a-z]{2}|(?:ord|order|inv|trk|rma)[-_]?(?=(?:[a-z-]*\d){5})[a-z0-9-]+",
    FLAGS,
)
"""Forms that say by themselves what they are: Amazon's orders, UPS, SF, YTO, J&T, ZTO, STO, JD, the post's S10, ORD-..."""
POSTAL = re.compile(r"[a-z]{2}\d{9}[a-z]{2}", FLAGS)
CALENDAR = re.compile(r"((?:18|19|20)\d\d)([-/]?)(\d\d|(?<=[-/])\d)\2(\d\d|(?<=[-/])\d)")
DAY = re.compile(r"\d{1,2}[-/]\d{1,2}[-/]\d{2,4}")
YEAR = re.compile(r"(?:19|20)\d\d")
QUANTITY = re.compile(
    r" ?(?:元|块|円|件|个|台|只|套|次|条(?![码形碼])|本|份|人|位|多|年|月|日|[%°]|(?:rmb|usd|of|units?|pcs|pieces?|more|x|each"
    r"|boxes|sets?|pairs?|dollars|bucks|copies|people|filters?)\b|(?:items?|parts?)\b(?! ?(?:no|number|code|id|#|\d)))",
    FLAGS,
)
VERB = re.compile(
    r"(?:\b(?:to|can|could|should|would|will|must|may|might|please|i|we|you|they|people|just|not|and|or|then|always|usually"
    r"|ever|who|do|did|didn|don|'t|n't|'d|'ll|out of|(?:de|a)scending|numerical|alphabetical|wrong|need|re|pre|(?<!e)(?<!e-)mail|made"
    r"|(?<!sent )(?<!send )(?<!sending )back)[ -])\Z",
    FLAGS,
)
ADDED = re.compile(
    r"\b(?:add|appl(?:y|ie)|attach|assign|belong|link|refer|relat|respon|repl(?:y|ie)|regard|mov|updat|charg|ship)[a-z]*\b"
    r"[^.!?\n]* to \Z",
    FLAGS,
)
"""`Add it to order 6172-75960`: here `to order` is no verb."""
DETERMINER = re.compile(r"\b(?:my|the|our|your|this|for|of|about|on|regarding|cancel|with)\s\Z", FLAGS)
AFTER = re.compile(
    r"[\s,，)\"']{0,3}(?:"
    r"(?:这个|这笔|这一|这|那个|那笔|是我的|是您的|是|为|就是|的这个|的)?\s?(?:我的|你的|您的|我)?\s?(?:这个)?\s?"
    r"(?:订单|訂單|单号|單號|运单|快递|物流(?!公司)|单子|这单|包裹)"
    r"|(?:is|was|=|-|that's|that is|,)\s?(?:my|the|our|your|his|her|their|this)\s?(?:(?:amazon|online|ups|fedex|dhl|usps) )?"
    r"(?:order|tracking|shipment|waybill|invoice|booking|confirmation|parcel)(?![a-z])"
    r"|\((?:my |the |our )?(?:order|tracking|waybill|invoice|booking|confirmation)\s?(?:no|number|id|#|code|ref))",
    FLAGS,
)
"""`4823991 is my order number`, 283749182734这个订单."""
NEXT = re.compile(r"(?:\s?(?:[,;、/&]|and|or|和|与|及|跟|以及|还有|或)\s?){1,2}(?:order\s?#?\s?|#|单号)?", FLAGS)
JOINED = re.compile(r"and|&|、|和|与|跟|及|还有")
PLURAL = re.compile(
    r"\b(?:orders|(?:order|tracking) (?:numbers|nos|ids|#s))[\s:.(]*\Z|[两俩几二三四五2-9]\s?个?(?:订单|单号|快递|包裹|单子)[号\s:(]*\Z",
    FLAGS,
)
"""Two of them are announced: then the second may be longer or shorter than the first, as two shops' are."""
MOBILE = re.compile(r"1[3-9]\d{9}")
LINKING = re.compile(r"(?:\b(?:is|are|was)|[:=是为])\s?\Z", FLAGS)
WEAK_GAP = re.compile(r"[\s:,(#【]{0,4}", FLAGS)
BARE = frozenset(["tracking", "waybill", "awb", "rma"])
"""Labels without a word like `number`: tracking 10000 steps, tracking 2023 sales."""
STOP = re.compile(r"[.!?。\n\x00]")


def _digits(value: str) -> int:
    return len(DIGIT.findall(value))


def _dated(value: str) -> bool:
    """A day, with signs between its parts or as eight digits."""
    day = CALENDAR.fullmatch(value)
    return bool(DAY.fullmatch(value)) or bool(day and calendar_day(day[1], day[3], day[4]))


def _usable(text: str, match: re.Match[str]) -> bool:
    """Four digits near each other, and not in a web address."""
    return NEAR_DIGITS.match(match[0]) is not None and not in_link(text, match.start())


def _counted(text: str, value: str, end: int) -> bool:
    """Whether it counts or measures something: 10000 units, 13800元."""
    return value.isdigit() and bool(QUANTITY.match(text, end) or UNIT.match(text, end))


def _strong(text: str, start: int, value: str) -> bool:
    """Behind `order no.`, 订单号 and their kin: directly four digits, with some words between six or eight."""
    before = label(text, start)
    if before.kind != "order":
        return False
    counted, bare = _counted(text, value, start + len(value)), before.word in BARE
    if before.direct:
        return _digits(value) >= 4 + bare and not (_dated(value) and not value.isdigit()) and not (bare and counted)
    # Another number, or something already found, between the cue and the value took the cue for itself.
    near = len(before.gap) <= 30 and not DIGIT.search(before.gap) and HIDDEN not in before.gap
    said = LINKING.search(before.gap) or LETTER.search(value)
    enough = 8 if bare or STOP.search(before.gap) else 5 if said else 6
    return near and _digits(value) >= enough and not _dated(value) and not counted


def _verb(text: str, at: int) -> bool:
    """Whether the word `order` at a place is a verb: of `you can order 4396841`, the number is a part's."""
    return bool(VERB.search(text[max(0, at - 16) : at])) and not ADDED.search(text[max(0, at - 60) : at])


def _weak(text: str, start: int, value: str) -> bool:
    """Behind a bare `order`, 订单, 快递 or a carrier's name: directly five digits, behind words and `#` too, else ten."""
    before = label(text, start)
    at = start - len(before.gap) - len(before.word)
    if before.kind != "parcel" or _dated(value):
        return False
    # Twelve digits are no part's number, whoever is told to order it.
    if before.word.startswith("order") and _digits(value) < 12 and _verb(text, at):
        return False
    if before.direct or WEAK_GAP.fullmatch(before.gap):
        noun = value.isdigit() and before.gap.isspace() and DETERMINER.search(text[max(0, at - 12) : at])
        # Carriers are also hotlines (顺丰95338) and an UPS is also a battery (UPS 10000VA); their numbers are long.
        few = 5 if before.word.startswith(("order", "订", "訂", "运单", "運單", "invoice", "po")) else 8
        return _digits(value) >= (4 if noun and not YEAR.fullmatch(value) else few)
    enough = 5 if before.gap.endswith("#") and before.word.startswith("order") else 10
    near = len(before.gap) <= 30 and not DIGIT.search(before.gap) and HIDDEN not in before.gap
    return near and _digits(value) >= enough


def _followed(text: str, value: str, end: int) -> bool:
    after = AFTER.match(text, end)
    # 顺丰95338，单号...: what is only listed before the word needs more digits than 55916这个订单.
    few = 5 if after and after[0].startswith(("这", "那", "的")) else 6
    return bool(after) and _digits(value) >= few and not _dated(value)


def _formed(text: str, match: re.Match[str]) -> bool:
    """Whether the form alone says it, and no label says model or part."""
    if not FORM.fullmatch(match[0]) or label(text, match.start()).names("product"):
        return False
    return s10(match[0]) if POSTAL.fullmatch(match[0]) else True


def _named(text: str, match: re.Match[str]) -> Span | None:
    found = _usable(text, match) and (_strong(text, match.start(), match[0]) or _formed(text, match))
    return Span(match.start(), match.end(), "ORDER_NUMBER") if found else None


def _nearby(text: str, match: re.Match[str]) -> Span | None:
    if not _usable(text, match):
        return None
    before = label(text, match.start())
    followed = _followed(text, match[0], match.end())
    # 编号2023101730491497的订单: a number of the order that follows, not of goods.
    if before.names("product") and not (followed and before.word in ("编号", "编码")):
        return None
    found = (followed or _weak(text, match.start(), match[0])) and not _counted(text, match[0], match.end())
    return Span(match.start(), match.end(), "ORDER_NUMBER") if found else None


def _chain(text: str, spans: Iterator[Span]) -> Iterator[Span]:
    """Orders 48213001, 48213002 and 48213003: what is listed with an order number is one, if it looks alike."""
    for span in spans:
        yield span
        plural = PLURAL.search(text[max(0, span.start - 24) : span.start]) is not None
        while (link := NEXT.match(text, span.end)) and (other := VALUE.match(text, link.end())):
            # The next in the list may be the customer's phone: 订单号 ..., 138...
            alike = abs(len(other[0]) - (span.end - span.start)) <= 2
            few = 4 if alike else 5 if plural or JOINED.search(link[0]) else 10 if link[0] == " / " else 99
            unlike = _digits(other[0]) < few or _dated(other[0]) or MOBILE.fullmatch(other[0])
            if unlike or not _usable(text, other) or _counted(text, other[0], other.end()):
                break
            span = Span(other.start(), other.end(), "ORDER_NUMBER")
            yield span


def named_orders(text: str, where: list[Zone]) -> Iterator[Span]:
    """Numbers that the text calls an order's or a parcel's number, or whose form says so; folded text."""
    yield from _chain(text, scan(VALUE, text, _named, where))


def nearby_orders(text: str, where: list[Zone]) -> Iterator[Span]:
    """Numbers beside a bare word like `order` or 快递; asked last, when better known numbers are hidden; folded text."""
    yield from _chain(text, scan(VALUE, text, _nearby, where))
