"""The stage: the sources that params name -> five canonical tables as Parquet shards, and the rejected rows."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ecom_llm.collect.catalogue import generate
from ecom_llm.collect.folder import replacing
from ecom_llm.collect.forms import FORMS
from ecom_llm.collect.rejected import REJECTED, Rejected
from ecom_llm.collect.sink import Sink
from ecom_llm.layout import Layout
from ecom_llm.params import Collect, Params, Source
from ecom_llm.progress import watched
from ecom_llm.records import TABLES, Sourced, UserError

log = logging.getLogger(__name__)


def run(params: Params, layout: Layout) -> None:
    """Write the folders `products` ... `interactions` and `rejected.jsonl` into `layout.collected`, whole or not at all.

    Equal params and files give equal bytes. Rows are read, checked and written one batch at a time.

    Raises:
        UserError: a source cannot be read, or the folder cannot be written.
    """
    with replacing(layout.collected) as folder, Sink(folder) as sink:
        for source in params.collect.sources:
            sink.take(
                watched(weighted(records(source, params.collect, layout), source), f"collect {source.path}", None)
            )
    counts = ", ".join(f"{sink.counts[table]:,} {table}" for table in TABLES)
    log.info("collected %s; %s rows rejected", counts, f"{sink.counts[REJECTED]:,}")


def records(source: Source, params: Collect, layout: Layout) -> Iterator[Sourced | Rejected]:
    """What one source holds, row by row."""
    if source.form != "catalogue":
        yield from FORMS[source.form](location(params.location, layout) / source.path, source)
        return
    tables = generate(seed=params.seed, products=params.products, shoppers=params.shoppers)
    for table in TABLES:
        yield from getattr(tables, table)


def weighted(found: Iterator[Sourced | Rejected], source: Source) -> Iterator[Sourced | Rejected]:
    """The records with their source's weight, and named after its path: two sources may hold files of one name."""
    place = PurePosixPath(source.path)
    for record in found:
        name = str(place if place.name == record.source else place / record.source)
        update = {"source": name} if isinstance(record, Rejected) else {"source": name, "weight": source.weight}
        yield record.model_copy(update=update)


def location(given: str, layout: Layout) -> Path:
    """`collect.location` as a path; a relative one stands in the workspace.

    Raises:
        UserError: it is a URL.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", given):
        raise UserError(
            f"collect.location: found {given}: only folders are read here. Download it (`dvc get-url {given} data/sources`), "
            "or name a Hub data set by a source of the form `dataset`."
        )
    return layout.workspace / given
