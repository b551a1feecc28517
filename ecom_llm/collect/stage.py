"""The stage: the sources that params name -> five canonical tables as Parquet shards, and the rejected rows."""

import json
import logging
from collections.abc import Iterator
from pathlib import PurePosixPath

from ecom_llm.collect.catalogue import generate
from ecom_llm.collect.folder import replacing
from ecom_llm.collect.forms import FORMS, PUBLISHED
from ecom_llm.collect.location import Location
from ecom_llm.collect.rejected import REJECTED, Rejected
from ecom_llm.collect.shops import ids_in, shops_of
from ecom_llm.collect.sink import Sink
from ecom_llm.layout import Layout
from ecom_llm.params import Collect, Params, Source
from ecom_llm.progress import watched
from ecom_llm.records import TABLES, Sourced

log = logging.getLogger(__name__)
SCRATCH = ".fetched"
"""Folder, beside the tables while they are written, of what is fetched from an address."""


def run(params: Params, layout: Layout) -> None:
    """Write the folders `products` ... `interactions` and `rejected.jsonl` into `layout.collected`, whole or not at all.

    Equal params and files give equal bytes. Rows are read, checked and written one batch at a time.

    Raises:
        UserError: a source cannot be read or changed meanwhile, or the folder cannot be written.
    """
    with replacing(layout.collected) as folder, Sink(folder) as sink:
        location = Location(params.collect.location, layout.workspace, folder / SCRATCH)
        protocols: list[dict[str, object]] = []
        sources = params.collect.sources
        for source, shop in zip(sources, shops_of(sources, params.collect.shops), strict=True):
            found = marked(records(source, params.collect, location, protocols), source, shop)
            sink.take(watched(found, f"collect {source.path}", None))
        (folder / layout.protocols.name).write_text(json.dumps(protocols, ensure_ascii=False), encoding="utf-8")
        location.require_unchanged()
    counts = ", ".join(f"{sink.counts[table]:,} {table}" for table in TABLES)
    log.info("collected %s; %s rows rejected", counts, f"{sink.counts[REJECTED]:,}")


def records(
    source: Source, params: Collect, location: Location, protocols: list[dict[str, object]]
) -> Iterator[Sourced | Rejected]:
    """What one source holds, row by row; what its publisher gives for a scoring of its own is added to `protocols`."""
    if source.form != "catalogue":
        with location.place(source) as place:
            yield from FORMS[source.form](place, source)
            given = PUBLISHED[source.form](place, source) if source.form in PUBLISHED else None
        if given:
            rows = {named(row, source): text for row, text in given["baseline"].items()}
            protocols.append({**given, "baseline": rows})
        return
    tables = generate(seed=params.seed, products=params.products, shoppers=params.shoppers)
    for table in TABLES:
        yield from getattr(tables, table)


def named(file: str, source: Source) -> str:
    """A file of a source, named after the source's path: two sources may hold files of one name."""
    place = PurePosixPath(source.path)
    return str(place if place.name == file else place / file)


def marked(found: Iterator[Sourced | Rejected], source: Source, shop: str) -> Iterator[Sourced | Rejected]:
    """The records with their source's weight and shop, and named after its path."""
    for record in found:
        name = named(record.source, source)
        if isinstance(record, Rejected):
            yield record.model_copy(update={"source": name})
        else:
            yield record.model_copy(update={"source": name, "weight": source.weight, **ids_in(shop, record)})
