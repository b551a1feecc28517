"""What the catalogue is made of: categories, typed attributes, values and aspects in both languages, read from YAML."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

LOCALES = ("en", "zh")
_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Term:
    """The same thing in both languages."""

    en: str
    zh: str

    def __getitem__(self, locale: str) -> str:
        return self.en if locale == "en" else self.zh


@dataclass(frozen=True)
class Attribute:
    """An attribute a category offers; `values` are the ones it may take."""

    name: Term
    kind: str
    """`choice`, `number` (one value with a unit) or `list` (one to three members)."""
    lead: bool
    """Whether its value may stand before the noun, as in "a red dress"."""
    values: tuple[Term, ...]


@dataclass(frozen=True)
class Aspect:
    """Something a product is either good or bad at."""

    strength: Term
    flaw: Term


@dataclass(frozen=True)
class Category:
    """A kind of product with its brands, its other attributes and its aspects."""

    name: Term
    classifier: str
    """The Chinese measure word."""
    plural: bool
    """Whether English treats the noun as a plural, as in "shoes"."""
    brands: tuple[Term, ...]
    attributes: tuple[Attribute, ...]
    aspects: tuple[Aspect, ...]


@dataclass(frozen=True)
class Schema:
    """The whole shop."""

    categories: tuple[Category, ...]
    rare_heads: tuple[Term, ...]
    rare_tails: tuple[Term, ...]
    rare_colours: tuple[Term, ...]
    names: dict[str, Term]
    """English attribute name -> its name in both languages."""
    leads: frozenset[str]
    """English names of the attributes whose value may stand before the noun."""


def _terms(pairs: list[list[str]]) -> tuple[Term, ...]:
    return tuple(Term(*pair) for pair in pairs)


def read_yaml(name: str) -> dict:
    """Read one of the YAML files beside this module."""
    return yaml.safe_load((_HERE / name).read_text(encoding="utf-8"))


@cache
def load_wording(locale: str) -> dict:
    """Read one language's templates once."""
    return read_yaml(f"{locale}.yaml")


@cache
def load_schema() -> Schema:
    """Read schema.yaml and aspects.yaml once."""
    raw = read_yaml("schema.yaml")
    aspects = read_yaml("aspects.yaml")
    rare = raw["rare_brands"]
    return Schema(
        categories=tuple(_category(name, raw, aspects[name]) for name in raw["categories"]),
        rare_heads=_terms(rare["heads"]),
        rare_tails=_terms(rare["tails"]),
        rare_colours=_terms(raw["rare_colours"]),
        names={name: Term(name, row["zh"]) for name, row in raw["attributes"].items()},
        leads=frozenset(name for name, row in raw["attributes"].items() if row.get("lead")),
    )


def _category(name: str, raw: dict, aspects: list) -> Category:
    row = raw["categories"][name]
    return Category(
        name=Term(name, row["zh"]),
        classifier=row["classifier"],
        plural=row["plural"],
        brands=_terms(raw["brands"][row["brands"]]),
        attributes=tuple(_attribute(key, values, raw) for key, values in raw["offers"][name].items()),
        aspects=tuple(Aspect(Term(en[0], zh[0]), Term(en[1], zh[1])) for en, zh in aspects),
    )


def _attribute(name: str, values: str | list, raw: dict) -> Attribute:
    row = raw["attributes"][name]
    pairs = raw["values"][values] if isinstance(values, str) else values
    return Attribute(Term(name, row["zh"]), row["kind"], row.get("lead", False), _terms(pairs))
