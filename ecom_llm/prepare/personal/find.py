"""Find personal data in one text: the finders in turn, each seeing only what those before it left."""

import re
from collections.abc import Callable, Iterator

from ecom_llm.prepare.personal.addresses import addresses, emails
from ecom_llm.prepare.personal.cues import FLAGS, FOLD
from ecom_llm.prepare.personal.numbers import cards, identities
from ecom_llm.prepare.personal.orders import named_orders, nearby_orders
from ecom_llm.prepare.personal.phones import phones
from ecom_llm.prepare.personal.span import HIDDEN, Span, Zone, hide, zones

Finder = Callable[[str, list[Zone]], Iterator[Span]]
_FEW = re.compile(r"\d(?:[a-z\s\-_/]{0,8}\d){3,}", FLAGS)
_LONG = re.compile(r"\d(?:[ -]{0,2}\d){11,}", FLAGS)
FINDERS: tuple[tuple[re.Pattern[str], int, int, Finder], ...] = (
    (re.compile(r"@|艾特|#(?=qq|1|g|s|h|o|f|y|i)|[\[({<]\s?(?:at|a)\s?[\])}>]|\sdot\s", FLAGS), 140, 280, emails),
    (re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d|:[0-9a-f]{0,4}:", FLAGS), 8, 48, addresses),
    (_FEW, 9, 64, named_orders),
    (_LONG, 2, 6, identities),
    (_LONG, 2, 6, cards),
    (
        re.compile(
            r"\d(?:[ ().\-/]{0,3}\d){6,}|[一幺][三四五六七八九][零〇一二三四五六七八九幺]{9}"
            r"|8(?:00|33|44|55|66|77|88)\)?[ .-](?:-?[a-z0-9]){7}",
            FLAGS,
        ),
        4,
        24,
        phones,
    ),
    (_FEW, 9, 64, nearby_orders),
)
"""What a finder cannot do without, how far around it to look (characters before, after), and the finder."""
# The order decides what a number is that could be two things: what the text names goes before what a form suggests,
# and a bare word like `order` somewhere before the number is believed last.
ANONYMOUS = re.compile(r"\[[A-Z]+(?:_[A-Z0-9]+)*\]|(?<=[A-Z]_)[0-9０-９]+")
"""Placeholders, ours and those of published data (JDDC's [ORDERID_10000323]): neither values nor cues."""


def fold(text: str) -> str:
    """Small ASCII letters for capitals and full-width forms, placeholders blanked out, every character in its place.

    Not `str.lower`, which makes two characters of some (İ); patterns without IGNORECASE run several times faster.
    """
    blanked = ANONYMOUS.sub(lambda match: HIDDEN * len(match[0]), text)
    if blanked.isascii():
        return blanked.lower()
    # 订单id42667: Chinese puts no space between label and value, and `id42667` would be read as the value.
    return blanked.translate(FOLD).replace("单id", "单号:").replace("單id", "單號:")


def find(text: str) -> list[Span]:
    """Every piece of personal data in a text, in the order of the text, without overlaps.

    Works on any Unicode text; full-width digits and letters count as their ASCII forms.
    """
    seen = fold(text)
    found: list[Span] = []
    places: dict[re.Pattern[str], list[Zone]] = {}
    for needed, before, after, finder in FINDERS:
        if needed not in places:
            places[needed] = zones(needed, seen, before, after)
        if not places[needed]:
            continue
        taken: list[Span] = []
        for span in sorted(finder(seen, places[needed]), key=lambda span: (span.start, -span.end)):
            if not taken or span.start >= taken[-1].end:
                taken.append(span)
        found += taken
        seen = hide(seen, taken)
    return sorted(found)
