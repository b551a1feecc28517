"""Phone numbers: international, Chinese, North American and European, and local ones after a word like `call`."""

import itertools
import re
from collections.abc import Iterator

from ecom_llm.prepare.personal.checks import gtin
from ecom_llm.prepare.personal.cues import FLAGS, Label, label
from ecom_llm.prepare.personal.span import Span, Zone, scan
from ecom_llm.prepare.personal.surroundings import stands_alone

_S = r"(?: {1,3}|[.-]| - )"
_JOINT = r"(?:[ ./-]| - | / )"
_TAIL = r"(?:,?\s?(?:ext(?:ension|n)?\.?|x|转?\s?分机号?|转)\s?:?\s?\d{1,6})?"
_COUNTRY = (
    r"(?:1|7|20|21[1238]|2[2-6]\d|27|29[0179]|3[0-469]|3[578]\d|4[013-9]|42[013]|5[1-8]|50\d|59\d|6[0-6]|67\d|68\d|69[012]"
    r"|8[1246]|85[02356]|88[06]|9[0-58]|96\d|97\d|99[2-8])"
)
MOBILE = re.compile(
    r"(?<!\d)(?:(?:\(?(?:\+ ?|00)86\)?|\(86\)|86)[ -]{0,2})?"
    rf"(?:1[3-9]\d{{9}}|1[3-9]\d{_S}\d{{4}}{_S}\d{{4}}|1[3-9]\d{_S}\d{{3}}{_S}\d{{5}}|1[3-9]\d{_S}\d{{8}}"
    rf"|1[3-9]\d{{2}}{_S}\d{{3}}{_S}\d{{4}}|1[3-9]\d{{3}}{_S}\d{{6}}|1[3-9]\d{{5}}{_S}\d{{5}}|1[3-9]\d{{2}}{_S}\d{{7}}"
    rf"|1[3-9]\d{_S}\d{{3}}{_S}\d{{3}}{_S}\d{{2}}|1[ -][3-9](?:[ -]\d){{9}})(?!\d)",
    FLAGS,
)
"""Chinese mobile: eleven digits from 13 to 19, in the groupings people write, with or without +86."""
SPELT_MOBILE = re.compile(
    r"(?<![〇零一二三四五六七八九十百千万亿幺])[一幺][三四五六七八九][零〇一二三四五六七八九幺]{9}(?![〇零一二三四五六七八九十百千万亿幺])"
)
INTERNATIONAL = re.compile(
    rf"(?:\(?\+ ?|(?<!\d)00)(?P<country>{_COUNTRY})\)?(?P<rest>(?:[ .-]?\(0\))?(?:{_JOINT}?\(?\d{{1,12}}\)?){{1,6}})"
    rf"{_TAIL}(?!\d)",
    FLAGS,
)
CHINESE = re.compile(
    r"(?:\(0(?:10|2\d|[3-9]\d{2})\)[ -]?|0(?:10|2\d|[3-9]\d{2})(?:[ -]{1,2}| - ))[2-8]\d{2,3}[ -]?\d{4}"
    rf"(?:-\d{{1,5}}(?![\d-])|{_TAIL})"
    rf"|[48]00(?:[- ]\d{{3}}[- ]?\d{{4}}|[- ]\d{{4}}[- ]\d{{3}}|[- ]\d{{7}}|-\d-\d{{3}}-\d{{3}}){_TAIL}",
    FLAGS,
)
"""Chinese landlines with their area code, and the 400 and 800 numbers of services."""
AMERICAN = re.compile(
    r"(?:(?:\(?(?:\+ ?|00)?1\)?[-. /]{1,2})?"
    r"(?:\([2-9]\d{2}\)[-. ]{0,2}|(?:[2-9]\d{2}(?:[-./]| - )|555 |[2-9]\d{2} (?=[2-9])))\d{3}(?:[-. ]| - )\d{4}"
    r"|1[- ](?:\d{3}-|\(\d{3}\) ?)\d{3}-\d{4}|\(\d{3}\) ?\d{3}-\d{4}"
    rf"|(?:\+?1[-. ]?)?\([2-9]\d{{2}}\) ?\d{{7}}){_TAIL}",
    FLAGS,
)
TRUNK = re.compile(
    r"(?:\(0[1-9]\d{1,4}\)[ -]?|0[1-9]\d{1,4}[ -]|0[1-9]\d{1,3}(?: ?/ ?)"
    r"|0[1-9][ -](?=\d{3,4}[ -]\d{4}|\d{7,8}(?!\d)))"
    rf"\d{{2,8}}(?:(?P<joint>[ -])\d{{2,6}}(?:(?P=joint)\d{{2,6}}){{0,3}})?{_TAIL}|0[1-9](?P<pair>[ .-])\d\d(?:(?P=pair)\d\d){{3}}",
    FLAGS,
)
"""National numbers with the trunk prefix 0: British, German, French, Italian, Dutch and their kin."""
SERVICE = re.compile(r"(?<!\d)(?:[48]00\d{7}|0(?:10|2\d)[2-8]\d{7}|0[3-9]\d{2}[2-8]\d{6,7}|09\d{8})(?!\d)")
SHAPED = re.compile(
    r"\(0\d\) ?\d{4}[ -]?\d{4}(?!\d)|(?<!\d)86[ -](?:10|2\d|[3-9]\d\d)[ -][2-8]\d{2,3}[ -]?\d{4}(?!\d)"
    r"|(?<!\d)85[23][ -][2-9]\d{3}[ -]?\d{4}(?!\d)"
    r"|\([1-9]\d\) ?9?\d{4}-\d{4}(?!\d)|(?<!\d)[78] ?\(\d{3}\) ?\d{3}-\d\d-?\d\d(?!\d)"
    r"|(?<!\d)0[1-9]\d{0,2}-\d{2,3} \d\d \d\d(?!\d)"
)
"""Taiwan and Australia, 86 and 852 without their plus, Brazil, Russia, Sweden: forms that no product code has."""
BRITISH = re.compile(r"(?<!\d)07[45789]\d{8}(?!\d)")
GENERIC = re.compile(rf"(?<!\d)\(?\d(?:(?:{_JOINT}|\) ?| ?\()?\d){{6,19}}\)?{_TAIL}", FLAGS)
LOOSE = re.compile(r"\d{3} \d{3} \d{4}")
WRAPPED = re.compile(r"\([^()]*(?:\([^()]*\)[^()]*)*\)")
PRECEDED = re.compile(r"(?<![\d./-])\d{3,6} \Z")
WHOLE = re.compile(r"\d{10,13}(?= )")
LOCAL = re.compile(r"\d{3}-\d{4}")
LOOSE_CUES = (":", "registered", "otp", "notify", " to", " try", "recipient", "service", "support", "care")
"""Ends of cue words behind which a number of fewer than ten digits may be anything."""
GROUP_BEFORE = re.compile(r"\d \Z")
LONE_DIGIT = re.compile(r" \d\Z")
EXTENSION = re.compile(rf"(?<=\d){_TAIL[:-1]}\Z", FLAGS)
DATE = re.compile(
    r"(?:19|20)\d\d[-/. ](?:0?[1-9]|1[0-2])[-/. ]|\d{1,2}[-/.]\d{1,2}[-/.](?:19|20)\d\d|(?:19|20)\d\d ?- ?(?:19|20)\d\d"
)
PHONE_GAP = re.compile(
    r"(?:[\s:=#.,()\[\]'\"*/|?@_-]|</?t[dh]>|是|为|号码|號碼|号|或|到|我|请|打|留|拨|[吧哦啊呢哈个]"
    r"|(?<![a-z])(?:is|was|at|on|from|under|me|us|you|him|her|them|to|my|our|the|your|their|numbers?|no|num|nr|now|back|please|via|or|and|anytime"
    r"|directly|line|service)\b)*",
    FLAGS,
)
"""What may stand between a word like `call` and the number to call."""
FAR_GAP = re.compile(
    r"(?:[^\d.!?;\n\x00]{0,30}(?:\b(?:is|at|to|on|under|via|be)|[:=是为)])| (?:me|us|him|her)\b[^\d.!?;\n\x00]{0,40},)[\s:]*",
    FLAGS,
)
NAME_GAP = re.compile(r"人?[\s:,(]{0,2}[一-鿿]{1,4}[\s:,()]{0,2}")
"""收货人王女士9545 1478: a name of up to four characters between the label and eight digits or more."""
PERSON_GAP = re.compile(r"[\s:]{1,2}(?:[a-z.]+(?: ?[,/|-] | )){1,3}", FLAGS)
"""For ten or eleven digits more: my sister's phone is 4155550123, contact John 4155550123."""
PHONE_AFTER = re.compile(
    r"[\s,，]{0,2}(?:(?:is|was) (?:my|the|our|his|her)(?: new| old| best)? (?:phone|mobile|cell|tel|number|landline|contact)"
    r"|(?:这个)?(?:是|为)(?:我|他|她|本人)?(?:的|本人)?(?:手机|电话|號碼|号码|联系))",
    FLAGS,
)
TOLL_FREE = re.compile(
    r"(?<!\d)(?<!\d[.,])(?P<one>\+?1[-. ]{1,2})?\(?8(?:00|33|44|55|66|77|88)\)?(?P<sign>[-. ])(?=[a-z0-9-]*[a-z]{3})"
    r"[a-z0-9](?:-?[a-z0-9]){6,9}(?![a-z0-9]|-[a-z0-9]|\.[a-z])",
    FLAGS,
)
"""1-800-FLOWERS: seven to ten letters or digits behind a North American toll-free prefix."""
LENGTHS = {
    "1": (10, 10), "7": (10, 10), "27": (9, 9), "30": (10, 10), "31": (9, 9), "32": (8, 9), "33": (9, 9), "34": (9, 9),
    "351": (9, 9), "353": (7, 9), "36": (8, 9), "39": (6, 11), "40": (9, 9), "41": (9, 9), "420": (9, 9), "44": (9, 10),
    "45": (8, 8), "46": (7, 9), "47": (8, 8), "48": (9, 9), "49": (7, 11), "52": (10, 10), "55": (10, 11), "61": (9, 9),
    "65": (8, 8), "66": (8, 9), "81": (9, 10), "82": (8, 10), "852": (8, 8), "853": (8, 8), "86": (10, 12), "886": (8, 9),
    "90": (10, 10), "91": (10, 10), "971": (8, 9), "972": (8, 9),
}  # fmt: skip
"""Country code -> fewest and most digits of a national number; other countries 7 to 12 (ITU-T E.164 allows 15 in all)."""


