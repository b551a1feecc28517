"""advertisegen: the published format of AdvertiseGen (clothing attributes, Chinese ad copy) -> products and adverts.

Shao et al., "Long and Diverse Text Generation with Planning-based Hierarchical Variational Model" (2019). Each row is a
product of its own: the data has no ids, and equal attributes come with different texts.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from ecom_llm.collect.files import Fault, Row
from ecom_llm.collect.forms.cells import joined, text_of
from ecom_llm.collect.forms.columns import CONSTANT, complaint, needed_fields
from ecom_llm.collect.forms.origins import Origin, row_id, rows_of, without_columns
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Advert, Product, Sourced

TONE = ("adverts.goal", "adverts.audience")
"""What an advert has and this data lacks; `columns` may give constants for them."""
UNKNOWN_WORD = "<UNK>"
SENTENCE = re.compile(r"[^。！？!?]*[。！？!?]+[”’」』）)]*|[^。！？!?]+$")
TABLES_FED = ("products", "adverts")


def read(place: Path, source: Source) -> Iterator[Sourced | Rejected]:
    """Read JSON lines with `content` (name#value*name#value) and `summary`; a row gives a product and an advert.

    Raises:
        UserError: a file cannot be read, or `columns` holds more than constants for goal and audience.
    """
    tone = tone_of(source)
    for origin, row in rows_of(place, source):
        if isinstance(row, Fault):
            yield from (origin.unreadable(table, row) for table in TABLES_FED)
            continue
        try:
            yield from records_of(origin, row, source, tone)
        except ValueError as error:
            # copy is learned from attributes and attributes are here only for the copy: one without the other is no use
            yield from (origin.rejected(table, str(error), row) for table in TABLES_FED)


def tone_of(source: Source) -> dict[str, str]:
    """Goal and audience of every advert, from `columns`."""
    without_columns(source, TONE)
    for key, spelling in source.columns.items():
        if not spelling.startswith(CONSTANT):
            raise complaint(source, key, f"found {spelling!r}; expected =text, since the data has no such column.")
    missing = [key for key in TONE if key.split(".")[1] in needed_fields("adverts") and key not in source.columns]
    if missing:
        raise complaint(
            source, missing[0], "is missing; expected =text for every advert, since the data does not say it."
        )
    return {key.split(".")[1]: spelling.removeprefix(CONSTANT) for key, spelling in source.columns.items()}


def records_of(origin: Origin, row: Row, source: Source, tone: dict[str, str]) -> Iterator[Sourced]:
    """The product and the advert of one row.

    Raises:
        ValueError: the row is not written like that; says which part.
    """
    attributes = attributes_of(text_of(row.get("content")))
    summary = text_of(row.get("summary"))
    if not summary:
        raise ValueError("summary: empty")
    kept = without_holes(summary)
    if not kept:
        raise ValueError(f"summary: holds {UNKNOWN_WORD}, and less than half of it stands in sentences without")
    # what a person did not write that way is learned from, and nobody is judged by it
    split = None if kept == summary else "train"
    # not the attributes: rows that have the same are different products, each with its own text
    identity = row_id(origin, source)
    place = {"source": origin.source, "row": origin.row, "locale": source.locale}
    product = Product.model_validate({**place, "id": identity, "title": "", "attributes": attributes, "split": split})
    advert = Advert.model_validate({**place, "product": identity, "text": kept, **tone})
    yield from (product, advert)


def without_holes(summary: str) -> str:
    """The copy without the sentences that hold `<UNK>`, a hole that the publisher's vocabulary left; "" where less than half is left.

    No shop can print a hole, and a model would learn to write it. The other sentences are whole, and there are few enough of them.
    """
    kept = "".join(one for one in SENTENCE.findall(summary) if UNKNOWN_WORD not in one)
    return kept if 2 * len(kept) >= len(summary.replace(UNKNOWN_WORD, "?")) else ""


def attributes_of(content: str) -> dict[str, str]:
    """The attributes of `name#value*name#value`; a name that comes again has its values joined by LIST_SEPARATOR.

    Raises:
        ValueError: the text is not written like that.
    """
    if not content:
        raise ValueError("content: empty")
    pairs = [part.partition("#") for part in content.split("*")]
    if not all(name.strip() and mark and value.strip() for name, mark, value in pairs):
        raise ValueError("content: expected name#value*name#value")
    return joined((name.strip(), value.strip()) for name, _, value in pairs)
