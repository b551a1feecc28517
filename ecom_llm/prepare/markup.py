"""HTML in shop texts, as regular expressions in the syntax of Rust's `regex`: what is a tag, and what only looks like one.

A shop's text says `5 < 6 and 7 > 3`, `a<b`, `<UNK>` or `List<String>`, and none of these may go. So a tag is only what
has the name of an HTML element and attributes as HTML spells them: with a value, or one of the known bare names.
`x <b and c> y` stays therefore, although a browser would see a tag in it.
"""

import re

SPACE = r"[\t\n\f\r ]"
BLOCK_NAMES = (
    "address|area|article|aside|audio|blockquote|body|br|button|caption|center|col|colgroup|dd|details|dialog|div|dl|dt|"
    "embed|fieldset|figcaption|figure|footer|form|h[1-6]|head|header|hr|html|iframe|img|input|label|legend|li|link|main|"
    "map|meta|nav|noscript|object|ol|optgroup|option|p|param|picture|pre|section|select|source|summary|svg|table|tbody|td|"
    "textarea|tfoot|th|thead|title|tr|track|ul|video"
)
"""Elements that part words: a space is left where their tags stood."""
INLINE_NAMES = (
    "a|abbr|acronym|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|o:p|q|rp|rt|ruby|s|samp|script|small|"
    "span|strike|strong|style|sub|sup|time|tt|u|var|wbr"
)
"""Elements that stand inside words (`wa<b>ter</b>proof`, `m<sup>2</sup>`): nothing is left."""
BARE_ATTRIBUTES = (
    "allowfullscreen|async|autoplay|checked|controls|defer|disabled|download|hidden|loop|multiple|muted|noshade|nowrap|"
    "readonly|required|reversed|selected"
)
_VALUE = r"""(?:"[^"]*"|'[^']*'|[^\t\n\f\r "'=<>`]+)"""
# Only the names ignore case, and only ASCII's: with Unicode's rules `ſ` would be an `s`.
ATTRIBUTES = (
    rf"(?:{SPACE}+(?:[A-Za-z_:@][A-Za-z0-9_:.@-]*{SPACE}*={SPACE}*{_VALUE}|(?i-u:{BARE_ATTRIBUTES})))*{SPACE}*/?>"
)
"""The rest of a tag, after its name."""


def _element(name: str) -> str:
    """An element with all it holds."""
    return rf"<(?i-u:{name}){ATTRIBUTES}(?s:.*?)</(?i-u:{name}){SPACE}*>"


HIDDEN = (
    rf"<!--(?s:.*?)-->|<!(?i-u:doctype){SPACE}[^<>]*>|{_element('script')}|{_element('style')}"
    rf"|</?(?i-u:{INLINE_NAMES}){ATTRIBUTES}"
)
"""What a reader does not see and what parts no words: comments, scripts and styles with what they hold, inline tags."""
BREAKING = rf"</?(?i-u:{BLOCK_NAMES}){ATTRIBUTES}"
"""Tags between words."""
ENTITY = r"&(?:#([0-9]{1,7}|[xX][0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));"
"""A character reference with its semicolon (also in Python's syntax). Without one it may be an address: `?a=1&copy=2`."""

OPENING = r"<(?:!--|(?i-u:script|style))"
"""The beginnings of what HIDDEN follows to an end of its own, which may be missing."""


def _in_python(pattern: str) -> re.Pattern[str]:
    """A pattern of this module, compiled by Python."""
    return re.compile(pattern.replace("(?i-u:", "(?ai:"))


_CLOSING = {
    "<!--": _in_python("-->"),
    "script": _in_python(rf"</(?i-u:script){SPACE}*>"),
    "style": _in_python(rf"</(?i-u:style){SPACE}*>"),
}
_HEAD = _in_python(
    rf"(<!--)|<!(?i-u:doctype){SPACE}[^<>]*>|<((?i-u:script|style)){ATTRIBUTES}|</?(?i-u:{INLINE_NAMES}){ATTRIBUTES}"
)
"""What HIDDEN matches, without what an element or a comment holds."""


def without_hidden(text: str) -> str:
    """The text without what HIDDEN matches, in time linear in its length.

    An automaton that replaces all looks from every `<!--` or `<script>` that is never closed to the text's end. Here the
    end is looked for once: when none stands behind one opening, none stands behind a later one.
    """
    kept: list[str] = []
    unclosed: set[str] = set()
    begun = place = 0
    while head := _HEAD.search(text, place):
        place = head.end()
        kind = (head[1] or head[2] or "").lower()
        closing = _CLOSING[kind].search(text, place) if kind and kind not in unclosed else None
        if kind and not closing:
            unclosed.add(kind)
        if closing:
            place = closing.end()
        elif head[1]:
            continue  # a lone `<!--` is text, while a lone `<script>` is still a tag
        kept.append(text[begun : head.start()])
        begun = place
    return "".join([*kept, text[begun:]])
