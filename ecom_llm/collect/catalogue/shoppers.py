"""Shoppers with purchase histories that follow hidden tastes: categories, brands, a style and a colour."""

from bisect import bisect
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from ecom_llm.collect.catalogue.items import Item
from ecom_llm.collect.catalogue.schema import LOCALES, Schema

_PERSONAS = 30
_TASTEFUL_SHARE = 0.9
"""Share of purchases that follow the shopper's taste; the rest follow popularity alone."""
_BRAND_PULL, _STYLE_PULL, _COLOUR_PULL = 20.0, 12.0, 5.0


@dataclass(frozen=True)
class Taste:
    """What a shopper likes, in English terms; hidden from the tables."""

    categories: tuple[str, ...]
    brands: frozenset[str]
    styles: frozenset[str]
    colour: str

    def pull(self, item: Item) -> float:
        """How strongly this taste draws a shopper to an item of a category they like."""
        first = {name: terms[0].en for name, terms in item.facts.items()}
        return (
            item.popularity
            * (_BRAND_PULL if first.get("brand") in self.brands else 1.0)
            * (_STYLE_PULL if first.get("style") in self.styles else 1.0)
            * (_COLOUR_PULL if first.get("colour") == self.colour else 1.0)
        )


def draw_taste(persona: int, seed: int, schema: Schema) -> Taste:
    """The taste of one of the personas that shoppers share."""
    rng = Random(f"catalogue:{seed}:persona:{persona}")
    liked = rng.sample(schema.categories, 2)
    values = {name: [] for name in ("style", "colour")}
    for category in liked:
        for attribute in category.attributes:
            if attribute.name.en in values:
                values[attribute.name.en].append(rng.choice(attribute.values).en)
    return Taste(
        categories=tuple(category.name.en for category in liked),
        brands=frozenset(rng.choice(category.brands).en for category in liked),
        styles=frozenset(values["style"]),
        colour=rng.choice(values["colour"]),
    )


def shop(shoppers: int, items: list[Item], seed: int, schema: Schema) -> list[tuple[str, str, list[Item]]]:
    """Shopper id, locale and history (four to nine different items, fewer in a tiny shop) of each shopper."""
    everything = _Shelf(items, [item.popularity for item in items])
    tastes = [draw_taste(persona, seed, schema) for persona in range(_PERSONAS)]
    shelves = [_favourites(taste, items) for taste in tastes]
    found = []
    for number in range(1, shoppers + 1):
        rng = Random(f"catalogue:{seed}:shopper:{number}")
        history = _history(rng.choice(shelves), everything, rng)
        found.append((f"S{number:05d}", LOCALES[number % len(LOCALES)], history))
    return found


class _Shelf:
    """Items to draw from by weight."""

    def __init__(self, items: list[Item], weights: list[float]) -> None:
        self.items, self.totals = items, list(accumulate(weights))

    def draw(self, rng: Random) -> Item:
        return self.items[bisect(self.totals, rng.random() * self.totals[-1])]


def _favourites(taste: Taste, items: list[Item]) -> list[_Shelf]:
    """A shelf per liked category that has items at all."""
    shelves = []
    for name in taste.categories:
        liked = [item for item in items if item.category.name.en == name]
        if liked:
            shelves.append(_Shelf(liked, [taste.pull(item) for item in liked]))
    return shelves


def _history(favourites: list[_Shelf], everything: _Shelf, rng: Random) -> list[Item]:
    wanted = min(rng.randint(4, 9), len(everything.items))
    history: dict[str, Item] = {}
    while len(history) < wanted:
        shelf = rng.choice(favourites) if favourites and rng.random() < _TASTEFUL_SHARE else everything
        item = shelf.draw(rng)
        history[item.id] = item
    return list(history.values())
