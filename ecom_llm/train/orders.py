"""Attributes in several orders, for data in which their order means nothing."""

import random
from collections.abc import Iterable, Iterator

from ecom_llm.records import Example


def in_orders(examples: Iterable[Example], orders: int, seed: int) -> Iterator[Example]:
    """Each example as often as there are orders, its attributes first as they came, then shuffled: an epoch has all of them.

    Where the order of attributes means nothing, a model that sees one alone learns it by heart.
    """
    for example in examples:
        yield example
        for number in range(1, orders):
            shuffled = list(example.attributes.items())
            random.Random(f"{seed}\n{number}\n{example.id}").shuffle(shuffled)
            yield example.model_copy(update={"attributes": dict(shuffled)})
