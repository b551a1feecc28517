"""The benchmark's operations in plain Python, as a user of `datasets.map` or datatrove writes them: one text at a time.

They are the definition too: the unit tests hold `ecom_llm.prepare.cleaning` to them on random Unicode. Each looks for a
cheap sign of work before it does any, because a competent user would: without that the peers are slower than need be.
Only `re`, `html`, `unicodedata` and ftfy are used.
"""

import html
import re
import unicodedata
from collections.abc import Callable
from html.entities import html5

import ftfy

SPACE = r"[\t\n\f\r ]"
BLOCK = (
    "address|article|aside|blockquote|body|br|caption|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|"
    "footer|form|h[1-6]|head|header|hr|html|iframe|img|input|label|legend|li|link|main|meta|nav|noscript|object|ol|"
    "optgroup|option|p|param|picture|pre|section|select|source|summary|table|tbody|td|textarea|tfoot|th|thead|title|tr|"
    "track|ul|video|audio|button|col|colgroup|embed|svg|map|area"
)
INLINE = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|o:p|q|rp|rt|ruby|s|samp|script|small|"
    "span|strike|strong|style|sub|sup|time|tt|u|var|wbr"
)
ATTRIBUTES = (
    rf"(?:{SPACE}+(?:[A-Za-z_:@][A-Za-z0-9_:.@-]*{SPACE}*={SPACE}*(?:\"[^\"]*\"|'[^']*'|[^\t\n\f\r \"'=<>`]+)"
    "|allowfullscreen|async|autoplay|checked|controls|defer|disabled|download|hidden|loop|multiple|muted|noshade|nowrap|"
    f"readonly|required|reversed|selected))*{SPACE}*/?>"
)
HIDDEN = re.compile(
    rf"<!--.*?-->|<!doctype{SPACE}[^<>]*>|<script{ATTRIBUTES}.*?</script{SPACE}*>|<style{ATTRIBUTES}.*?</style{SPACE}*>"
    rf"|</?(?:{INLINE}){ATTRIBUTES}",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
BREAKING = re.compile(rf"</?(?:{BLOCK}){ATTRIBUTES}", re.IGNORECASE | re.ASCII)
ENTITY = re.compile(r"&(?:#([0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]"
)


def html_text(text: str) -> str:
    """Tags out (block ones leave a space), comments, scripts and styles with what they hold; entities unescaped once."""
    if "<" in text:
        text = BREAKING.sub(" ", HIDDEN.sub("", text))
    return ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    """The characters of one entity; an unknown name stays as it is spelt."""
    if entity[1]:
        return html.unescape(entity[0])
    return html5.get(f"{entity[2]};", entity[0])


def mojibake(text: str) -> str:
    """Undo a wrong decoding; ftfy looks itself first whether anything speaks for one."""
    return text if text.isascii() else ftfy.fix_encoding(text)


def control(text: str) -> str:
    """No control characters that are not white space, and none of the zero-width characters that join nothing."""
    return UNSEEN.sub("", text)


def unicode(text: str) -> str:
    """Unicode NFC; `normalize` itself looks first whether there is anything to do."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def whitespace(text: str) -> str:
    """Every run of white space one space, none at the ends."""
    return " ".join(text.split())


OPERATIONS: dict[str, Callable[[str], str]] = {
    "html": html_text,
    "mojibake": mojibake,
    "control": control,
    "unicode": unicode,
    "whitespace": whitespace,
}


def clean(text: str, names: list[str]) -> str:
    """The text after the named operations, in the order given."""
    for name in names:
        text = OPERATIONS[name](text)
    return text