def _digits(number: str) -> int:
    """How many digits a number has, its extension left out."""
    return sum(map(str.isdigit, EXTENSION.sub("", number)))


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """Without brackets around the number: (+44 (0)20 7946 0958) keeps the inner ones, (415) 555-0123 its own."""
    number = text[start:end]
    # A form may take in the bracket a sentence opened and not the one it closed.
    if number.count("(") > number.count(")"):
        start += 1
    elif number.count(")") > number.count("("):
        end -= 1
    elif WRAPPED.fullmatch(number):
        start, end = start + 1, end - 1
    return start, end


def _span(text: str, start: int, end: int) -> Span | None:
    start, end = _bare(text, start, end)
    if not stands_alone(text, start, end):
        return None
    before = label(text, start)
    plain = text[start:end].isdigit()  # only in one piece can it be an amount
    refused = before.names("product", "card", "order") or (plain and before.names("money", "date"))
    return None if refused or (before.kind != "phone" and _series(text[start:end])) else Span(start, end, "PHONE")


def _series(number: str) -> bool:
    """Round or rising groups are measures and sizes: sandpaper 600-800-1000, dresses 06 08 10 12 14."""
    groups = [int(group) for group in re.findall(r"\d+", number)]
    rising = len(groups) == 5 and all(0 < two - one < 7 for one, two in itertools.pairwise(groups))
    # Five rising pairs below fifty are a lottery ticket; a French number has one chance in six hundred to be such.
    drawn = len(groups) == 5 and groups == sorted(set(groups)) and groups[-1] < 50
    return rising or drawn or (len(groups) > 2 and all(group % 50 == 0 for group in groups))


