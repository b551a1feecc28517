"""jddc: the published format of JD's dialogues (.enc context, .dec answer, line by line) -> questions with answers.

Chen et al., "The JDDC Corpus: A Large-Scale Multi-Turn Chinese Dialogue Dataset for E-commerce Customer Service" (2020).
"""

import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from ecom_llm.collect.files import Fault, read_lines
from ecom_llm.collect.forms.cells import spellable
from ecom_llm.collect.forms.origins import Origin, file_in, files_of, row_id, there, without_columns
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Question, Sourced, UserError

CONTEXT, ANSWER = ".enc", ".dec"
ORDER = re.compile(r"\[ORDERID_(\d+)\]")
"""The anonymised number of an order: lines that speak of the same one are of one conversation, or of its next day."""

Line = tuple[int, str | Fault]


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read every pair NAME.enc and NAME.dec of a folder, each line a Question about its conversation.

    Raises:
        UserError: the folder has no such pair, or the two files of one differ in their number of lines.
    """
    without_columns(source)
    # .suffixes, since the files may be compressed: train.enc.gz
    contexts = [path for path in files_of(place, source) if CONTEXT in path.suffixes]
    if not contexts or place.is_file():
        raise UserError(
            f"collect.sources: path {source.path!r}: expected a folder with files such as train{CONTEXT} and "
            f"train{ANSWER}; {place} holds {there(place) if place.is_dir() else 'one file'}."
        )
    for context in contexts:
        answer = file_in(place, context.name.replace(CONTEXT, ANSWER), source)
        yield from pairs(context, answer, context.name, source)


def pairs(context: Path, answer: Path, name: str, source: Source) -> Iterator[Question | Rejected]:
    """The questions of two files whose lines belong together."""
    last = 0
    for asked, answered in zip_longest(read_lines(context), read_lines(answer)):
        # the numbers are compared too, should a reader ever pass over lines
        if asked is None or answered is None or asked[0] != answered[0]:
            longer = context if answered is None else answer
            raise UserError(
                f"{longer}:{last + 1}: this line has no partner: {context.name} and {answer.name} differ in their number "
                "of lines, so answers would stand with the wrong questions. Get both files of one publication."
            )
        last = asked[0]
        yield question_of(Origin(name, last), asked[1], answered[1], source)


def question_of(origin: Origin, asked: str | Fault, answered: str | Fault, source: Source) -> Question | Rejected:
    """The question of one pair of lines, or the reason why it is none."""
    for line in (asked, answered):
        if isinstance(line, Fault):
            return origin.unreadable("questions", line)
    lines = {"context": turns(str(asked)), "answer": turns(str(answered))}
    for name, text in lines.items():
        try:
            spellable(text)
        except ValueError as error:
            return origin.rejected("questions", f"{name}: {error}", lines)
        if not text:
            return origin.rejected("questions", f"{name}: empty", lines)
    return Question(
        source=origin.source,
        row=origin.row,
        locale=source.locale,
        product=conversation(row_id(origin, source), lines["context"] + lines["answer"]),
        question=lines["context"],
        answer=lines["answer"],
    )


def turns(line: str) -> str:
    """A line without the comma that the publisher put after its last turn."""
    return line.strip().strip(",").strip()


def conversation(alone: str, text: str) -> str:
    """The conversation a pair belongs to: the first order it names, else, as `alone`, only itself."""
    order = ORDER.search(text)
    return f"order:{order[1]}" if order else alone
