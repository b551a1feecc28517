"""Columns -> fields of the canonical tables: by name, and only where the values agree."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from ecom_llm.collect.inspect.columns import Column, kind_of, plain
from ecom_llm.collect.inspect.fields import (
    FILLED,
    LINKS,
    Match,
    best,
    prose_by_value,
    short_description,
    stars_by_value,
)
from ecom_llm.collect.inspect.sample import Sample
from ecom_llm.collect.inspect.synonyms import is_named, normal
from ecom_llm.params import Form, Source

CONSTANT = 0.9
"""Share of the ids seen twice whose rows must agree on a column before it describes the product and not the row."""
ATTRIBUTE_CHARACTERS = 80
"""Mean length up to which a column is an attribute of a product; longer ones are texts about it."""
OWN_ROW = "={row}"
"""The form mapped's spelling of a row's own number, where no column names the product."""
STATED = 0.02
"""Share of the descriptions that must state a column's value word for word before it is an attribute worth giving."""


@dataclass(frozen=True)
class Proposal:
    """One source of a recipe, and how it was arrived at."""

    source: Source
    why: str
    matches: tuple[Match, ...] = ()
    unused: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())
    """What a person should know or decide."""


TONE = {"en": ("sell", "everyone"), "zh": ("促销", "所有人")}
"""Goal and audience of adverts whose data names none, by language."""
CORE = {
    "reviews": ("stars", "text"),
    "questions": ("question", "answer"),
    "adverts": ("text",),
    "interactions": ("shopper",),
}
"""What makes a table, beside the product that each of them names."""
EXTRA = {
    "reviews": ("strengths", "flaws"),
    "adverts": ("goal", "audience"),
    "interactions": ("position", "quantity"),
}


def agrees(sample: Sample, product: str, column: str, without_proof: bool) -> bool:
    """Whether a column says something of the product: rows of one id hold one value.

    Args:
        without_proof: what to believe where no id comes twice, or hardly any.
    """
    values: dict[str, list[str]] = defaultdict(list)
    for _, row in sample.rows:
        name, text = plain(row.get(product)), plain(row.get(column))
        if name and text:  # an empty cell contradicts nothing
            values[name].append(text)
    twice = [found for found in values.values() if len(found) > 1]
    # a catalogue with two products of one id by mistake is one still
    if len(twice) <= (1 - CONSTANT) * len(values) and (without_proof or not twice):
        return without_proof
    return sum(len(set(found)) == 1 for found in twice) >= CONSTANT * len(twice)


def rows_of_tables(sample: Sample) -> dict[str, Match]:
    """Field -> match of every table but products, tables whose core was not found left out."""
    found: dict[str, Match] = {}
    for table, core in CORE.items():
        taken = {match.column for match in found.values()}
        matches: dict[str, Match] = {}
        for part in core:
            match = best(f"{table}.{part}", sample, taken | {one.column for one in matches.values()})
            if match is None and table == "reviews":
                match = stars_by_value(sample) if part == "stars" else prose_by_value(sample)
            if match is not None:
                matches[match.field] = match
        if len(matches) == len(core):
            extra = (best(f"{table}.{part}", sample, taken) for part in EXTRA.get(table, ()))
            found |= matches | {match.field: match for match in extra if match is not None}
    return found


def product_of(sample: Sample, taken: set[str]) -> Match | None:
    """The column that names the product: an id, else its title."""
    match = best("products.id", sample, taken)
    if match is not None:
        return match
    title = best("products.title", sample, taken)
    return title and Match("products.id", title.column, "no column is an id: the title stands for it")