def _rest(text: str, match: re.Match[str]) -> bool:
    """Whether it is the rest of a longer number in groups: 6258 0903 3225 7361."""
    grouped = " " in match[0] and PRECEDED.search(text[max(0, match.start() - 8) : match.start()])
    return bool(grouped) and label(text, match.start()).kind != "phone"


def _plain(text: str, match: re.Match[str]) -> Span | None:
    return None if _rest(text, match) else _span(text, match.start(), match.end())


def _american(text: str, match: re.Match[str]) -> Span | None:
    """Of 415 555 0123, three groups with nothing but spaces: next to other numbers it is a list of numbers."""
    listed = (
        text[: match.start()][-3:].rstrip(" ,")[-1:].isdigit() or text[match.end() :][:3].lstrip(" ,")[:1].isdigit()
    )
    doubtful = LOOSE.fullmatch(match[0]) and (listed or match[0].endswith("00"))
    return None if doubtful and label(text, match.start()).kind != "phone" else _plain(text, match)


def _national_end(rest: str, most: int) -> tuple[int, int]:
    """How many digits, and how many characters, of `rest` are whole groups that make up at most `most` digits."""
    count, end = 0, 0
    for group in re.finditer(r"\d+\)?", rest):
        size = len(group[0].rstrip(")"))
        if count + size > most:
            break
        count, end = count + size, group.end()
    return count, end


