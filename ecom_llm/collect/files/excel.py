"""Spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods) -> rows, read by calamine in a process under limits."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.header import columns_of
from ecom_llm.collect.files.rows import Fault, Row, fault
from ecom_llm.records import UserError

PROCESS = Path(__file__).with_name("sheet_process.py")
PATIENCE = 10
"""Seconds until a process that was told to end is killed."""


@contextmanager
def sheet_lines(path: Path) -> Iterator[IO[str]]:
    """The output of `sheet_process.py`; the process ends with the block, whatever happens in it."""
    limit = [str(limits.PROCESS_MEMORY), str(limits.PROCESS_SECONDS)]
    process = subprocess.Popen(
        # -I: neither the working directory nor PYTHON* variables have a say in what this process imports
        [sys.executable, "-I", str(PROCESS), str(path.absolute()), *limit],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # Rust prints a hundred lines of backtrace when an allocation fails
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
    )
    try:
        yield process.stdout
    finally:
        # also where the caller left off in the middle, and the process would wait for its pipe for ever
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()


def sheet_rows(path: Path) -> Iterator[tuple[int, list[object]]]:
    """Yield number and cells of each row of the one sheet with cells.

    Raises:
        UserError: the file is no spreadsheet, needs a password, has several sheets, or asks for too much memory or time.
    """
    with sheet_lines(path) as output:
        for text in output:
            # a last line without its end was being written when the process died
            told = json.loads(text) if text.endswith("\n") else None
            if isinstance(told, list):
                yield told[0], told[1]
            elif told and "end" in told:
                return
            else:
                raise UserError(
                    f"{path}: cannot be read as a spreadsheet: {told['error'] if told else 'cut off'}. "
                    "Open it in your spreadsheet program and save the sheet you mean as .xlsx or .csv."
                )
    raise UserError(
        f"{path}: its sheet could not be read within {limits.PROCESS_MEMORY >> 20} MiB of memory and "
        f"{limits.PROCESS_SECONDS} s: most likely a cell far away from the others makes it that large. "
        "Save the cells you mean as .csv."
    )


def filled_rows(path: Path) -> Iterator[tuple[int, list[object]]]:
    """The rows that hold a cell; there is at least one, which names the columns."""
    rows = ((number, cells) for number, cells in sheet_rows(path) if any(cell is not None for cell in cells))
    first = next(rows, None)
    if first is None:
        raise UserError(
            f"{path}: its sheets hold no cells, expected a row with the names of the columns, and rows below."
        )
    yield first
    yield from rows


def named(path: Path, number: int, cells: list[object]) -> tuple[str, ...]:
    """The columns that the first row names."""
    return columns_of(path, number, ["" if cell is None else str(cell) for cell in cells])


def excel_columns(path: Path) -> tuple[str, ...]:
    """The columns of a spreadsheet."""
    rows = filled_rows(path)
    try:
        return named(path, *next(rows))
    finally:
        rows.close()  # ends the process now, not whenever the generator is collected


def read_excel(path: Path) -> Iterator[tuple[int, Row | Fault]]:
    """Yield the rows below the first one with cells, which names the columns; empty rows are left out.

    Raises:
        UserError: as `sheet_rows` does; or there are no cells, or two columns have one name.
    """
    rows = filled_rows(path)
    columns = named(path, *next(rows))
    for number, cells in rows:
        if any(isinstance(cell, str) and len(cell) > limits.LINE for cell in cells):
            yield number, fault(f"a cell of more than {limits.LINE} characters", str(cells[0]))
        else:
            yield number, dict(zip(columns, cells, strict=True))