def products(sample: Sample, product: Match, taken: set[str], alone: bool) -> dict[str, Match]:
    """What the file says of the products themselves: title, description, and every column that is one value per id.

    Args:
        alone: whether each row is a product and nothing else, so that its columns need no proof.
    """
    found = {"products.id": product}
    left = [column for column in sample.named if column.name not in taken]
    about = {column.name for column in left if agrees(sample, product.column, column.name, alone)}
    for name in ("products.title", "products.description"):
        match = best(name, sample, {column.name for column in sample.columns} - about)
        if match is not None and match.column not in {one.column for one in found.values()} - {product.column}:
            found[name] = match
    name = None if "products.title" in found else short_description(sample, about - {product.column})
    if name is not None:
        found = {field: match for field, match in found.items() if match.column != name.column} | {name.field: name}
    used = {match.column for match in found.values()}
    features = [column for column in left if column.name in about - used]
    whole = next(
        (column.name for column in features if column.kind == "object" and holds_objects(sample, column.name)), None
    )
    if whole is not None:
        found["products.attributes"] = Match("products.attributes", whole, "an object of names and values")
    pairs = named_values(sample)
    found |= {
        f"products.attributes.{{{name}}}": Match(f"products.attributes.{{{name}}}", value, f"named by {name}")
        for value, name in pairs.items()
    }
    left_over = [column for column in features if column.name not in {*pairs, *pairs.values()}]
    single = [column for column in left_over if is_attribute(column)]
    # where texts speak of none, there is nothing to choose by
    for column in [column for column in single if is_spoken_of(sample, column, found)] or single:
        name = f"products.attributes.{column.name}"
        found[name] = Match(name, column.name, f"{column.kind}, one for each product")
    return found


def named_values(sample: Sample) -> dict[str, str]:
    """Column of values -> column of its name, as WooCommerce (`Attribute 1 name`) and Shopify (`Option1 Name`) have them."""
    known = {normal(column.name): column.name for column in sample.named if 1 - column.empty >= FILLED}
    found: dict[str, str] = {}
    for name, spelt in known.items():
        stem = name.removesuffix("name")
        value = next((known[stem + end] for end in ("value", "values") if stem + end in known), None)
        if value is not None and stem != name and stem[-1:].isdecimal():
            found[value] = spelt
    return found


def is_spoken_of(sample: Sample, column: Column, found: Mapping[str, Match]) -> bool:
    """Whether descriptions state a column's values; without descriptions there is nothing to hold against it.

    A prompt full of what no text speaks of (a warehouse's flags, say) teaches a model to leave out what it was given.
    """
    told = found.get("products.description")
    if told is None:
        return True
    pairs = [(plain(row.get(column.name)), plain(row.get(told.column))) for _, row in sample.rows]
    stated = [value.casefold() in text.casefold() for value, text in pairs if value and text]
    return sum(stated) >= STATED * len(stated)


def holds_objects(sample: Sample, name: str) -> bool:
    """Whether the cells are JSON objects, rather than texts that look like some, and tell of the product in words.

    Amazon's `salesRank` is an object of numbers alone.
    """
    cells = [value for _, row in sample.rows if (value := row.get(name)) not in (None, "", {})]
    if is_named("not attributes", name) or not all(isinstance(cell, dict) for cell in cells):
        return False
    return any(kind_of(part, plain(part)) in ("text", "list") for cell in cells for part in cell.values())


def is_attribute(column: Column) -> bool:
    """Whether a column could stand in a product's list of features."""
    known = is_named("not attributes", column.name) or is_named("personal", column.name)
    shaped = column.kind in ("category", "integer", "number", "text") and column.length <= ATTRIBUTE_CHARACTERS
    # a list of links is the commonest column that looks like a category
    link = column.example.startswith(LINKS)
    return bool(not known and shaped and not link and 1 - column.empty >= FILLED and column.distinct > 1)