def _trunk(text: str, match: re.Match[str]) -> Span | None:
    """Nine to eleven digits in whole groups; what follows is another number: 0161 496 0123 12 24."""
    count, end = _national_end(EXTENSION.sub("", match[0]), 12 if match["joint"] is None else 11)
    if _rest(text, match) or count < 9 or DATE.search(match[0]):
        return None
    whole = count == _digits(match[0])
    return _span(text, match.start(), match.end() if whole else match.start() + end)


def _international(text: str, match: re.Match[str]) -> Span | None:
    """Cut behind the group with which the country's length is reached: +1 415 555 0123 2 boxes."""
    least, most = LENGTHS.get(match["country"], (7, 12))
    rest = match["rest"].replace("(0)", "   ")
    # A trunk zero that should have been left out behind the country's code is one digit more.
    count, end = _national_end(rest, most + rest.lstrip(" ().-/").startswith("0"))
    stop = match.end() if end == len(rest) else match.start("rest") + end
    zeros = match[0].startswith("00")
    # Without a plus it may be a barcode, or its last groups: EAN 4 006381 333931.
    doubtful = zeros and (
        gtin(match[0]) or " / " in text[match.start() : stop] or GROUP_BEFORE.search(text[: match.start()][-3:])
    )
    if count < least or (doubtful and label(text, match.start()).kind != "phone"):
        return None
    return _span(text, match.start(), stop)


def _service(text: str, match: re.Match[str]) -> Span | None:
    """4001234567, 01062345678 and Taiwan's 0912345678 in one piece: only among Chinese characters, where no such product codes are used."""
    around = text[max(0, match.start() - 8) : match.start()] + text[match.end() : match.end() + 8]
    return _plain(text, match) if re.search(r"[一-鿿]", around) else None


