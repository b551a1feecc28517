"""The files that raters send back -> answers: JSON or CSV from the page, or the sheet after any spreadsheet had it."""

import unicodedata
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from ecom_llm.collect.files import Fault, Row, read_rows
from ecom_llm.human.sheet import IDENTITY, JUDGED, cell, facts_of, text_columns
from ecom_llm.human.study import SCALES, Answer, Kind, Sheet, Study, Task
from ecom_llm.human.words import REASONS
from ecom_llm.records import UserError

CHOICES = {"a": "first", "b": "second", "tie": "tie"}
"""What stands in a sheet -> what it means."""
SAME = {"t": "tie", "=": "tie", "差不多": "tie", "a更好": "first", "b更好": "second"}
"""What people write instead."""


class Rejected(BaseModel):
    """An answer that cannot be used, and why."""

    where: str
    reason: str


@dataclass(frozen=True)
class Returned:
    """What a file says: whose sheet it answers, and the answers, each with the place it stands at."""

    study: str
    rater: int
    name: str
    answers: tuple[tuple[str, Answer], ...]
    rejected: tuple[Rejected, ...]
    digest: str | None = None
    """Of the sheet as the page showed it; a spreadsheet holds the texts themselves instead."""


class PageAnswer(BaseModel):
    """An answer as the page writes it; checked more closely where the task is known."""

    model_config = ConfigDict(extra="forbid")

    task: str
    choice: str | None
    ratings: dict[str, int]
    reasons: list[str]
    comment: str


class PageFile(BaseModel):
    """The JSON file that the page gives for download."""

    model_config = ConfigDict(extra="forbid")

    study: str
    rater: int
    digest: str
    name: str
    answers: list[PageAnswer]


def read_page(path: Path) -> Returned:
    """The JSON file of the page.

    Raises:
        UserError: it cannot be read, or is not what the page writes.
    """
    try:
        found = PageFile.model_validate_json(path.read_bytes().removeprefix(BOM_UTF8))
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). Check the path and your rights.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(
            f"{path}: is not what a study's page gives for download: {where}: {first['msg']}. Ask the rater for the file once more."
        ) from error
    good: list[tuple[str, Answer]] = []
    bad: list[Rejected] = []
    for number, one in enumerate(found.answers, start=1):
        reason = fault_of(one)
        if reason:
            bad.append(Rejected(where=f"answer {number}", reason=reason))
        else:
            good.append((f"answer {number}", Answer.model_validate(one.model_dump())))
    return Returned(found.study, found.rater, found.name.strip(), tuple(good), tuple(bad), found.digest)


def fault_of(one: PageAnswer) -> str | None:
    """What is wrong with the values of an answer of the page, if anything."""
    if one.choice not in (None, *CHOICES.values()):
        return f"the choice is {one.choice!r}, expected first, second or tie"
    for scale, value in one.ratings.items():
        if scale not in SCALES or not 1 <= value <= 5:
            return f"{scale} is {value}, expected 1 to 5 on {', '.join(SCALES)}"
    strange = set(one.reasons) - set(REASONS)
    return f"the reasons {sorted(strange)} are unknown, expected some of {', '.join(REASONS)}" if strange else None


def text_of(value: object) -> str:
    """A cell as text."""
    return "" if value is None else str(value).strip()


def digits(value: str) -> str:
    """A whole number as it is spelt; spreadsheets make 3 a 3.0, and Chinese keyboards a full-width 3."""
    return plain(value).removesuffix(".0")


def plain(text: str) -> str:
    """Text without what spreadsheets change: width of characters, white space, and the mark against formulas."""
    return "".join(unicodedata.normalize("NFKC", text).split()).removeprefix("'")


def same_text(found: str, shown: str) -> bool:
    """Whether a cell still holds the text that was to be judged.

    A spreadsheet that saves in an encoding without some characters writes a question mark for each: those count as kept.
    """
    shown = cell(shown)
    if plain(found) == plain(shown):
        return True
    # not `plain`, which would make a character of ASCII of a full-width comma
    raw, original = ("".join(text.split()).removeprefix("'") for text in (found, shown))
    return len(raw) == len(original) and all(
        one == other or (one == "?" and other > "\x7f") for one, other in zip(raw, original, strict=True)
    )


def one_value(path: Path, rows: list[tuple[int, Row]], column: str) -> str:
    """The value that a column holds in every row.

    Raises:
        UserError: the column is missing, or rows differ: sheets were pasted together.
    """
    if any(column not in row for _, row in rows):
        raise UserError(
            f"{path}: has no column {column!r}, found {', '.join(rows[0][1])}. Expected the sheet of a study with its columns "
            "as they were."
        )
    values = {text_of(row[column]) for _, row in rows}
    if len(values) != 1:
        raise UserError(
            f"{path}: the column {column!r} holds {', '.join(sorted(values))}; expected one sheet of one rater a file. "
            "Import the raters' files one by one."
        )
    return values.pop()


