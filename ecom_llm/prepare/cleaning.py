"""Cleaning: named operations on a column of texts, as Daft expressions that run the same on one machine and on Ray.

Each operation is a trigger, a regular expression that finds every text it could change, and a mend, which changes those.
Most texts of a shop are clean, so `cleaned` first looks once for any trigger at all, and only the rows found go through
the operations. The searching is done by Rust's `regex` (through polars, on Arrow memory and without Python's lock), which
does not backtrack: one search takes time linear in the text. Replacing all searches again behind each match, and looks each
time to the text's end for what closes a `<script>` or `<!--`: long texts that have these take a way of their own.

What each operation does, in plain Python, stands in `benchmarks/peers/operations.py`; a test holds the two together.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from html.entities import html5
from itertools import groupby

import daft
import ftfy
import polars as pl
import pyarrow as pa
from daft import DataType, Expression, Series
from ftfy.badness import BADNESS_RE, is_bad

from ecom_llm.prepare.markup import BREAKING, ENTITY, HIDDEN, OPENING, without_hidden
from ecom_llm.records import UserError

CONTROL = (
    r"[\x00-\x08\x0e-\x1b\x7f-\x{84}\x{86}-\x{9f}\x{ad}\x{200b}\x{200e}\x{200f}\x{202a}-\x{202e}\x{2060}\x{2066}-\x{2069}"
    r"\x{feff}]"
)
"""Control characters, soft hyphens, marks of direction (phones copy numbers with them, and hidden in one they hide it), and what of
no width joins nothing (U+200D is left: it holds emoji together)."""
BLANK = r"\t-\r\x1c-\x1f\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
"""White space but the plain one, as Python's `str.split` has it (Rust's `\\s` leaves out U+001C to U+001F)."""
LONG = 2_000
"""Bytes up to which quadratic time does no harm: half a millisecond at worst; in most texts Rust is the faster one."""

FTFY = ftfy.TextFixerConfig(explain=False)
RARE = frozenset({"mojibake", "control", "unicode"})
"""Operations that find something in few texts."""


@dataclass(frozen=True)
class Operation:
    """Something done to texts: `mend` changes no text that `trigger` (Rust's regex syntax) does not match."""

    trigger: str
    mend: Callable[[pl.Series], pl.Series]

    def apply(self, texts: pl.Series) -> pl.Series:
        """The texts after the operation, nulls as nulls; only those that the trigger matches are touched."""
        found = texts.str.contains(self.trigger).arg_true()
        if not len(found):
            return texts
        # `scatter` writes in place, and the caller keeps its column: the clone shares what is not written.
        return texts.clone().scatter(found, self.mend(texts.gather(found)))


def in_turn(operations: Iterable[Operation]) -> Operation:
    """Several operations as one, so that a text which triggers none of them is looked at once.

    This is exact, whatever one operation leaves for the next to find: a text that no trigger matches is not changed by
    the first operation, hence not by the second, and so on.
    """
    steps = tuple(operations)
    trigger = "|".join(f"(?:{step.trigger})" for step in steps)
    return Operation(trigger, lambda texts: reduce(lambda mended, step: step.apply(mended), steps, texts))


def _replacing(pattern: str, replacement: str) -> Operation:
    return Operation(pattern, lambda texts: texts.str.replace_all(pattern, replacement))


def _one_by_one(mend: Callable[[str], str], texts: pl.Series) -> pl.Series:
    """What no Rust library does, text by text: for few texts only, since Python's lock lets one thread in at a time."""
    return pl.Series(texts.name, [mend(text) for text in texts.to_list()], dtype=pl.String)


def _unescape(texts: pl.Series) -> pl.Series:
    """Each entity once, so that `&amp;lt;` becomes `&lt;` and no more.

    Python sees each spelling once and not each place: then one pass of Aho and Corasick's automaton (1975) puts the
    characters in. No entity holds another's beginning, so that what it finds is what the expression found.
    """
    spelt = texts.str.extract_all(ENTITY).explode(empty_as_null=False).unique()
    characters = {entity: _characters(entity) for entity in spelt.to_list()}
    return texts.str.replace_many(characters)


def _characters(entity: str) -> str:
    """The characters of one entity; an unknown name stays as it is spelt."""
    return html.unescape(entity) if entity[1] == "#" else html5.get(entity[1:], entity)


def _without_hidden(texts: pl.Series) -> pl.Series:
    """The texts without what HIDDEN matches; see the module's docstring for the long ones."""
    long = (texts.str.len_bytes() > LONG).arg_true()
    long = long.filter(texts.gather(long).str.contains(OPENING))
    if not len(long):
        return texts.str.replace_all(HIDDEN, "")
    mended = _one_by_one(without_hidden, texts.gather(long))
    return texts.clone().scatter(long, "").str.replace_all(HIDDEN, "").scatter(long, mended)


def _html() -> Operation:
    """Tags first and entities then, as a browser does: an escaped `&lt;b&gt;` is text that speaks of a tag."""
    # A plain `<` is found at the speed of memory; the tags' long patterns then run on few texts.
    tags = Operation("<", lambda texts: _without_hidden(texts).str.replace_all(BREAKING, " "))
    return in_turn([tags, Operation("&", Operation(ENTITY, _unescape).apply)])


def _mojibake() -> Operation:
    """ftfy's own sign of trouble, translated into Rust's syntax, before ftfy itself: the same result, sooner.

    ftfy leaves every text alone that its BADNESS_RE does not match, which is why the trigger loses nothing. In the
    translation blanks and comments go (Rust's `(?x)` would drop the blanks inside brackets too), and `\\s` and `\\w` are
    widened to hold all that Python means by them.
    """
    # Its sign stands in the first search too, instead of a cheaper one that good accents and quotation marks would set off:
    # an automaton's pace does not hang on its size, and three in four of the rows found are spared what follows.
    bare = re.sub(r"(\[[^\]]*\])|#[^\n]*|\s+", lambda part: part[1] or "", BADNESS_RE.pattern)
    trigger = bare.replace(r"\w", r"[\w\p{N}]").replace(r"\s", r"[\s\x1c-\x1f]")
    rest = Operation(trigger, partial(_one_by_one, ftfy.fix_encoding))
    return Operation(trigger, lambda texts: rest.apply(_one_by_one(_decoded_once, texts)))


def _decoded_once(text: str) -> str:
    """One round of `ftfy.fix_encoding`, which repeats this until nothing changes.

    Its last round only finds that all is well now, and takes two thirds of its time to do so; Rust's look at the whole
    column finds the same. The function is ftfy's own but not public: a test holds the result to `ftfy.fix_encoding`.
    """
    if not is_bad(text):
        return text
    # The first two encodings that ftfy tries. What it mends in the bytes before it decodes them is never valid UTF-8, but
    # for 0x1A, its sign of a lost character; so valid bytes need none of that, and most mojibake has them.
    for encoding in ("latin-1", "sloppy-windows-1252"):
        try:
            encoded = text.encode(encoding)
            if b"\x1a" not in encoded:
                return encoded.decode()
        except UnicodeError:
            continue
    return ftfy._fix_encoding_one_step_and_explain(text, FTFY).text


@cache
def _unsettled() -> str:
    """The characters that NFC may change, move or join to the one before, as a class: texts without them are in NFC.

    They are those with NFC_Quick_Check No or Maybe and those with a combining class: UAX #15, section 9.
    """
    characters = [chr(place) for place in range(0x300, 0x30000) if not 0xD800 <= place < 0xE000]
    found = {second for character in characters for second in unicodedata.normalize("NFD", character)[1:]}
    for character in characters:
        if unicodedata.combining(character) or unicodedata.normalize("NFC", character) != character:
            found.add(character)
    return "[" + "".join(rf"\x{{{ord(character):x}}}" for character in sorted(found)) + "]"


def _unicode() -> Operation:
    return Operation(_unsettled(), lambda texts: texts.str.normalize("NFC"))


def _whitespace() -> Operation:
    """Only what is no single plain space is replaced: to write every space anew would cost three times as much."""
    runs = f"[{BLANK}][{BLANK} ]*| [{BLANK} ]+"
    return Operation(f"[{BLANK}]|  |^ | $", lambda texts: texts.str.replace_all(runs, " ").str.strip_chars(" "))


@cache
def _operation(name: str) -> Operation:
    made = {
        "html": _html,
        "mojibake": _mojibake,
        "control": partial(_replacing, CONTROL, ""),
        "unicode": _unicode,
        "whitespace": _whitespace,
    }
    return made[name]()


@cache
def _program(names: tuple[str, ...]) -> Operation:
    """The named operations in turn; neighbours that rarely find anything are asked for together first."""
    steps: list[Operation] = []
    for rare, members in groupby(names, key=RARE.__contains__):
        found = [_operation(name) for name in members]
        steps += [in_turn(found)] if rare else found
    return in_turn(steps)


def cleaned_texts(texts: pl.Series, operations: Sequence[str]) -> pl.Series:
    """The texts after the named operations, nulls as nulls; what the expressions below do to each batch."""
    return _program(tuple(operations)).apply(texts)


# Daft would move a function that holds Python's lock into processes of its own: copying costs more than it saves.
@daft.func.batch(return_dtype=DataType.string(), use_process=False)
def _clean(column: Series, operations: str) -> pa.Array:
    texts = pl.Series(column.to_arrow(), dtype=pl.String)
    return cleaned_texts(texts, operations.split(",")).to_arrow(compat_level=pl.CompatLevel.oldest())


def cleaned(column: Expression, operations: tuple[str, ...]) -> Expression:
    """The column of strings after the named operations, in the order given; nulls stay null.

    Raises:
        UserError: an operation is not known.
    """
    _check(operations)
    return _clean(column, ",".join(operations)) if operations else column


def _only(name: str) -> Callable[[Expression], Expression]:
    return lambda column: cleaned(column, (name,))


OPERATIONS: dict[str, Callable[[Expression], Expression]] = {
    name: _only(name) for name in ("html", "mojibake", "control", "unicode", "whitespace")
}
"""Name -> the operation alone, in the order that serves: entities may hide mojibake, mojibake consists of control
characters, and NFC joins an accent to its letter only once nothing invisible parts them."""


def _check(operations: tuple[str, ...]) -> None:
    unknown = [name for name in operations if name not in OPERATIONS]
    if unknown:
        raise UserError(
            f"prepare.clean: no operation is named {unknown[0]!r}; expected some of {', '.join(OPERATIONS)}. "
            "Mend the name in params.yaml."
        )