def _vanity(text: str, match: re.Match[str]) -> Span | None:
    """Letters on the keypad; without the `1-` or its signs (`1 800 customers`) only behind a word like `call`."""
    written = match["one"] and (match["sign"] != " " or "(" in match[0])
    called = label(text, match.start()).names("phone")
    return _span(text, match.start(), match.end()) if written or called else None


def _far(before: Label) -> bool:
    verb = before.word.startswith(("call", "contact", "text", "dial", "ring", "whats", "mob", "tel", "recipient"))
    return bool(FAR_GAP.fullmatch(before.gap) or (verb and PERSON_GAP.fullmatch(before.gap)))


def _called(before: Label, number: str, digits: int) -> bool:
    """Whether a word like `call` says that the number behind it, of so many digits, is a phone number."""
    local = LOCAL.fullmatch(number)
    # A WeChat name may be any number; only what has a phone's form counts there. `T: 120 180 200 240` is a table's row.
    if before.kind != "phone" or before.word == "微信" or (before.word.endswith(LOOSE_CUES) and digits < 10):
        return False
    if before.word.endswith(":") and not number.isdigit():  # what has a phone's form is found by it
        return False
    if PHONE_GAP.fullmatch(before.gap) or ((digits in (10, 11) or local) and _far(before)):
        return True
    person = before.word.startswith(("收货人", "收件人", "联系", "聯絡"))
    return person and digits >= 8 and NAME_GAP.fullmatch(before.gap) is not None


def _ends(number: str) -> Iterator[tuple[int, int]]:
    """Digits and characters of a loose match that may be one number, the longest first: it ends with a group.

    What follows 4155550123 2019 is a year and no extension, so are a date, a house and `2 times`.
    """
    day, whole = DATE.search(number), WHOLE.match(number)
    if whole or (day and _digits(number[: day.start()]) >= 7):
        number = whole[0] if whole else number[: day.start()].rstrip(" .-/")
    digits, end = _national_end(number, 13)
    if digits == _digits(number):
        end = len(number)  # with its extension
    while digits >= 7:
        yield digits, end
        end = number.rfind(" ", 0, end)
        number = number[: max(end, 0)].rstrip(" -/")
        digits, end = _digits(number), len(number)


def _generic(text: str, match: re.Match[str]) -> Span | None:
    """A number of no known form, 7 to 13 digits, directly behind a word like `call` or 电话, or before `is my number`."""
    before = label(text, match.start())
    after = PHONE_AFTER.match(text, match.end())
    # First, because it is the cheapest: most such numbers are parts'.
    if (before.kind != "phone" and not after) or DATE.match(match[0]):
        return None
    for digits, end in _ends(match[0]):
        number = match[0][:end]
        barcode = number.isdigit() and digits in (12, 13) and gtin(number)
        lone = LONE_DIGIT.search(number) and digits > 7  # call 555 0123 2 times
        if barcode or lone or not (after or _called(before, number, digits)):
            continue
        if span := _span(text, match.start(), match.start() + end):
            return span
    return None


FORMS = (
    (MOBILE, _plain), (INTERNATIONAL, _international), (CHINESE, _plain), (AMERICAN, _american), (TRUNK, _trunk),
    (SERVICE, _service), (BRITISH, _plain), (SHAPED, _plain), (GENERIC, _generic), (SPELT_MOBILE, _plain),
    (TOLL_FREE, _vanity),
)  # fmt: skip


def phones(text: str, where: list[Zone]) -> Iterator[Span]:
    """Phone numbers of every form in a folded text, without overlaps.

    The first to begin wins (`+49 151 ...` is no Chinese 151), then the form that says more, not the longer one:
    a loose form would take in the number that follows.
    """
    found = [
        (span, place) for place, (pattern, judge) in enumerate(FORMS) for span in scan(pattern, text, judge, where)
    ]
    end = 0
    for span, _ in sorted(found, key=lambda one: (one[0].start, one[1])):
        if span.start >= end:
            yield span
            end = span.end
