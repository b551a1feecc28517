"""What a data card says, as records: `reports/card.json` is a Card, and an earlier version's can be read beside it."""

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from ecom_llm.records import Record, UserError


class Frequencies(Record):
    """How often each of many values occurs."""

    total: int
    """Occurrences of all values."""
    distinct: int
    """Different values."""
    exact: bool
    """False where there were too many values to hold: `distinct` is then within about 2 %, and `top` may lack rare ones."""
    top: dict[str, int]
    """The most frequent values -> occurrences, most frequent first, equal ones by name."""

    @property
    def complete(self) -> bool:
        """Whether `top` holds every value there is."""
        return self.exact and self.distinct == len(self.top)


class Lengths(Record):
    """How long texts are, in one unit."""

    total: int
    """Sum over all texts."""
    mean: float
    quantiles: dict[str, int]
    """`min`, `p05`, `p25`, `median`, `p75`, `p95`, `max`: the inverse of the distribution function (Hyndman & Fan 1996,
    type 1), exact below 1,024 and within 0.2 % above."""
    histogram: dict[int, int]
    """Shortest length of a bin -> texts in it; bins as in `ecom_llm.prepare.card.lengths`, the same in every card."""


class Attribute(Record):
    """One attribute of a slice."""

    filled: int
    """Examples that have a value for it."""
    stated: int
    """Of these, examples whose text states the value word for word, whatever its case."""


class Sample(Record):
    """An example as the card shows it, shortened."""

    id: str
    split: str
    attributes: dict[str, str]
    target: str


class SliceCard(Record):
    """The examples of one skill in one locale."""

    skill: str
    locale: str
    examples: int
    splits: dict[str, int]
    characters: Lengths
    """Of the target text."""
    words: Lengths
    """Of the target text; a Han character or a Hiragana is a word by itself (Unicode UAX #29)."""
    attributes: dict[str, Attribute]
    """Attribute -> its coverage, the best covered first."""
    categories: Frequencies
    """Values of the first attribute."""
    samples: tuple[Sample, ...]
    """Drawn by the hash of their ids: the same from equal data, picked by nobody."""

    @property
    def name(self) -> str:
        return f"{self.skill}/{self.locale}"


class SourceCard(Record):
    """One source of examples."""

    examples: int
    licence: str
    """What params say of its licence; empty where they say nothing."""


class TableCard(Record):
    """What became of a canonical table's rows: rows in = kept + duplicates + rejected."""

    rows_in: int
    kept: int
    duplicates: int
    near_duplicates: int
    """Of the duplicates, those that differ from the kept row in some characters."""
    rejected: int
    reasons: dict[str, int]
    """Reason -> rows rejected for it."""


class Card(Record):
    """The data card of one version of the examples. Equal data gives equal bytes: it holds no time, host or path."""

    form: Literal[1]
    """Of this file; another number is another form."""
    examples: int
    splits: dict[str, int]
    groups: dict[str, int]
    """Split -> products and shoppers, each in one split only."""
    items: int
    """Products that may be recommended."""
    slices: tuple[SliceCard, ...]
    sources: dict[str, SourceCard]
    """Source, as collected -> its part; the largest first, at most as many as `Frequencies.top` holds."""
    more_sources: int
    """Sources beyond those."""
    vocabulary: dict[str, Frequencies]
    """Locale -> words of the targets, in lower case."""
    tables: dict[str, TableCard]
    """Canonical table -> the account of its rows."""
    near_copies_of_test_in_train: int
    """Texts of the train split that are near-copies of one in the test split: none, but for published splits."""
    personal_data: dict[str, int]
    """Type -> findings that were replaced by a placeholder. The data itself is in no card."""
    languages: dict[str, dict[str, int]]
    """Locale -> identified language -> texts; empty where languages are not identified."""


def read_card(path: Path) -> Card:
    """Read a card from a file.

    Raises:
        UserError: there is none, or it was written in another form.
    """
    try:
        return parse_card(path.read_text(encoding="utf-8"), str(path))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Prepare the data first: dvc repro prepare"
        ) from error


def parse_card(text: str, origin: str) -> Card:
    """Read a card from its JSON; `origin` names it in a complaint."""
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise UserError(
            f"{origin}: is no data card of this version's form ({where}: {first['msg']}). "
            "Prepare that data again with today's code to compare them."
        ) from error
