"""One field and its column: by name, and only where the values agree; stars and long texts also by values alone."""

from collections.abc import Callable
from dataclasses import dataclass

from ecom_llm.collect.inspect.columns import Column
from ecom_llm.collect.inspect.sample import Sample
from ecom_llm.collect.inspect.synonyms import is_named, rank

NAME_CHARACTERS = 60
"""Mean length up to which what is called a description is a name, where no other column is."""
FILLED = 0.05
"""Share of its rows a column must fill to be worth mapping."""


@dataclass(frozen=True)
class Match:
    """One field and the column it is read from."""

    field: str
    column: str
    why: str


def is_label(column: Column) -> bool:
    """Whether the cells could name something: short, and not a date, list or object."""
    return column.kind in ("integer", "category", "text") and column.length <= 64


def is_title(column: Column) -> bool:
    return column.kind in ("category", "text") and 2 <= column.length <= 250


def is_prose(least: int) -> Callable[[Column], bool]:
    """Whether the cells are texts of at least that many characters on the mean."""
    return lambda column: (column.kind in ("text", "category") or column.listed) and column.length >= least


def is_moment(column: Column) -> bool:
    """Whether the cells can be ordered in time: dates, or numbers such as seconds since 1970."""
    return column.kind in ("date", "integer", "number")


LINKS = ("http://", "https://", "//")
NO_REVIEWS = ("products.title", "products.description", "questions.question", "questions.answer", "adverts.text")
"""Fields whose names say that a column holds no reviews."""

FITS: dict[str, tuple[Callable[[Column], bool], str]] = {
    "reviews.stars": (lambda column: column.stars, "whole numbers from 1 to 5"),
    "reviews.text": (is_prose(15), "texts"),
    "reviews.strengths": (is_prose(2), "texts"),
    "reviews.flaws": (is_prose(2), "texts"),
    "questions.question": (is_prose(6), "texts"),
    "questions.answer": (is_prose(4), "texts"),
    "adverts.text": (is_prose(10), "texts"),
    "adverts.goal": (is_title, "short texts"),
    "adverts.audience": (is_title, "short texts"),
    "interactions.shopper": (is_label, "labels that repeat"),
    "interactions.position": (is_moment, "can be ordered"),
    "interactions.quantity": (lambda column: column.kind in ("integer", "number"), "numbers; returns are below 1"),
    "products.id": (is_label, "short labels"),
    "products.title": (is_title, "short texts"),
    "products.description": (is_prose(25), "texts"),
    "locale": (lambda column: column.kind in ("category", "text") and column.length <= 8, "language tags"),
}
"""Field -> what its column's values must look like, and that in words."""


def best(name: str, sample: Sample, taken: set[str]) -> Match | None:
    """The likeliest column for a field: known by its name, with values that agree."""
    fits, words = FITS[name]
    ranked = [
        (place, column)
        for column in sample.named
        if column.name not in taken
        and (place := rank(name, column.name)) is not None
        and 1 - column.empty >= FILLED
        and fits(column)
    ]
    if not ranked:
        return None
    # an id that some rows lack, as barcodes are, would cost those rows
    column = min(ranked, key=lambda pair: (name == "products.id" and pair[1].empty > 0, pair[0]))[1]
    # whether an id repeats tells a catalogue from rows about products, so a person should see it
    if name == "products.id":
        words = "never repeats" if column.distinct == column.filled else "repeats"
    return Match(name, column.name, f"by its name; {words}")


def short_description(sample: Sample, among: set[str]) -> Match | None:
    """What an invoice calls a description is the product's name: texts too short to describe anything."""
    found = [
        column.name
        for column in sample.named
        if column.name in among and rank("products.description", column.name) is not None
        if is_title(column) and column.length <= NAME_CHARACTERS
    ]
    return Match("products.title", found[0], "by its name, and as short as a title") if found else None


def stars_by_value(sample: Sample) -> Match | None:
    """The one column that holds whole numbers from 1 to 5, whatever it is called."""
    # of two such columns (quality, delivery) none can be chosen for its owner
    found = [column.name for column in sample.named if column.stars and not is_named("not attributes", column.name)]
    return (
        Match("reviews.stars", found[0], "by its values alone: whole numbers from 1 to 5") if len(found) == 1 else None
    )


def prose_by_value(sample: Sample) -> Match | None:
    """The column of the longest texts that hardly repeat, whatever it is called, unless its name says what else it is."""
    prose = [
        column
        for column in sample.named
        if column.kind == "text"
        and column.length >= 30
        and column.distinct > column.filled / 2
        # a shop's description of a product must never be learned as what a customer said
        and not any(rank(other, column.name) is not None for other in NO_REVIEWS)
        and not column.example.startswith(LINKS)
    ]
    longest = max(prose, key=lambda column: column.length, default=None)
    return longest and Match("reviews.text", longest.name, "by its values alone: the longest texts")
