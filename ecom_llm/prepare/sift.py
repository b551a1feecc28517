"""Which rows examples may be made from: cleaned, each once, and speaking only of products that are there."""

from collections.abc import Callable, Hashable

from ecom_llm.prepare.clean import ORIGIN, R, Row, clean_record, clean_text
from ecom_llm.prepare.ledger import Fate, Ledger, origin_of
from ecom_llm.records import Advert, Interaction, Item, Product, Tables

MAY_BE_EMPTY = ("title", "description")
UNKNOWN = "product: not in the products table in this locale"
UNTITLED = "product: its title is empty, or an earlier product has it"


def sift(tables: Tables, ledger: Ledger) -> Tables:
    """Clean every row and note the fate of those that examples cannot be made from; return the others.

    Purchases of a product that is no item (see `items_of`) go, so that what recommendations are learned from and
    judged by is always something that may be recommended.
    """
    products = passed("products", tables.products, ledger, no_fault)
    known = {(product.id, product.locale) for product in products}
    items = {(item.product, item.locale) for item in items_of(products)}

    def unknown(row: Advert | Interaction) -> str:
        return "" if (row.product, row.locale) in known else UNKNOWN

    def no_item(row: Interaction) -> str:
        return unknown(row) or ("" if (row.product, row.locale) in items else UNTITLED)

    return Tables(
        products=products,
        reviews=passed("reviews", tables.reviews, ledger, no_fault),
        questions=passed("questions", tables.questions, ledger, no_fault),
        adverts=passed("adverts", tables.adverts, ledger, unknown),
        interactions=passed("interactions", tables.interactions, ledger, no_item),
    )


def no_fault(row: Row) -> str:
    """For tables of which nothing more is asked than that their texts are there."""
    return ""


def passed(table: str, rows: list[R], ledger: Ledger, fault: Callable[[R], str]) -> list[R]:
    """The cleaned rows of one table, without faulty ones, repetitions, and rows whose key an earlier one has."""
    found: list[R] = []
    contents: set[str] = set()
    keys: set[Hashable] = set()
    for row in rows:
        cleaned = clean_record(row)
        content, key = cleaned.model_dump_json(exclude=set(ORIGIN)), key_of(cleaned)
        reason = empty_field(cleaned) or name_fault(row) or fault(cleaned)
        if reason:
            ledger.settle(origin_of(table, row), Fate("rejected", reason))
        elif content in contents:
            ledger.settle(origin_of(table, row), Fate("duplicate"))
        elif key in keys:
            ledger.settle(origin_of(table, row), Fate("rejected", "key: an earlier row with other content has it"))
        else:
            contents.add(content)
            keys.add(key)
            found.append(cleaned)
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
    """The complaint about attributes that cleaning would merge or leave nameless, or nothing."""
    if not isinstance(row, Product):
        return ""
    names = {clean_text(name) for name in row.attributes}
    return (
        "attributes: two names are the same, or one is empty" if "" in names or len(names) < len(row.attributes) else ""
    )


def items_of(products: list[Product]) -> list[Item]:
    """The products that may be recommended: those with a title that no earlier product of the locale has."""
    taken: set[tuple[str, str]] = set()
    items: list[Item] = []
    for product in products:
        if product.title and (product.locale, product.title) not in taken:
            taken.add((product.locale, product.title))
            items.append(Item(product=product.id, locale=product.locale, title=product.title))
    return items