def read_sheet(path: Path, studies: dict[str, Study]) -> Returned:
    """A CSV or Excel file made from a sheet.

    Raises:
        UserError: the file as a whole cannot be read, or is of no study or rater there is.
    """
    rows: list[tuple[int, Row]] = []
    rejected: list[Rejected] = []
    for line, row in read_rows(path):
        if isinstance(row, Fault):
            rejected.append(Rejected(where=f"line {line}", reason=row.reason))
        elif any(text_of(value) for value in row.values()):
            rows.append((line, row))
    if not rows:
        raise UserError(f"{path}: holds no rows. Expected the sheet of a study, filled in.")
    name, number = (one_value(path, rows, column) for column in IDENTITY[:2])
    name = name.removeprefix("study-")
    sheet = sheet_of(path, name, digits(number), studies)
    answers = []
    for line, row in rows:
        found = answer_of(row, sheet)
        if isinstance(found, Answer):
            answers.append((f"line {line}", found))
        elif found:
            rejected.append(Rejected(where=f"line {line}", reason=found))
    return Returned(name, sheet.rater, "", tuple(answers), tuple(rejected))


def sheet_of(path: Path, study: str, rater: str, studies: dict[str, Study]) -> Sheet:
    """The sheet of that rater in that study.

    Raises:
        UserError: there is none; names those there are.
    """
    if study not in studies:
        raise UserError(
            f"{path}: belongs to the study {study!r}, which is not here. There are: {', '.join(studies) or 'none'}."
        )
    sheet = studies[study].sheet(int(rater)) if rater.isdecimal() else None
    if sheet is None:
        known = ", ".join(str(one.rater) for one in studies[study].sheets)
        raise UserError(f"{path}: is of rater {rater!r}; study {study} has the raters {known}.")
    return sheet


def answer_of(row: Row, sheet: Sheet) -> Answer | str | None:
    """The answer in a row; what is wrong with it; None where nothing is filled in."""
    known = {task.id: task for task in sheet.tasks}
    name = text_of(row.get("task")).removeprefix("task-")
    if name not in known:
        return f"the task {name!r} is not in this rater's sheet"
    changed = changed_column(row, known[name], sheet.kind)
    if changed:
        return f"{changed} is not what was to be judged: the sheet was changed"
    cells = {column: text_of(row.get(column)) for column in JUDGED[sheet.kind]}
    if not any(cells.values()):
        return None
    comment = text_of(row.get("comment")).removeprefix("'")
    if sheet.kind == "pairwise":
        return chosen(name, cells["choice"], comment)
    return rated(name, cells, comment)


def changed_column(row: Row, task: Task, kind: Kind) -> str | None:
    """The first column whose text is another than the rater was given."""
    given = {**dict(zip(text_columns(kind), task.texts, strict=True)), "facts": facts_of(task)}
    return next((column for column, text in given.items() if not same_text(text_of(row.get(column)), text)), None)


def chosen(task: str, value: str, comment: str) -> Answer | str:
    """A choice as an answer, or what is wrong with it."""
    meant = {**CHOICES, **SAME}.get(plain(value).lower())
    if meant is None:
        return f"the choice is {value!r}, expected A, B or tie"
    return Answer(task=task, choice=meant, comment=comment)


def rated(task: str, cells: dict[str, str], comment: str) -> Answer | str:
    """Ratings as an answer, or what is wrong with them."""
    for scale, value in cells.items():
        if digits(value) not in ("1", "2", "3", "4", "5"):
            return f"{scale} is {value!r}, expected 1, 2, 3, 4 or 5"
    return Answer(task=task, ratings={scale: int(digits(value)) for scale, value in cells.items()}, comment=comment)


def read_returned(path: Path, studies: dict[str, Study]) -> Returned:
    """A file of answers, whatever its form.

    Raises:
        UserError: the file as a whole cannot be used: unreadable, of another study, or a page whose texts were others.
    """
    if path.suffix.lower() != ".json":
        return read_sheet(path, studies)
    found = read_page(path)
    sheet = sheet_of(path, found.study, str(found.rater), studies)
    if found.digest != sheet.digest:
        raise UserError(
            f"{path}: was answered on a page with other texts than study {found.study} has for rater {found.rater}. "
            "The page was changed, or the study made anew: send the rater the present page."
        )
    return found


def usable(found: Returned, sheet: Sheet) -> Iterator[Answer | Rejected]:
    """The answers that count, and what is wrong with the others: strange tasks, wrong kinds, tasks answered twice."""
    known = {task.id for task in sheet.tasks}
    given: dict[str, list[tuple[str, Answer]]] = {}
    for where, answer in found.answers:
        complete = answer.choice if sheet.kind == "pairwise" else set(answer.ratings) == set(SCALES)
        if answer.task not in known:
            yield Rejected(where=where, reason=f"the task {answer.task!r} is not in this rater's sheet")
        elif not complete:
            wanted = "a choice" if sheet.kind == "pairwise" else f"all of {', '.join(SCALES)}"
            yield Rejected(where=where, reason=f"is incomplete, expected {wanted}")
        else:
            given.setdefault(answer.task, []).append((where, answer))
    for task, several in given.items():
        answers = {(one.choice, tuple(sorted(one.ratings.items()))) for _, one in several}
        if len(answers) == 1:
            yield several[0][1]
        else:
            places = ", ".join(where for where, _ in several)
            yield Rejected(where=places, reason=f"the task {task} is answered twice, differently: neither counts")
