"""The built-in bilingual catalogue: a made-up shop, generated deterministically from a seed and a size."""

from collections.abc import Sequence
from random import Random

from ecom_llm.collect.catalogue.items import Item, draw_item, titles
from ecom_llm.collect.catalogue.schema import LOCALES, load_schema
from ecom_llm.collect.catalogue.shoppers import shop
from ecom_llm.collect.catalogue.texts import advertise, answer, describe, review
from ecom_llm.records import Advert, Interaction, Product, Question, Review, Sourced, Tables

SOURCE = "catalogue"


def generate(seed: int, products: int, shoppers: int) -> Tables:
    """Make the five tables of a shop with so many products (two rows each, one per locale) and shoppers.

    Equal arguments give equal tables on every machine, and a bigger `products` only appends products and their texts.
    """
    schema = load_schema()
    items = [draw_item(number, seed, schema) for number in range(1, products + 1)]
    named = titles(items)
    tables = Tables()
    for item in items:
        for locale in LOCALES:
            rng = Random(f"catalogue:{seed}:texts:{item.id}:{locale}")
            _list_product(item, locale, named[locale][item.id], rng, tables)
            _let_customers_speak(item, locale, rng, tables)
    for shopper, locale, history in shop(shoppers, items, seed, schema):
        for position, item in enumerate(history):
            bought = {"shopper": shopper, "locale": locale, "product": item.id, "position": position}
            tables.interactions.append(Interaction(**_origin(tables.interactions), **bought))
    return tables


def _origin(rows: Sequence[Sourced]) -> dict[str, str | int]:
    """Where the next row of a table comes from."""
    return {"source": SOURCE, "row": len(rows) + 1}


def _list_product(item: Item, locale: str, title: str, rng: Random, tables: Tables) -> None:
    """Append what the shop says about a product: its listing and an advert."""
    names = load_schema().names
    attributes = {names[name][locale]: item.value(name, locale) for name in item.facts}
    listing = {"id": item.id, "locale": locale, "title": title, "attributes": attributes}
    tables.products.append(Product(**_origin(tables.products), **listing, description=describe(item, locale, rng)))
    goal, audience, text = advertise(item, locale, rng)
    advert = {"product": item.id, "locale": locale, "goal": goal, "audience": audience, "text": text}
    tables.adverts.append(Advert(**_origin(tables.adverts), **advert))


def _let_customers_speak(item: Item, locale: str, rng: Random, tables: Tables) -> None:
    """Append one or two reviews and one or two questions."""
    about = {"product": item.id, "locale": locale}
    for _ in range(rng.randint(1, 2)):
        stars, strengths, flaws, text = review(item, locale, rng)
        spoken = {"stars": stars, "strengths": strengths, "flaws": flaws, "text": text}
        tables.reviews.append(Review(**_origin(tables.reviews), **about, **spoken))
    for _ in range(rng.randint(1, 2)):
        question, reply = answer(item, locale, rng)
        tables.questions.append(Question(**_origin(tables.questions), **about, question=question, answer=reply))
