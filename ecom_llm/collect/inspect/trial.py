"""A proposal tried: what its form makes of the first rows, and which skills that can teach."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.forms.columns import mapping_of
from ecom_llm.collect.forms.mapped import attributes_of_object, records_of
from ecom_llm.collect.forms.origins import Origin
from ecom_llm.collect.forms.specifications import attributes_of_hash
from ecom_llm.collect.inspect.sample import Sample
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import TABLES, Advert, Interaction, Product, Sourced, UserError

TABLE_OF = {kind: table for table, kind in TABLES.items()}
SHORTEST = 3
"""Purchases of a shopper before one of them can be recommended from those before it."""


@dataclass
class Trial:
    """What came out of the first rows of a source, or why nothing did."""

    records: Counter[str] = field(default_factory=Counter)
    """Canonical table -> its records."""
    products: int = 0
    """Different products among them: a row of reviews repeats its product."""
    rejected: Counter[str] = field(default_factory=Counter)
    """Reason -> rows."""
    skills: tuple[str, ...] = ()
    """What the records can teach, in the order of the tables."""
    stated: float | None = None
    """Share of the products' attribute values that people's own descriptions and adverts state in the same words."""
    whole: bool = True
    """Whether the source was read to its end."""
    error: str | None = None


def try_source(location: Path, source: Source, sample: Sample | None, limit: int) -> Trial:
    """Read the beginning of a source as `collect` would; a UserError becomes the trial's `error`.

    Args:
        sample: for forms with a mapping, the rows to read: purchases get their order only when all rows are there, so
            that the file itself would be read to its end.
        limit: records read of any other form.
    """
    trial = Trial()
    found: list[Sourced] = []
    try:
        whole = FORMS[source.form](location / source.path, source) if sample is None else mapped_rows(sample, source)
        with closing(whole) as rows:  # forms keep files and temporary tables open while they stream
            for record in islice(rows, limit if sample is None else None):
                if isinstance(record, Rejected):
                    trial.rejected[record.reason] += 1
                else:
                    trial.records[TABLE_OF[type(record)]] += 1
                    found.append(record)
            trial.whole = sample.whole if sample is not None else next(rows, None) is None
    except UserError as error:
        trial.error = str(error)
        return trial
    trial.products = len({(one.id, one.locale) for one in found if isinstance(one, Product)})
    trial.skills = skills_of(found)
    trial.stated = stated_share(found)
    return trial


def mapped_rows(sample: Sample, source: Source) -> Iterator[Sourced | Rejected]:
    """The records of a sample's rows, as the forms with a mapping make them."""
    rows = ((Origin(source.path, line), dict(row)) for line, row in sample.rows)
    opened = attributes_of_hash if source.form == "specifications" else attributes_of_object
    return records_of(rows, source, mapping_of(source), opened)


def skills_of(found: list[Sourced]) -> tuple[str, ...]:
    """The skills that have examples in these records, as `ecom_llm.skills` makes them."""
    # the same tests as the skills make, which this room must not import: it would rest on every word of theirs
    products = {(one.id, one.locale): one for one in found if isinstance(one, Product)}
    histories: Counter[tuple[str, str]] = Counter(
        (one.shopper, one.locale)
        for one in found
        if isinstance(one, Interaction) and (one.product, one.locale) in products
    )
    kinds = {TABLE_OF[type(one)] for one in found}
    taught = {
        "describe": any(one.description and one.attributes for one in products.values()),
        "advertise": any(isinstance(one, Advert) and (one.product, one.locale) in products for one in found),
        "review": "reviews" in kinds,
        "answer": "questions" in kinds,
        "recommend": any(count >= SHORTEST for count in histories.values()),
    }
    return tuple(skill for skill, holds in taught.items() if holds)


def stated_share(found: list[Sourced]) -> float | None:
    """Attribute values that stand in a text about their product, over all of them; None where there is no such text."""
    attributes: dict[tuple[str, str], dict[str, str]] = {}
    texts: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in found:
        if isinstance(one, Product):
            attributes[one.id, one.locale] = one.attributes
            if one.description:
                texts[one.id, one.locale].append(one.description.casefold())
        elif isinstance(one, Advert):
            texts[one.product, one.locale].append(one.text.casefold())
    pairs = [
        (value.casefold(), text)
        for key, written in texts.items()
        for text in written
        for value in attributes.get(key, {}).values()
    ]
    return sum(value in text for value, text in pairs) / len(pairs) if pairs else None
