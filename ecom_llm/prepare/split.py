"""Which examples are held out: by group, so that no product (for `recommend`, no shopper) stands in two splits."""

import hashlib
import logging

from ecom_llm.params import Prepare
from ecom_llm.records import Product, Split, UserError

log = logging.getLogger(__name__)


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


def capped(params: Prepare, rows: int) -> Prepare:
    """The params with shares under which test and validation hold about `max_held_out` of so many rows each, at most.

    50,000 rows measure a share to within .0044 (95 % interval, at worst), which few decisions need finer;
    and what judges is held in memory when
    near-copies are sought, so this is what keeps that bounded.
    """
    most = params.max_held_out / max(rows, 1)
    shares = {name: min(getattr(params, name), most) for name in ("validation_share", "test_share")}
    for name, share in shares.items():
        if share < getattr(params, name):
            log.info(
                "prepare.%s is %.4f here and not %s: prepare.max_held_out allows %s of %s rows",
                *(name, share, getattr(params, name), f"{params.max_held_out:,}", f"{rows:,}"),
            )
    return params.model_copy(update=shares)


def drawn_split(group: str, params: Prepare) -> Split:
    """The split of a group, from nothing but the seed and its name: other products cannot move it.

    The hash is a number in [0, 1): the test split is its lowest part, so a larger share of validation moves no test group.
    """
    digest = hashlib.blake2b(f"{params.seed}\n{group}".encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "big") / 2**64
    if place < params.test_share:
        return "test"
    return "validation" if place < params.test_share + params.validation_share else "train"
