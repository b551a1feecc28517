"""One JSON document -> rows: a list of objects or lists, an object that holds one such list, or an object of objects.

The text is read through a window, so that only one member at a time stands in memory.
"""

import codecs
import json
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.json_values import TOO_DEEP, Parser
from ecom_llm.collect.files.lines import utf8_chunks
from ecom_llm.collect.files.rows import Fault, Row, fault
from ecom_llm.records import UserError

KEY = "key"
"""Column for the name under which a row stands in an object of objects."""
HELD = 1000
"""Objects that are held back while they may still turn out to stand beside the list that is meant."""
NOT_SPACE = re.compile(r"[^ \t\r\n]")


def text_pieces(path: Path, compression: str | None, encoding: str) -> Iterator[str]:
    """Decoded pieces; bytes that do not fit become half surrogates, which make Faults of the members that hold them."""
    codec = "utf-8" if encoding.startswith("utf-16") else encoding
    # not strict: one bad byte would cost the whole document, of which nothing but its member is bad
    decoder = codecs.getincrementaldecoder(codec)("surrogateescape")
    for chunk in utf8_chunks(path, compression, encoding):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


class Window:
    """The part of a JSON text that is being read, with its line."""

    def __init__(self, path: Path, pieces: Iterator[str]) -> None:
        self.path = path
        self.pieces = pieces
        self.parser = Parser()
        self.text = ""
        self.place = 0
        self.number = 1
        self.counted = 0  # place up to which line ends are in `number`: counted once, not again for each member

    def more(self) -> bool:
        """Drop what was read and append the next piece; False at the end."""
        piece = next((piece for piece in self.pieces if piece), "")
        self.line()  # count the lines of what is dropped
        self.text = self.text[self.place :] + piece
        self.place = self.counted = 0
        return bool(piece)

    def much_more(self) -> bool:
        """Double what is left to read, so that a long value is tried few times; False at the end."""
        wanted = 2 * (len(self.text) - self.place)
        found = self.more()
        while found and len(self.text) < wanted and self.more():
            pass
        return found

    def line(self) -> int:
        """The 1-based line of the reading place."""
        self.number += self.text.count("\n", self.counted, self.place)
        self.counted = self.place
        return self.number

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while not (found := NOT_SPACE.search(self.text, self.place)):
            self.place = len(self.text)
            if not self.more():
                return ""
        self.place = found.start()
        return found.group()

    def take(self, expected: str, where: str) -> str:
        """Read one of the characters expected.

        Raises:
            UserError: another one stands there, or the text ends.
        """
        found = self.peek()
        if not found or found not in expected:
            raise self.error(
                f"found {found!r} {where}" if found else f"the text ends {where}", " or ".join(map(repr, expected))
            )
        self.place += 1
        return found

    def skip_comments(self) -> None:
        """Pass over lines that begin with `#`, which some published data sets put before their JSON."""
        while self.peek() == "#":
            while (end := self.text.find("\n", self.place)) < 0:
                self.place = len(self.text)
                if not self.more():
                    return
            self.place = end

    def value(self) -> object:
        """Read one value; what is wrong with it, but for its syntax, is in `parser.problems`.

        Raises:
            UserError: it is no JSON, nested too deep, or longer than `limits.LINE` characters.
        """
        while True:
            try:
                value, end = self.parser.decode(self.text, self.place)
                # a number at the window's end may go on behind it
                if end < len(self.text) or not self.more():
                    self.place = end if end < len(self.text) else len(self.text)
                    return value
            except json.JSONDecodeError as error:
                place = error.pos - self.place
                if len(self.text) - self.place > limits.LINE:
                    # or the text is broken and nothing that follows would mend it: either way the window grows no more
                    raise self.error(f"a value of more than {limits.LINE} characters", "shorter ones") from error
                if not self.much_more():
                    line = self.line() + self.text.count("\n", 0, place)
                    raise self.error(f"no JSON ({error.msg}, line {line})", "a JSON value") from error
            except RecursionError as error:
                raise self.error(TOO_DEEP, "fewer") from error

    def error(self, found: str, expected: str) -> UserError:
        """What to tell about this place."""
        return UserError(
            f"{self.path}:{self.line()}: {found}, expected {expected}. A JSON file holds a list of objects, or one object "
            "with such a list in it; a file with one object a line is called .jsonl."
        )


