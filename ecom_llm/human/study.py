"""A blind study: what raters are shown, and apart from it the key that tells which text is whose."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError

from ecom_llm.records import Record, UserError

Kind = Literal["pairwise", "rating"]
SCALES = ("fluency", "faithful", "publish")
"""What a text is rated on, 1 to 5."""


class Side(Record):
    """One of the two sets of texts under judgement, bound to the bytes it came from."""

    name: str
    """As people call it: `version 3`, `reference`, `template`, or the path of a file."""
    version: str | None
    """Number of the registered version, for a version's own texts."""
    outputs: str
    """SHA-256 of the outputs.jsonl that holds the texts."""


class Task(Record):
    """One thing to judge, as a rater sees it: nothing here says whose texts they are."""

    id: str
    """Random, and different for every rater."""
    skill: str
    locale: str
    facts: dict[str, str]
    """What the text was to be written from."""
    texts: tuple[str, ...]
    """Two texts in the order shown, or one to be rated."""


class Sheet(Record):
    """What one rater judges, in this order."""

    study: str
    kind: Kind
    rater: int
    """From 1; the rater's name in everything that is kept."""
    tasks: tuple[Task, ...]

    @property
    def digest(self) -> str:
        """SHA-256 of everything shown: answers to other words are not answers to these."""
        return sha256(self.model_dump_json().encode()).hexdigest()


class Entry(Record):
    """The hidden half of a task."""

    task: str
    rater: int
    kind: Literal["genuine", "repeat", "known_bad"]
    example: str
    """The test example's id."""
    first: Literal["candidate", "other", "good", "bad"]
    """Whose text stands first (or alone); `good` and `bad` are those of a known-bad pair."""
    repeats: str | None = None
    """For a repeat, the task that showed the same texts before."""


class Drawn(Record):
    """A slice of the test set, and how much of it is judged."""

    skill: str
    locale: str
    differing: int
    """Examples whose two texts differ: those the study speaks of."""
    identical: int
    """Examples whose two texts are the same: never shown."""
    judged: int


class Key(Record):
    """Which text is whose. It stays in the state folder and is in nothing that raters get."""

    study: str
    candidate: Side
    other: Side | None
    """What it is compared with; None in a study of ratings."""
    entries: tuple[Entry, ...]
    weights: dict[str, float]
    """Example -> one over the probability with which it was drawn, so that results speak of all that differ."""
    drawn: tuple[Drawn, ...]
    not_asked: tuple[tuple[str, str], ...] = ()
    """(skill, locale) that the candidate writes and the study was not to ask about."""


class Study(Record):
    """A whole study: the sheets of its raters, and the key."""

    id: str
    kind: Kind
    sheets: tuple[Sheet, ...]
    key: Key

    def sheet(self, rater: int) -> Sheet | None:
        """The sheet of that rater, if there is one."""
        return next((sheet for sheet in self.sheets if sheet.rater == rater), None)


class Answer(Record):
    """What a rater said of one task."""

    task: str
    choice: Literal["first", "second", "tie"] | None = None
    ratings: dict[str, int] = Field(default_factory=dict)
    reasons: tuple[str, ...] = ()
    comment: str = ""


class Answers(Record):
    """What one rater said, under a pseudonym unless names were asked for."""

    study: str
    rater: int
    name: str
    """`rater 2`, or the name the rater gave."""
    answers: tuple[Answer, ...]


SHEETS, KEY = "sheets.json", "key.json"
R = TypeVar("R", bound=Record)


class Sheets(Record):
    """sheets.json: everything that raters see."""

    sheets: tuple[Sheet, ...]


def save_record(path: Path, record: Record) -> None:
    """Write a record as JSON; a crash leaves the file that was there, or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.partial")
    body = json.dumps(record.model_dump(mode="json"), indent=1, ensure_ascii=False)
    temporary.write_text(body + "\n", encoding="utf-8", newline="\n")
    temporary.replace(path)


def load_record(path: Path, kind: type[R]) -> R:
    """Read what `save_record` wrote.

    Raises:
        UserError: the file is missing, or is something else.
    """
    try:
        return kind.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}). The study is incomplete; make it anew.") from error
    except ValidationError as error:
        raise UserError(
            f"{path}: is not what `ecom-llm study` writes: {error.errors()[0]['msg']}. "
            "Put back the file that was there, or make the study anew."
        ) from error


def save_study(folder: Path, study: Study) -> None:
    """Keep a study: what is shown and the key in files of their own."""
    save_record(folder / SHEETS, Sheets(sheets=study.sheets))
    save_record(folder / KEY, study.key)


def load_study(folder: Path) -> Study:
    """The study in a folder; raises as `load_record`."""
    sheets, key = load_record(folder / SHEETS, Sheets).sheets, load_record(folder / KEY, Key)
    return Study(id=key.study, kind=sheets[0].kind, sheets=sheets, key=key)


def answers_file(folder: Path, rater: int) -> Path:
    """Where a rater's answers are kept."""
    return folder / "answers" / f"rater-{rater}.json"


def load_answers(folder: Path, study: Study) -> list[Answers]:
    """The answers that have been imported, in the order of the raters."""
    files = (answers_file(folder, sheet.rater) for sheet in study.sheets)
    return [load_record(path, Answers) for path in files if path.exists()]