def mapping(sample: Sample, locale: str) -> tuple[dict[str, Match], list[str]]:
    """Field -> match for everything that was understood, and what a person should know."""
    found, notes = rows_of_tables(sample), []
    # before attributes are looked for: a language is one value for each product, too
    told = best("locale", sample, {match.column for match in found.values()})
    taken = {match.column for match in [*found.values(), told] if match is not None}
    product, tables = product_of(sample, taken), tables_of(found)
    own: dict[str, Match] = {}
    if product is not None:
        own = products(sample, product, taken, alone=not tables)
    # a recommendation is a title to be written: ids alone can be counted, not learned from
    if "interactions" in tables and "products.title" not in own:
        notes.append("Purchases were found, but no product's title among these columns: there is nothing to recommend.")
        found = {name: match for name, match in found.items() if not name.startswith("interactions.")}
    # an advert's goal and audience are asked for by the skill, while hardly any shop keeps them
    if "adverts.text" in found:
        found = tone_of(locale) | found
    tables = tables_of(found)
    if tables and product is None:
        notes.append("No column names the product: each row is taken for a product of its own.")
    for table in tables:
        known = product or Match("", OWN_ROW, "no column names the product: the row's own number")
        found[f"{table}.product"] = Match(f"{table}.product", known.column, known.why)
    if len(own) > 1:
        found |= own
    if told is not None:
        found |= {f"{table}.locale": Match(f"{table}.locale", told.column, told.why) for table in tables_of(found)}
    return found, notes


def tables_of(fields: Iterable[str]) -> list[str]:
    """The tables that fields belong to, in order."""
    return list(dict.fromkeys(name.partition(".")[0] for name in fields))


def ordered(found: Mapping[str, Match]) -> Iterator[Match]:
    """Table by table, as a recipe reads best."""
    for table in ("products", "reviews", "questions", "adverts", "interactions"):
        yield from (match for name, match in found.items() if name.startswith(f"{table}."))


def mapped(sample: Sample, path: str, locale: str, form: Form) -> Proposal | None:
    """A proposal to read a file, or a folder of files with these columns; None where nothing was understood."""
    found, notes = mapping(sample, locale)
    if not found:
        return None
    matches = tuple(ordered(found))
    columns = {match.field: match.column for match in matches}
    why = f"read by its columns as {', '.join(tables_of(columns))}"
    return proposal(
        sample, Source(form=form, path=path, locale=locale, weight=1.0, columns=columns), why, matches, notes
    )


def specified(sample: Sample, path: str, locale: str, hashes: str, why: str) -> Proposal | None:
    """A proposal for a catalogue whose attributes stand in a column of hashes."""
    product = product_of(sample, {hashes})
    if product is None:
        return None
    found = products(sample, product, {hashes}, alone=True)
    found["products.attributes"] = Match("products.attributes", hashes, "specification hashes")
    matches = tuple(ordered(found))
    columns = {match.field: match.column for match in matches}
    source = Source(form="specifications", path=path, locale=locale, weight=1.0, columns=columns)
    return proposal(sample, source, why, matches, [])


def proposal(sample: Sample, source: Source, why: str, matches: tuple[Match, ...], notes: list[str]) -> Proposal:
    """A proposal with the columns that it leaves unused."""
    used = set(source.columns.values())
    unused = tuple(column.name for column in sample.columns if column.name not in used)
    return Proposal(source, why, matches, unused, tuple(notes))


def published(form: Form, path: str, locale: str, why: str) -> Proposal:
    """A proposal for a published form, which knows its own columns."""
    tone = tone_of(locale) if form == "advertisegen" else {}
    columns = {match.field: match.column for match in tone.values()}
    return Proposal(Source(form=form, path=path, locale=locale, weight=1.0, columns=columns), why, tuple(tone.values()))


def tone_of(locale: str) -> dict[str, Match]:
    """Goal and audience of adverts whose data does not say them: constants for a person to change."""
    goal, audience = TONE.get(locale.partition("-")[0], TONE["en"])
    why = "the data does not say it: change it as you like"
    return {
        "adverts.goal": Match("adverts.goal", f"={goal}", why),
        "adverts.audience": Match("adverts.audience", f"={audience}", why),
    }
