"""The records that flow through the house: five canonical tables, and the Example a model learns from."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")
LIST_SEPARATOR = "; "
"""Joins the members of a list-valued attribute, such as the strengths a review speaks of."""
LOCALE = r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*"
"""A BCP 47 tag, as a regular expression of the whole of it."""


class UserError(Exception):
    """A mistake the user can mend; its message says what happened, where, what was expected and what to do.

    Entry points print the message alone, without a traceback, and exit with a code that is not 0.
    """


class Record(BaseModel):
    """A frozen row with known columns only; subclasses are the canonical tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Sourced(Record):
    """A record that remembers the source and the row it was collected from."""

    source: str
    """Where the row came from: a file name relative to `collect.location`, or `catalogue`."""
    row: int = Field(ge=1)
    """1-based row in that source, as a person would count it in the file."""
    weight: float = Field(default=1.0, gt=0)
    """How often what is learned from it is shown in an epoch of training; the source's, given by `collect`."""


class Product(Sourced):
    """One product in one locale; the same `id` in another locale is the same product."""

    id: str
    locale: str
    """BCP 47 language tag, such as `en` or `zh`."""
    title: str
    """What the shop calls it; unique per locale where recommendations are wanted."""
    attributes: dict[str, str]
    """Attribute name -> value, both in the record's locale; list values joined by `LIST_SEPARATOR`."""
    description: str | None = None
    split: Split | None = None
    """The split its publisher gave it, for published data sets; None lets `prepare` decide."""


class Review(Sourced):
    """A customer's review; strengths and flaws are the aspects its text speaks of."""

    product: str
    locale: str
    stars: int = Field(ge=1, le=5)
    strengths: tuple[str, ...] = ()
    flaws: tuple[str, ...] = ()
    text: str


class Question(Sourced):
    """A customer's question about a product, with the answer it got."""

    product: str
    locale: str
    question: str
    answer: str
    split: Split | None = None
    """The split its publisher gave it, for published data sets."""


class Advert(Sourced):
    """Ad copy for a product, with the goal it serves and the audience it speaks to."""

    product: str
    locale: str
    goal: str = ""
    """What it is to bring about; "" where the shop does not say."""
    audience: str = ""
    text: str


class Interaction(Sourced):
    """One purchase; a shopper's history is their interactions ordered by `position`."""

    shopper: str
    locale: str
    """The locale the shopper shops in: the one in which they see titles."""
    product: str
    position: int = Field(ge=0)
    """Order within the shopper's history, from 0."""
    split: Split | None = None
    """The split its publisher gave the recommendation of this purchase, for published data sets."""


class Tables(BaseModel):
    """Everything that was collected: the five canonical tables."""

    products: list[Product] = []
    reviews: list[Review] = []
    questions: list[Question] = []
    adverts: list[Advert] = []
    interactions: list[Interaction] = []


TABLES: dict[str, type[Sourced]] = {
    "products": Product,
    "reviews": Review,
    "questions": Question,
    "adverts": Advert,
    "interactions": Interaction,
}


class Example(Record):
    """One thing to learn from: structured, not yet a prompt. Splits never divide a `group`."""

    id: str
    """Unique and stable across runs on the same data, such as `describe:en:P00012:0`."""
    skill: str
    locale: str
    attributes: dict[str, str]
    """What the prompt shows, in order, in the example's locale."""
    target: str
    """The text to be written."""
    product: str
    """The product the target is about (for `recommend`, the next item bought)."""
    group: str
    """What must not stand in two splits: the product, or for `recommend` the shopper."""
    split: Split | None = None
    """A split given by the data's publisher; None lets `prepare` decide."""
    source: str
    """`<source>:<row>` of the record it was made from; a purchase adds `#<position>`, since a row may hold a history."""
    weight: float = Field(default=1.0, gt=0)
    """How often it is shown in an epoch of training, should it be a training example."""


class Item(Record):
    """A product that may be recommended, under the title shoppers see in one locale."""

    product: str
    locale: str
    title: str


R = TypeVar("R", bound=BaseModel)


def write_jsonl(path: Path, records: Iterable[BaseModel]) -> int:
    """Write one JSON object a line, UTF-8, keys in field order (so equal records are equal bytes); return the count."""
    count = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for record in records:
            handle.write(record.model_dump_json() + "\n")
            count += 1
    return count


def read_jsonl(path: Path, kind: type[R]) -> Iterator[R]:
    """Yield the records of a file written by `write_jsonl`.

    Raises:
        UserError: the file is missing, or a line is not a `kind`; names file, line and field.
    """
    try:
        handle = path.open(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Run the stage that writes it first: dvc repro"
        ) from error
    with handle:
        for number, line in enumerate(handle, start=1):
            try:
                yield kind.model_validate_json(line)
            except ValidationError as error:
                first = error.errors()[0]
                where = ".".join(str(part) for part in first["loc"]) or "the line"
                raise UserError(
                    f"{path}:{number}: {where}: {first['msg']}; expected a {kind.__name__} as JSON"
                ) from error