def read_json(path: Path, compression: str | None, encoding: str) -> Iterator[tuple[int, Row | Fault]]:
    """Yield each member with the line on which it starts.

    Raises:
        UserError: the text is not JSON, or holds no list or more than one that could be meant.
    """
    window = Window(path, text_pieces(path, compression, encoding))
    window.skip_comments()
    opening = window.take("[{", "at the beginning")
    yield from members(window) if opening == "[" else object_members(window)
    behind = window.peek()
    if behind:
        raise window.error(f"found {behind!r} behind the end of the document", "nothing more")


def members(window: Window) -> Iterator[tuple[int, Row | Fault]]:
    """The rows of a list whose bracket has been read."""
    if window.peek() == "]":
        window.take("]", "")
        return
    while True:
        window.peek()
        line = window.line()
        yield line, row_of(window, window.value())
        if window.take(",]", "behind a member of a list") == "]":
            return


def row_of(window: Window, value: object) -> Row | Fault:
    """A member as a row; the members of a list are called `column_1` and so on."""
    if window.parser.problems:
        return fault(window.parser.problems[0], shown(value))
    if isinstance(value, dict):
        return value
    if isinstance(value, list) and len(value) <= limits.COLUMNS:
        return {f"column_{place}": member for place, member in enumerate(value, start=1)}
    return fault(f"a JSON {type(value).__name__}, expected an object or a short list", shown(value))


def shown(value: object) -> str:
    """A value as JSON again, for a Fault."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return ""


def object_members(window: Window) -> Iterator[tuple[int, Row | Fault]]:
    """The rows of an object whose brace has been read: of the one list in it, or else its objects, with their names."""
    held: list[tuple[int, Row | Fault]] = []
    plain: list[str] = []
    lists = given = 0
    for name in names(window):
        line = window.line()
        if window.peek() == "[":
            window.take("[", "")
            if window.peek() not in ("{", "["):
                deque(members(window), maxlen=0)  # tags, an empty list of errors: no rows
                plain.append(name)
                continue
            lists += 1
            if "columns" in plain:
                raise by_columns(window, "columns")
            if lists > 1 or given:
                raise window.error(f"found a second thing to read under {name[:80]!r}", "one list")
            yield from members(window)
            continue
        value = window.value()
        if isinstance(value, dict) and not lists:
            # it may be the meta data beside a list still to come
            held.append((line, named(window, name, value)))
        if len(held) > HELD and not lists:
            given += len(held)
            yield from held
            held.clear()
    if not lists:
        if (plain and not (held or given)) or (held and all(is_column(row) for _, row in held)):
            raise by_columns(window, plain[0] if plain else held[0][1][KEY])
        if not (held or given):
            raise window.error("found an object without lists or objects", "a list of objects")
        yield from held


def is_column(row: Row | Fault) -> bool:
    """Whether an object's names are the numbers of rows, as in pandas' `to_json`."""
    return isinstance(row, dict) and len(row) > 2 and row.keys() - {KEY} == {str(at) for at in range(len(row) - 1)}


def by_columns(window: Window, name: str) -> UserError:
    """What to tell about a table that is written column by column."""
    return UserError(
        f"{window.path}: holds no list of objects, but {str(name)[:80]!r} as a list of its own: a table by its columns? Expected "
        "one object for each row; with pandas: frame.to_json(PATH, orient='records', lines=True)."
    )


def named(window: Window, name: str, value: Row) -> Row | Fault:
    """A row of an object of objects, with its name in the column `KEY`."""
    if KEY in value:
        return fault(f"the column {KEY!r} twice: in the row, and for its name", shown(value))
    return row_of(window, {KEY: name, **value})


def names(window: Window) -> Iterator[str]:
    """Yield each name of an object whose brace has been read; its value is read by the caller before the next."""
    if window.peek() == "}":
        window.take("}", "")
        return
    seen: set[str] = set()
    while True:
        # `value` would accept any JSON as a name
        if window.peek() != '"':
            window.take('"', "where a name should stand")
        name = str(window.value())
        if name in seen:
            raise window.error(f"the name {name[:80]!r} stands twice", "each name once")
        seen.add(name)
        if len(seen) > limits.NAMES:
            raise window.error(f"an object with more than {limits.NAMES} names", "JSON lines for that many rows")
        window.take(":", "behind a name")
        window.peek()
        yield name
        if window.take(",}", "behind a value") == "}":
            return
