"""Which rows examples may be made from: each once, nothing missing, and speaking only of products that are there."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from ecom_llm.prepare.ledger import Fate, Ledger, Row, origin_of
from ecom_llm.records import Advert, Interaction, Item, Product, Tables

R = TypeVar("R", bound=Row)
ORIGIN = ("source", "row", "weight")
"""What says where a row came from, and nothing of what it holds."""
MAY_BE_EMPTY = ("title", "description", "goal", "audience")
TAKEN = "key: an earlier row with other content has it"
TAKEN_ELSEWHERE = "key: a row of another source, with other content, has it"
"""Told apart, since ids of two shops that coincide would cost the second its products: `collect.shops` keeps them apart."""
UNKNOWN = "product: not in the products table in this locale"
UNASKED = "window: what was to be predicted from it is rejected"
UNTITLED = "product: its title is empty, or an earlier product has it"


@dataclass
class Shelf:
    """The products of all buckets, as far as recommendations need them."""

    titles: list[tuple[str, int, str, str, str]] = field(default_factory=list)
    """(source, row, locale, product, title) of each product."""

    def stock(self, products: list[Product]) -> None:
        self.titles += [(one.source, one.row, one.locale, one.id, one.title) for one in products]

    def known(self) -> set[tuple[str, str]]:
        """(product, locale) of every product."""
        return {(product, locale) for _, _, locale, product, _ in self.titles}

    def items(self) -> list[Item]:
        """The products that may be recommended: those with a title that no earlier product of the locale has."""
        taken: set[tuple[str, str]] = set()
        items: list[Item] = []
        for _, _, locale, product, title in sorted(self.titles):
            if title and (locale, title) not in taken:
                taken.add((locale, title))
                items.append(Item(product=product, locale=locale, title=title))
        return items


def sift(tables: Tables, ledger: Ledger) -> Tables:
    """Note the fate of the rows that examples cannot be made from; return the others. Purchases are sifted apart."""
    products = passed("products", tables.products, ledger, no_fault)
    known = {(product.id, product.locale) for product in products}

    def unknown(row: Advert) -> str:
        return "" if (row.product, row.locale) in known else UNKNOWN

    return Tables(
        products=products,
        reviews=passed("reviews", tables.reviews, ledger, no_fault),
        questions=passed("questions", tables.questions, ledger, no_fault),
        adverts=passed("adverts", tables.adverts, ledger, unknown),
    )


def sift_purchases(
    rows: list[Interaction], known: set[tuple[str, str]], titles: dict[tuple[str, str], str], ledger: Ledger
) -> list[Interaction]:
    """The purchases of products that are items: what is learned from and judged by may always be recommended."""

    def no_item(row: Interaction) -> str:
        if (row.product, row.locale) not in known:
            return UNKNOWN
        return "" if (row.product, row.locale) in titles else UNTITLED

    kept = passed("interactions", rows, ledger, no_item)
    # without its mark a window would be learned from as any history, and those of the test split tell what others of it ask
    unmarked = {whose(row) for row in rows if row.split} - {whose(row) for row in kept if row.split}
    for row in kept:
        if whose(row) in unmarked:
            ledger.settle(origin_of("interactions", row), Fate("rejected", UNASKED))
    return [row for row in kept if whose(row) not in unmarked]


def whose(row: Interaction) -> tuple[str, str]:
    """The history a purchase belongs to."""
    return row.shopper, row.locale


def no_fault(row: Row) -> str:
    """For tables of which nothing more is asked than that their texts are there."""
    return ""


def passed(table: str, rows: Iterable[R], ledger: Ledger, fault: Callable[[R], str]) -> list[R]:
    """The rows of one table, without faulty ones, repetitions, and rows whose key an earlier one has."""
    found: list[R] = []
    contents: set[str] = set()
    keys: dict[Hashable, str] = {}
    for row in rows:
        content, key = row.model_dump_json(exclude=set(ORIGIN)), key_of(row)
        reason = empty_field(row) or name_fault(row) or fault(row)
        if reason:
            ledger.settle(origin_of(table, row), Fate("rejected", reason))
        elif content in contents:
            ledger.settle(origin_of(table, row), Fate("duplicate"))
        elif key in keys:
            ledger.settle(
                origin_of(table, row), Fate("rejected", TAKEN if keys[key] == row.source else TAKEN_ELSEWHERE)
            )
        else:
            contents.add(content)
            keys[key] = row.source
            found.append(row)
    return found


def key_of(row: Row) -> Hashable:
    """What no two rows may share: a product is there once per locale, a purchase has a position of its own."""
    match row:
        case Product():
            return row.id, row.locale
        case Interaction():
            return row.shopper, row.locale, row.position
        case _:
            return row.source, row.row


def empty_field(row: Row) -> str:
    """The complaint about a text that is empty once cleaned, or nothing."""
    fields = (name for name in type(row).model_fields if name not in MAY_BE_EMPTY)
    return next((f"{name}: empty" for name in fields if getattr(row, name) == ""), "")


def name_fault(row: Row) -> str:
    """The complaint about attributes that cleaning left nameless or made equal (see `ecom_llm.prepare.wash.once`)."""
    nameless = isinstance(row, Product) and "" in row.attributes
    return "attributes: two names are the same, or one is empty" if nameless else ""
