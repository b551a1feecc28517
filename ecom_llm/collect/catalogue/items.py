"""Draws the products: category, brand, a random subset of attributes, hidden strengths and flaws, popularity, title."""

from dataclasses import dataclass
from itertools import count
from random import Random

from ecom_llm.collect.catalogue.schema import LOCALES, Aspect, Attribute, Category, Schema, Term, load_wording
from ecom_llm.records import LIST_SEPARATOR

_RARE_SHARE = 0.18
"""Share of products that carry one value from the long tail."""
_NAMELESS_SHARE = 0.25
"""Share of products whose listing names no brand. Some listings say little: of two attributes, a model that saw none writes nonsense."""
_MAX_FEATURES_IN_TITLE = 2


@dataclass(frozen=True)
class Item:
    """A product before it is told in a language; `facts` maps English attribute names to one or more terms."""

    id: str
    category: Category
    facts: dict[str, tuple[Term, ...]]
    strengths: tuple[Term, ...]
    flaws: tuple[Term, ...]
    popularity: float

    def value(self, name: str, locale: str) -> str:
        """The value of an attribute as it stands in the table, list members joined."""
        return LIST_SEPARATOR.join(term[locale] for term in self.facts[name])


def draw_item(number: int, seed: int, schema: Schema) -> Item:
    """Draw product `number` (from 1); it depends on nothing but the seed and its number."""
    rng = Random(f"catalogue:{seed}:product:{number}")
    category = rng.choice(schema.categories)
    facts, brand = {"category": (category.name,)}, _skewed(category.brands, rng)
    if rng.random() >= _NAMELESS_SHARE:
        facts["brand"] = (brand,)
    chosen = set(rng.sample(range(len(category.attributes)), rng.randint(1, 5)))
    for index, attribute in enumerate(category.attributes):
        if index in chosen:
            facts[attribute.name.en] = _draw_value(attribute, rng)
    if rng.random() < _RARE_SHARE:
        _make_rare(facts, schema, rng)
    strengths, flaws = _draw_aspects(category.aspects, rng)
    return Item(f"P{number:05d}", category, facts, strengths, flaws, rng.lognormvariate(0.0, 1.2))


def _skewed(values: tuple[Term, ...], rng: Random) -> Term:
    """Earlier values are more frequent, as brands are in a shop."""
    return rng.choices(values, weights=[1 / (rank + 2) for rank in range(len(values))])[0]


def _draw_value(attribute: Attribute, rng: Random) -> tuple[Term, ...]:
    if attribute.kind == "list":
        return tuple(rng.sample(attribute.values, rng.choice((1, 1, 2, 2, 3))))
    return (rng.choice(attribute.values),)


def _make_rare(facts: dict[str, tuple[Term, ...]], schema: Schema, rng: Random) -> None:
    head, tail, colour = rng.choice(schema.rare_heads), rng.choice(schema.rare_tails), rng.choice(schema.rare_colours)
    if "colour" in facts and rng.random() < 0.5:
        facts["colour"] = (colour,)
    elif "brand" in facts:
        facts["brand"] = (Term(head.en + tail.en, head.zh + tail.zh),)


def _draw_aspects(aspects: tuple[Aspect, ...], rng: Random) -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    """Split a few aspects into strengths (two to four) and flaws (two or three)."""
    drawn = rng.sample(aspects, rng.randint(5, 7))
    flaws = rng.randint(2, 3)
    return tuple(aspect.strength for aspect in drawn[flaws:]), tuple(aspect.flaw for aspect in drawn[:flaws])


def titles(items: list[Item]) -> dict[str, dict[str, str]]:
    """Locale -> product id -> title, unique per locale: brand where there is one, up to two features, category, and a number on a tie."""
    return {locale: _titles_in(locale, items) for locale in LOCALES}


def _titles_in(locale: str, items: list[Item]) -> dict[str, str]:
    wording = load_wording(locale)
    order, separator = wording["titles"]["order"], wording["separator"]
    found, taken = {}, set()
    for item in items:
        features = [name for name in order if name in item.facts and name != "brand"][:_MAX_FEATURES_IN_TITLE]
        words = [item.value(name, locale) for name in ["brand", *features, "category"] if name in item.facts]
        plain = separator.join(words)
        candidates = (plain if number == 1 else f"{plain} {number}" for number in count(1))
        title = next(candidate for candidate in candidates if candidate not in taken)
        taken.add(title)
        found[item.id] = title
    return found
