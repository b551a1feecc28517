"""Python dict literals, one a line -> rows: read as data by `ast.literal_eval`, never run."""

import ast
import warnings
from collections.abc import Iterable, Iterator

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.json_values import holds_surrogate, nests_too_deep
from ecom_llm.collect.files.lines import Bad
from ecom_llm.collect.files.plain import cell_of
from ecom_llm.collect.files.rows import Fault, Row, fault

TOO_DEEP = f"a literal nested more than {limits.DEPTH} levels deep"


def read_literals(lines: Iterable[tuple[int, str | Bad]]) -> Iterator[tuple[int, Row | Fault]]:
    """Yield the dict of each line that is not blank."""
    for number, line in lines:
        if isinstance(line, Bad):
            yield number, line.fault
        elif text := line.strip():
            yield number, row_of(text)


def row_of(text: str) -> Row | Fault:
    """One line as a row, or why it is none."""
    if len(text) > limits.LITERAL:
        return fault(f"a literal of more than {limits.LITERAL} characters", text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a text is nothing to warn a reader of data about
            # the tree itself is needed too: in the value the second of two equal keys has won
            tree = ast.parse(text, mode="eval")
            value = ast.literal_eval(tree)
        if not isinstance(value, dict):
            return fault(f"a Python {type(value).__name__}, expected a dict", text)
        if twice(tree.body, value, text):
            return fault("a key that stands twice", text)
        row = cell_of(value)
    except SyntaxError as error:
        return fault(f"not a Python literal: {error.msg}", text)
    except (RecursionError, MemoryError):
        return fault(TOO_DEEP, text)
    except (ValueError, TypeError):
        # their messages hold addresses of nodes, and equal reasons are to be counted
        return fault("not a Python literal", text)
    if nests_too_deep(row, text):
        return fault(TOO_DEEP, text)
    return fault("half of a surrogate pair", text) if holds_surrogate(row, text) else row


def twice(tree: ast.Dict, value: dict[object, object], text: str) -> bool:
    """Whether a dict in the literal names a key twice, of which Python would silently keep the last."""
    # the common case, without a walk over the tree
    if text.count("{") == 1:
        return len(tree.keys) > len(value)
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
            if len(set(keys)) < len(keys):
                return True
    return False
