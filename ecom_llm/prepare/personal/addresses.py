"""E-mail and IP addresses."""

import ipaddress
import re
from collections.abc import Iterator

from ecom_llm.prepare.personal.cues import FLAGS, label
from ecom_llm.prepare.personal.span import Span, Zone, scan

_LOCAL = r"[a-z0-9À-ɏ_](?:[a-z0-9À-ɏ._%+'&-]{0,63})"
_LABEL = r"(?:[a-z0-9À-ɏ](?:[a-z0-9À-ɏ-]{0,62})|[一-鿿]{1,20})"
_TOP = r"(?:[a-z]{2,24}|中国|中國|公司|网络)"
EMAIL = re.compile(rf"(?<![a-z0-9À-ɏ._%+@-]){_LOCAL}@(?:{_LABEL}\.){{1,6}}(?P<top>{_TOP})(?![a-z])", FLAGS)
RUN_ON = re.compile(r"\.(?:com|net|org|cn|edu)(\.[a-z]{3,})\Z", FLAGS)
_AT = r"(?:\s?[\[({<]\s?(?:at|@|a|艾特)\s?[\])}>]\s?|\s?艾特\s?)"
_DOT = r"(?:\s?[\[({<]\s?(?:dot|\.|点)\s?[\])}>]\s?|\.|\sdot\s|点(?=com|cn|net|org))"
BRACKETED = re.compile(
    rf"(?<![a-z0-9._%+@-]){_LOCAL}{_AT}(?:[a-z0-9-]{{1,63}}{_DOT}){{1,4}}[a-z]{{2,6}}(?![a-z])", FLAGS
)
SPELT = re.compile(
    r"(?<![a-z0-9._%+@-])(?P<local>[a-z0-9][a-z0-9._+-]{1,63}) ?(?P<at> at |@) ?(?P<domain>[a-z0-9-]{1,63}"
    r"(?:(?: dot |\.)[a-z0-9-]{1,63}){0,2}(?: dot |\.)(?:com|net|org|cn|co|io|uk|de|fr|eu|info|edu|me|us))(?![a-z0-9])",
    FLAGS,
)
_PROVIDER = r"(?:gmail|googlemail|hotmail|outlook|icloud|protonmail|foxmail|yahoo|sina|aol|yeah|qq|163|126|139|188)"
PROVIDED = re.compile(
    rf"(?<![a-z0-9._%+@-])(?P<local>[a-z0-9][a-z0-9._+-]{{1,63}})(?: at | ?@ ?){_PROVIDER}(?: dot | ?\. ?)"
    r"(?:com|cn|net|co\.uk|de|fr|in|es|it)(?![a-z0-9])",
    FLAGS,
)
"""A known mailbox provider needs no word like `e-mail` before it."""
MAILBOXES = re.compile(r"gmail|googlemail|hotmail|outlook|icloud|protonmail|foxmail|qq", FLAGS)
HASHED = re.compile(
    r"(?<![a-z0-9._%+@-])[a-z0-9][a-z0-9._-]{2,40}#(?:qq|163|126|gmail|sina|hotmail|outlook|foxmail|yahoo|icloud)"
    r"\.(?:com|cn|net)(?![a-z])",
    FLAGS,
)
FILES = frozenset(
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "bmp", "ico", "pdf", "js", "css", "html", "htm", "exe", "mp4", "mp3"]
)
"""`logo@2x.png` is a picture for fine screens, not an address."""
MAIL_WORDS = re.compile(r"e-?mail|mail\b|gmail|邮箱|邮件|邮址", FLAGS)
NOT_LOCAL = frozenset(
    [
        "me",
        "us",
        "it",
        "them",
        "him",
        "her",
        "you",
        "all",
        "one",
        "here",
        "out",
        "look",
        "bought",
        "now",
        "back",
        "only",
        "shop",
        "store",
    ]
)
"""`Email us at shop dot com` names no mailbox."""

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_GLUED = r"(?:(?<=ip)|(?<=ipv[46])|(?<=ping)|(?<=dns)|(?<=host)|(?<=ssh)|(?<=vpn))"
"""Chinese sentences put no space behind such a word: ping192.168.1.1不通."""
IPV4 = re.compile(
    rf"(?:(?<!\w)|{_GLUED})(?<!\w[.\\])(?:(?<!\w-)|(?<=\.\d-)|(?<=\.\d\d-)|(?<=\.\d\d\d-)){_OCTET}(?:\.{_OCTET}){{3}}(?!\w|\.\w|-[a-z])",
    FLAGS,
)
IPV6 = re.compile(
    rf"(?:(?<![\w.])|{_GLUED})(?<![0-9a-f]:)(?<!::)(?=[0-9a-f]{{0,4}}:[0-9a-f]{{0,4}}:)[0-9a-f:]{{3,39}}(?:\.\d{{1,3}}){{0,3}}",
    FLAGS,
)
VERSION_GAP = re.compile(
    r"(?:(?!  | [一-鿿])[^,;。!?|\n\d./])*(?:[\d.]+(?: (?:to|and|or|vs|->) |到|至|和|升到|-))?", FLAGS
)
UNITS_AFTER = re.compile(r"版|固件|系统版本| ?(?:mm|cm|kg|inch)", FLAGS)
VERSION_AFTER = re.compile(r"\s?(?:版|固件|系统版本|firmware|release|build|version)", FLAGS)


