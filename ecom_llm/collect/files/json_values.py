"""JSON text -> values whose numbers stay as they are spelt, with the problems that `json` would pass over in silence."""

import json
import re
import sys

from ecom_llm.collect.files import limits

SURROGATE = re.compile("[\ud800-\udfff]|\\\\(?:u|U0000)[dD][89a-fA-F]")
"""Half a surrogate pair, or an escape that might be one: cheap to look for in every row."""

TOO_DEEP = f"JSON nested more than {limits.DEPTH} levels deep"


class Parser:
    """`json.JSONDecoder` that keeps the problems of the value it decoded last in `problems`.

    They are kept rather than raised so that decoding goes on behind a bad value: one bad member is not a bad file.
    """

    def __init__(self) -> None:
        self.problems: list[str] = []
        # 1.10 is not turned into 1.1, and no digits are lost
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self.once, parse_float=str, parse_int=str, parse_constant=self.constant
        )

    def once(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        """An object; `json` alone would silently keep the last of two equal keys."""
        found = dict(pairs)
        if len(found) < len(pairs):
            self.problems.append("a key that stands twice")
        return found

    def constant(self, name: str) -> None:
        """NaN and Infinity, which JSON does not know."""
        self.problems.append(f"{name}, which is not JSON")

    def decode(self, text: str, start: int) -> tuple[object, int]:
        """The value at `start`, and where it ends.

        Raises:
            json.JSONDecodeError: there is no value.
            RecursionError: it is nested about a thousand deep.
        """
        # kept by the hooks, which know not where in the text they are
        self.problems.clear()
        value, end = self.decoder.raw_decode(text, start)
        if nests_too_deep(value, text, start, end):
            self.problems[:] = [TOO_DEEP]
        elif holds_surrogate(value, text, start, end):
            self.problems.append("half of a surrogate pair, or bytes that do not fit the encoding")
        return value, end


def holds_surrogate(value: object, text: str, start: int = 0, end: int = sys.maxsize) -> bool:
    """Whether UTF-8 cannot spell a value, decoded from this part of a text, for half a surrogate pair in it."""
    # spelling the value out again costs as much as reading it, and one row in a million needs it
    if not SURROGATE.search(text, start, end):
        return False
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def nests_too_deep(value: object, text: str, start: int = 0, end: int = sys.maxsize) -> bool:
    """Whether a value, decoded from this part of a text, has more than `limits.DEPTH` levels."""
    # a value cannot be deeper than the text has brackets, and counting those is fast
    brackets = text.count("[", start, end) + text.count("{", start, end) + text.count("(", start, end)
    return brackets > limits.DEPTH and deeper_than(limits.DEPTH, value)


def deeper_than(limit: int, value: object) -> bool:
    """Whether a value has more than `limit` levels of lists and objects; walked without recursion, along one branch at a time."""
    branch = [iter((value,))]
    while branch:
        member = next(branch[-1], branch)
        if member is branch:  # the end of this level: no member can be the walk itself
            branch.pop()
        elif isinstance(member, list | dict):
            if len(branch) > limit:
                return True
            branch.append(iter(member.values() if isinstance(member, dict) else member))
    return False
