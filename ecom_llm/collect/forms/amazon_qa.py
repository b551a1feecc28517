"""amazon_qa: the published format of Amazon's product questions (one Python literal a line) -> questions with answers.

McAuley and Yang, "Addressing Complex and Subjective Product-Related Queries with Customer Reviews" (2016).
"""

from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.files import Fault, Row
from ecom_llm.collect.forms.cells import text_of
from ecom_llm.collect.forms.origins import Origin, rows_of, without_columns
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Question, Sourced

FIELDS = {"product": "asin", "question": "question", "answer": "answer"}
"""Field of a Question -> key of the published rows; what else they hold (type and time of the answer) is not learned from."""


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read a file of questions, or every file of a folder, each row a Question.

    Raises:
        UserError: a file cannot be read, or `columns` are given.
    """
    without_columns(source)
    for origin, row in rows_of(place, source):
        yield origin.unreadable("questions", row) if isinstance(row, Fault) else question_of(origin, row, source)


def question_of(origin: Origin, row: Row, source: Source) -> Question | Rejected:
    """The question of one row, or the reason why it is none."""
    values: dict[str, str] = {}
    for field, key in FIELDS.items():
        try:
            values[field] = text_of(row.get(key))
        except ValueError as error:
            return origin.rejected("questions", f"{key}: {error}", row)
        if not values[field]:
            return origin.rejected("questions", f"{key}: empty", row)
    return Question(source=origin.source, row=origin.row, locale=source.locale, **values)
