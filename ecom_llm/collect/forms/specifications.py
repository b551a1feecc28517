"""specifications: rows with a product's attributes in a Ruby hash, such as {"spec"=>[{"key"=>"Type", "value"=>"Sofa"}]}.

The hash is read by a parser of its own and never evaluated: it comes from whoever wrote the file.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.forms.cells import joined, text_of
from ecom_llm.collect.forms.columns import complaint, mapping_of
from ecom_llm.collect.forms.mapped import read_mapped
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Sourced

Value = str | None | list["Value"] | dict[str, "Value"]
"""What a hash may hold; numbers stay as they are spelt, nil is None."""

TOKEN = re.compile(
    r"""\s*(?:
        "(?P<text>(?:[^"\\]|\\.)*)"
      | (?P<mark>=>|[{}\[\],])
      | (?P<word>nil|true|false|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?![\w.])
      | :(?P<symbol>\w+)
      | (?P<key>[A-Za-z_]\w*):(?!:)
    )""",
    re.VERBOSE | re.DOTALL,
)
ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
CONTROLS = {
    "n": "\n",
    "t": "\t",
    "r": "\r",
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "f": "\f",
    "v": "\v",
    "s": " ",
}
DEEPEST = 20
"""Levels of nesting that are followed; published hashes have three."""
HASH = "expected a Ruby hash"

Token = tuple[str, str]
"""Kind and content: a text, a mark, a word, a symbol or a key such as `name:`."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read rows as `mapped` does, with the attributes in the column of `products.attributes`.

    Raises:
        UserError: `products.attributes` is not mapped, or what `mapped` raises.
    """
    mapping = mapping_of(source)
    if "attributes" not in mapping.fields.get("products", {}):
        raise complaint(source, "products.attributes", "is missing; expected the column that holds the hashes.")
    yield from read_mapped(place, source, mapping, attributes_of_hash)


def attributes_of_hash(cell: object) -> dict[str, str]:
    """The attributes in a cell; {} for an empty one.

    A specification `{"key"=>NAME, "value"=>TEXT}` is an attribute NAME; one without a key keeps its text under the name
    of the list it stands in. Values of one name are joined by LIST_SEPARATOR.

    Raises:
        ValueError: the cell is no Ruby hash; says where it ends to be one.
    """
    text = text_of(cell)
    if not text:
        return {}
    value = parse(text)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{HASH}, found a {'list' if isinstance(value, list) else 'text'}")
    return {name: value for name, value in joined(named_values("", value)).items() if name and value}


def named_values(name: str, value: Value) -> Iterator[tuple[str, str]]:
    """Every text in a value with its name: its own key, or that of what it stands in."""
    if isinstance(value, str):
        yield name.strip(), value.strip()
    elif isinstance(value, list):
        for member in value:
            yield from named_values(name, member)
    elif isinstance(value, dict) and "value" in value and set(value) <= {"key", "value"}:
        key = value.get("key")
        yield from named_values(key if isinstance(key, str) and key.strip() else name, value["value"])
    elif isinstance(value, dict):
        for key, member in value.items():
            yield from named_values(key, member)


def parse(text: str) -> Value:
    """The value that a Ruby literal of hashes, lists, texts, numbers, symbols, true, false and nil stands for.

    Raises:
        ValueError: the text is none; says at which character (from 1) it ends to be one.
    """
    tokens = tokens_of(text)
    value = value_from(next(tokens), tokens, 0)
    kind, _ = next(tokens)
    if kind != "end":
        raise ValueError(f"{HASH}, found more after its end")
    return value


def tokens_of(text: str) -> Iterator[Token]:
    """The tokens of a literal, and then `end` for as long as it is asked."""
    place, last = 0, len(text.rstrip())
    while place < last:
        found = TOKEN.match(text, place)
        if found is None or found.lastgroup is None:
            raise ValueError(f"{HASH}, found something else in it")
        yield found.lastgroup, found[found.lastgroup]
        place = found.end()
    while True:
        yield "end", ""


def value_from(token: Token, tokens: Iterator[Token], depth: int) -> Value:
    """The value that begins with this token."""
    kind, content = token
    # a file of brackets would else end Python's stack
    if depth > DEEPEST:
        raise ValueError(f"{HASH} of at most {DEEPEST} levels")
    if kind == "text":
        return unescaped(content)
    # true and false stay words: an attribute is what a text can state
    if kind in ("word", "symbol"):
        return None if token == ("word", "nil") else content
    if token == ("mark", "["):
        return list_from(tokens, depth)
    if token == ("mark", "{"):
        return hash_from(tokens, depth)
    raise ValueError(f"{HASH}, found it cut short or out of order")


def list_from(tokens: Iterator[Token], depth: int) -> list[Value]:
    """The members of a list whose bracket is open."""
    members: list[Value] = []
    token = next(tokens)
    while token != ("mark", "]"):
        members.append(value_from(token, tokens, depth + 1))
        token = after_member(next(tokens), tokens, "]")
    return members


def hash_from(tokens: Iterator[Token], depth: int) -> dict[str, Value]:
    """The members of a hash whose brace is open; of a key that comes again the last value counts, as in Ruby."""
    members: dict[str, Value] = {}
    token = next(tokens)
    while token != ("mark", "}"):
        name = token[1] if token[0] in ("key", "symbol") else value_from(token, tokens, depth + 1)
        if not isinstance(name, str):
            raise ValueError(f"{HASH} whose keys are texts")
        # `name: value` has no arrow, every other key has one
        if token[0] != "key" and next(tokens) != ("mark", "=>"):
            raise ValueError(f"{HASH}, found a key without =>")
        members[name] = value_from(next(tokens), tokens, depth + 1)
        token = after_member(next(tokens), tokens, "}")
    return members


def after_member(token: Token, tokens: Iterator[Token], end: str) -> Token:
    """What follows a member: its list's end, or after a comma the next member."""
    if token == ("mark", end):
        return token
    if token != ("mark", ","):
        raise ValueError(f"{HASH}, found it cut short or out of order")
    return next(tokens)


def unescaped(text: str) -> str:
    """The text that Ruby's double-quoted spelling stands for."""
    return ESCAPE.sub(character, text) if "\\" in text else text


def character(escape: re.Match[str]) -> str:
    """The character an escape stands for; one that no Unicode text may hold is a ValueError."""
    code = escape[1] or escape[2] or escape[3]
    if code is None:
        return CONTROLS.get(escape[4], escape[4])
    if int(code, 16) > 0x10FFFF:
        raise ValueError(f"{HASH}, found an escape of no character")
    return chr(int(code, 16))
