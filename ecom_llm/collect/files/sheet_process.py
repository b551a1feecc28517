"""Spreadsheet -> rows as JSON lines on stdout, in a process of its own: `python -I sheet_process.py FILE MEMORY SECONDS`.

calamine builds a sheet as a full grid: a small file with a cell in its last corner asks for hundreds of gigabytes, and an
allocation that fails ends the process. So it is this process that ends, under limits, and not the one that collects.
The first line is `{"columns": null}` for a workbook without cells; each further one `[row number, [cells]]`; the last line is
`{"end": true}` or `{"error": "..."}`. Nothing of the project is imported here, so that it starts in 50 ms.
"""

import datetime
import json
import resource
import sys
from collections.abc import Iterator

import python_calamine as calamine


def cell(value: object) -> object:
    """A cell as text, as a person sees it: whole numbers without `.0`; empty cells are None.

    A formula comes as the value that the spreadsheet program stored with it; text that begins with `=` is text.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e16 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.isoformat(" ") if value.time() != datetime.time() else value.date().isoformat()
    return str(value)


def filled_sheet(book: calamine.CalamineWorkbook) -> calamine.CalamineSheet | None:
    """The one visible sheet with cells in it.

    Raises:
        ValueError: there are several, of which any choice would silently lose the others.
    """
    visible = [
        sheet.name
        for sheet in book.sheets_metadata
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet and sheet.visible == calamine.SheetVisibleEnum.Visible
    ]
    filled = [sheet for sheet in map(book.get_sheet_by_name, visible) if sheet.height]
    if len(filled) > 1:
        raise ValueError(
            f"holds {len(filled)} sheets with cells ({', '.join(repr(sheet.name[:40]) for sheet in filled[:4])}), expected "
            "one. Hide or remove the others, or save the one you mean as a file of its own"
        )
    return filled[0] if filled else None


def lines(path: str) -> Iterator[object]:
    """What to print for a file."""
    # not from_path(), which believes the file's name: many an .xls is an .xlsx
    with open(path, "rb") as file, calamine.CalamineWorkbook.from_filelike(file) as book:  # noqa: PTH123
        sheet = filled_sheet(book)
        first = sheet.start[0] + 1 if sheet is not None and sheet.start else 1
        for number, row in enumerate(sheet.to_python(skip_empty_area=True) if sheet else (), start=first):
            yield [number, [cell(value) for value in row]]


def limit(kind: int, value: int) -> None:
    """Set a limit of this process; where a lower one is in force already, that one stays."""
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def main(path: str, memory: str, seconds: str) -> None:
    """Print the rows of a spreadsheet, then how it ended."""
    limit(resource.RLIMIT_AS, int(memory))
    limit(resource.RLIMIT_CPU, int(seconds))
    try:
        for line in lines(path):
            print(json.dumps(line))
        print(json.dumps({"end": True}))
    except BrokenPipeError:
        sys.stderr.close()
    # Rust's panics arrive as PanicException, which is a BaseException of a module that cannot be imported
    except BaseException as error:
        print(json.dumps({"error": f"{error or type(error).__name__}"[:500]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