def _email(text: str, match: re.Match[str]) -> Span | None:
    if match["top"] in FILES:
        return None
    # `a@shop.com.Thanks`: behind .com only a country's two letters go on.
    sentence = RUN_ON.search(match[0])
    return Span(match.start(), match.end() - (len(sentence[1]) if sentence else 0), "EMAIL")


def _any_email(_: str, match: re.Match[str]) -> Span | None:
    return Span(match.start(), match.end(), "EMAIL")


def _provided_email(_: str, match: re.Match[str]) -> Span | None:
    # `Reviews at yahoo dot com` speaks of a portal: a mailbox's name with a digit or a sign in it does not.
    portal = " at " in match[0] and match["local"].isalpha() and not MAILBOXES.search(match[0])
    return None if portal or match["local"] in NOT_LOCAL else Span(match.start(), match.end(), "EMAIL")


def _spelt_email(text: str, match: re.Match[str]) -> Span | None:
    """`name at shop dot com` only where the text speaks of mail: `cheaper at walmart dot com` is a shop."""
    spelt = " dot " in match["domain"] or match["at"] != " at "
    if not spelt or match["local"] in NOT_LOCAL:
        return None
    about = text[max(0, match.start() - 40) : match.start()]
    return Span(match.start(), match.end(), "EMAIL") if MAIL_WORDS.search(about) else None


def emails(text: str, where: list[Zone]) -> Iterator[Span]:
    """E-mail addresses, also with `[at]`, 艾特 or `#` for the sign; the text is folded."""
    yield from scan(EMAIL, text, _email, where)
    for pattern in (BRACKETED, HASHED):
        yield from scan(pattern, text, _any_email, where)
    yield from scan(PROVIDED, text, _provided_email, where)
    yield from scan(SPELT, text, _spelt_email, where)


def _version_like(octets: list[int]) -> bool:
    """Four small numbers, such as 2.4.1.7: a version, unless the text says otherwise (10.x and 1.1.1.1 are networks)."""
    return max(octets) < 32 and octets[0] != 10 and len(set(octets)) > 1


def _ipv4(text: str, match: re.Match[str]) -> Span | None:
    # Routers and DNS servers count too: whose network it is cannot be read from the number.
    octets = [int(octet) for octet in match[0].split(".")]
    before = label(text, match.start())
    measured = UNITS_AFTER.match(text, match.end()) or (
        _version_like(octets) and VERSION_AFTER.match(text, match.end())
    )
    if octets[0] in (0, 255) or (before.kind != "address" and measured):
        return None
    # A version's cue may stand further off ("the update brought 5.15.20.2"); product codes must name the number itself.
    refused = before.kind == "version" and VERSION_GAP.fullmatch(before.gap) is not None
    # An amount may have points between its thousands: price 1.234.567.890.
    amount = before.names("money") and all(octet > 99 for octet in octets[1:])
    if refused or amount or before.names("product"):
        return None
    if _version_like(octets) and before.kind != "address":
        return None
    return Span(match.start(), match.end(), "IP")


def _ipv6(_: str, match: re.Match[str]) -> Span | None:
    """A valid address with a group of three or four digits: times, ratios, MAC addresses and `std::a` have none."""
    # A colon may be the sentence's: `from 2001:db8::1: timed out`.
    value = match[0] if match[0].endswith("::") else match[0].rstrip(":")
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        return None
    groups = [group for group in value.split(":") if group]
    if len(groups) < 2 or not any(len(group) > 2 for group in groups) or not re.search(r"\d", value):
        return None
    return Span(match.start(), match.start() + len(value), "IP")


def addresses(text: str, where: list[Zone]) -> Iterator[Span]:
    """IPv4 and IPv6 addresses that are not versions, sections or dimensions; the text is folded."""
    yield from scan(IPV4, text, _ipv4, where)
    yield from scan(IPV6, text, _ipv6, where)
