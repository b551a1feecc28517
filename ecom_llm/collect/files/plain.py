"""Values of Python, Parquet and spreadsheets -> cells: text, truth values, None, and lists and objects of them."""

import datetime
import decimal
import math


def cell_of(value: object) -> object:
    """A value as a cell; numbers become text, whole floats without their `.0` (a spreadsheet knows no other numbers).

    Bytes are text where they are UTF-8, and else a note of their length, as for the pictures in a column nobody maps.

    Raises:
        ValueError: the value is of a kind no cell can be, such as a complex number.
    """
    # bool before int, of which it is one
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int | float | decimal.Decimal):
        return number(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat(" ") if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value)
    if isinstance(value, bytes):
        return text_of(value)
    if isinstance(value, list | tuple | set | frozenset):
        return [cell_of(member) for member in value]
    if isinstance(value, dict):
        found = {str(cell_of(key)): cell_of(member) for key, member in value.items()}
        # 1 and "1" are two keys in Python and one as text
        if len(found) < len(value):
            raise ValueError("a key that stands twice once it is text")
        return found
    raise ValueError(f"found {type(value).__name__}, expected text, a number, a list or an object")


def number(value: float | decimal.Decimal) -> str | None:
    """A number as text; None for the not-a-number that stands for a missing one in tables of floats."""
    if isinstance(value, float):
        if math.isnan(value):
            return None
        # from 1e16 on, `repr` speaks in powers of ten, and so few digits are meant
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    return str(value)


def text_of(value: bytes) -> str:
    """Bytes as text, or a note of how many they are."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return f"<{len(value)} bytes>"
