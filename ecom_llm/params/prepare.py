"""The section `prepare`: how records become examples, and which are held out."""

from typing import Literal

from pydantic import Field

from ecom_llm.params.section import Section


class Prepare(Section):
    """How records become examples, and which examples are held out."""

    seed: int = Field(ge=0)
    """Seed of the split."""
    validation_share: float = Field(gt=0, lt=0.5)
    """Share of products (for `recommend`, of shoppers) held out to watch training."""
    test_share: float = Field(gt=0, lt=0.5)
    """Share of products (for `recommend`, of shoppers) held out to judge the model."""
    max_held_out: int = Field(ge=1)
    """Rows that validation and test may hold each, about: of more than this over its share, the share shrinks."""
    skills: tuple[Literal["describe", "advertise", "review", "answer", "recommend"], ...] = Field(min_length=1)
    """What is learned, of what the tables can teach; rows that make no text for these are kept as context."""
    clean: tuple[Literal["html", "mojibake", "unicode", "control", "whitespace"], ...]
    """Cleaning operations, in this order; see `ecom_llm/prepare/cleaning.py` for what each does."""
    scrub_personal_data: bool
    """Whether e-mail addresses, phone, identity, card and order numbers and IP addresses become placeholders."""
    scrub_names: bool
    """Whether names and postal addresses in texts go too, as far as Presidio and a spaCy model find them; not promised."""
    filters: tuple[Literal["placeholder", "short", "long", "letters", "links", "repetition", "language"], ...]
    """Quality filters that are on, in this order, for texts whose publisher gave no split; the first reason is given."""
    min_characters: int = Field(ge=1)
    """`short`: texts with fewer characters are rejected."""
    max_characters: int = Field(ge=1)
    """`long`: texts with more characters are rejected."""
    min_letters: float = Field(ge=0, le=1)
    """`letters`: smallest share of letters among the characters that are not white space."""
    max_links: float = Field(ge=0, le=1)
    """`links`: largest share of a text's characters that stand in web addresses."""
    max_repetition: float = Field(ge=0, le=1)
    """`repetition`: largest share of a text's words in one repeated n-gram, or in sentences said before."""
    licences: dict[str, str]
    """Source, or folder of sources (`.` is all) -> its licence in words, shown on the data card."""
    near_threshold: float = Field(gt=0, le=1)
    """Jaccard similarity of two texts' shingles from which on they are near-copies; of these one is kept."""
    near_ngram_size: int = Field(ge=1)
    """Words (Han characters) in a shingle."""
    near_min_words: int = Field(ge=1)
    """Texts with fewer words (Han characters) are stock phrases, which are no copies of each other."""
    near_num_hashes: int = Field(ge=8)
    """MinHash values per text."""
    near_recall: float = Field(gt=0, lt=1)
    """Least probability that two texts at the threshold are found."""
