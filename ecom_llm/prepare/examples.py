"""Rows -> examples: every skill's, each with what is to be written and what it is to be written from."""

import hashlib
from collections.abc import Iterable, Iterator

from ecom_llm.params import Prepare
from ecom_llm.prepare.ledger import TABLE_OF, Fate, Ledger, origin_of, origin_of_example
from ecom_llm.prepare.split import drawn_split, given_splits
from ecom_llm.records import Example, Interaction, Product, Tables
from ecom_llm.skills import SKILLS
from ecom_llm.skills.recommend import shopper_group


class Made(Example):
    """An example before it is judged together with all others."""

    number: int
    """Its place among all that were made, from 0; given when all buckets' are put one behind the other."""
    published: bool
    """Whether its split was given by its publisher; such an example is never let go as a copy."""
    content: bytes
    """16 bytes that are equal for equal examples."""


def examples_of(tables: Tables, params: Prepare, ledger: Ledger) -> Iterator[Made]:
    """The examples of every skill, each in its split: the one its publisher gave its group, or one drawn for it."""
    given = given_splits(tables.products)
    for skill in SKILLS.values():
        for example in skill.examples(tables):
            origin = origin_of_example(example)
            if skill.name not in params.skills:
                ledger.settle(origin, Fate("context"))
                continue
            if not example.attributes:
                ledger.settle(origin, Fate("rejected", "attributes: none to write from"))
                continue
            ledger.settle(origin, Fate("example"))
            published = example.split or given.get(example.group)
            yield Made.model_construct(
                **{**example.__dict__, "split": published or drawn_split(example.group, params)},
                number=0,
                published=published is not None,
                content=content_of(example),
            )


def settle_products(products: Iterable[Product], ledger: Ledger) -> None:
    """Products without a description make no text, but reviews, answers and recommendations rest on them."""
    for product in products:
        if not product.description:
            ledger.settle(origin_of("products", product), Fate("context"))


def settle_purchases(rows: Iterable[Interaction], examples: list[Example], learned: bool, ledger: Ledger) -> None:
    """Purchases that nothing is predicted from or for are rejected; those in a kept history are its context, and all where
    recommendations are not learned."""
    histories = {(example.group, example.locale) for example in examples if TABLE_OF[example.skill] == "interactions"}
    for bought in rows:
        origin = origin_of("interactions", bought)
        if not learned or (shopper_group(bought.shopper), bought.locale) in histories:
            ledger.settle(origin, Fate("context"))
        elif ledger.kind(origin) is None:
            ledger.settle(origin, Fate("rejected", "history: no purchase in it is left to predict"))


def purchases_with_titles(rows: list[Interaction], titles: dict[tuple[str, str], str]) -> Tables:
    """The tables a recommendation is made from: purchases, and of their products no more than the title."""
    wanted = {(row.product, row.locale) for row in rows}
    products = [
        Product(id=product, locale=locale, title=titles[product, locale], attributes={}, source="items", row=1)
        for product, locale in sorted(wanted)
    ]
    return Tables(products=products, interactions=rows)


def content_of(example: Example) -> bytes:
    """16 bytes that are equal for equal examples: skill, locale, attributes and target.

    Equal purchases of two shoppers are two events and not a repetition, so there the shopper counts too.
    """
    shopper = example.group if TABLE_OF[example.skill] == "interactions" else ""
    parts = [example.skill, example.locale, shopper, example.target, *example.attributes, *example.attributes.values()]
    return hashlib.blake2b("\0".join(parts).encode(), digest_size=16).digest()
