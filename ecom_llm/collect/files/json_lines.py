"""JSON lines -> rows, each bad line a Fault."""

import json
from collections.abc import Iterable, Iterator

from ecom_llm.collect.files.json_values import TOO_DEEP, Parser
from ecom_llm.collect.files.lines import Bad
from ecom_llm.collect.files.rows import Fault, Row, fault


def read_json_lines(lines: Iterable[tuple[int, str | Bad]]) -> Iterator[tuple[int, Row | Fault]]:
    """Yield the object of each line that is not blank."""
    parser = Parser()
    for number, line in lines:
        if isinstance(line, Bad):
            yield number, line.fault
        elif text := line.strip(" \t\r\n"):
            yield number, row_of(parser, text)


def row_of(parser: Parser, text: str) -> Row | Fault:
    """One line as a row, or why it is none."""
    try:
        value, end = parser.decode(text, 0)
    except json.JSONDecodeError as error:
        return fault(f"not JSON: {error.msg}", text)
    except RecursionError:
        return fault(TOO_DEEP, text)
    if parser.problems:
        return fault(parser.problems[0], text)
    if end < len(text):
        return fault("more text behind the JSON value", text)
    if not isinstance(value, dict):
        return fault(f"a JSON {type(value).__name__}, expected an object", text)
    return value
