"""Which examples are held out: by group, so that no product (for `recommend`, no shopper) stands in two splits."""

import hashlib

from ecom_llm.params import Prepare
from ecom_llm.records import Product, Split, UserError


def given_splits(products: list[Product]) -> dict[str, Split]:
    """Product -> the split its publisher gave it, in whichever locale.

    Raises:
        UserError: a product is given two splits; names both rows.
    """
    given: dict[str, Product] = {}
    for product in products:
        if product.split is None:
            continue
        first = given.setdefault(product.id, product)
        if first.split != product.split:
            raise UserError(
                f"{product.source}:{product.row}: product {product.id!r} has the split {product.split}, but {first.split} at "
                f"{first.source}:{first.row}. A product has one split in all its locales: give it the same in both rows."
            )
    return {name: product.split for name, product in given.items() if product.split}


def drawn_split(group: str, params: Prepare) -> Split:
    """The split of a group, from nothing but the seed and its name: other products cannot move it.

    The hash is a number in [0, 1): the test split is its lowest part, so a larger share of validation moves no test group.
    """
    digest = hashlib.blake2b(f"{params.seed}\n{group}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < params.test_share:
        return "test"
    return "validation" if place < params.test_share + params.validation_share else "train"
