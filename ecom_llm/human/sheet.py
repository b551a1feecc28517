"""A sheet as CSV, for people who like spreadsheets."""

import csv
from collections.abc import Iterator
from pathlib import Path

from ecom_llm.human.study import SCALES, Kind, Sheet, Task

IDENTITY = ("study", "rater", "task")
JUDGED = {"pairwise": ("choice",), "rating": SCALES}
"""Kind of study -> the columns a rater must fill in; choice takes A, B or tie, a scale 1 to 5."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula's beginning."""


def text_columns(kind: Kind) -> tuple[str, ...]:
    """The columns that hold the texts to be judged."""
    return ("A", "B") if kind == "pairwise" else ("text",)


def columns(kind: Kind) -> tuple[str, ...]:
    """The columns of a sheet, in order."""
    return (*IDENTITY, "skill", "locale", "facts", *text_columns(kind), *JUDGED[kind], "comment")


def cell(text: str) -> str:
    """Text that a spreadsheet takes as text: a shop's words must not become its formulas (OWASP, "CSV Injection")."""
    return f"'{text}" if text.startswith(FORMULA) else text


def facts_of(task: Task) -> str:
    """The facts, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in task.facts.items())


def rows(sheet: Sheet) -> Iterator[dict[str, str]]:
    """One row for each task, with nothing filled in."""
    for task in sheet.tasks:
        texts = zip(text_columns(sheet.kind), map(cell, task.texts), strict=True)
        yield {
            "study": f"study-{sheet.study}",  # bare, ten digits and an e would become a number
            "rater": str(sheet.rater),
            "task": f"task-{task.id}",
            "skill": task.skill,
            "locale": task.locale,
            "facts": cell(facts_of(task)),
            **dict(texts),
        }


def write_sheet(path: Path, sheet: Sheet) -> None:
    """Write a sheet as UTF-8 with a mark, without which Excel takes Chinese for Latin."""
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.DictWriter(handle, columns(sheet.kind), restval="")
        writer.writeheader()
        writer.writerows(rows(sheet))
