"""The stage: the source that params name -> five canonical tables and the rejected rows, as JSON lines."""

import logging
import re
from pathlib import Path

from ecom_llm.collect.catalogue import generate
from ecom_llm.collect.folder import replacing
from ecom_llm.collect.rejected import REJECTED
from ecom_llm.collect.rnnlg import collect_rnnlg
from ecom_llm.collect.tables import Collected, collect_tables
from ecom_llm.layout import Layout
from ecom_llm.params import Collect, Params
from ecom_llm.records import TABLES, UserError, write_jsonl

log = logging.getLogger(__name__)


def run(params: Params, layout: Layout) -> None:
    """Write `products.jsonl` ... `interactions.jsonl` and `rejected.jsonl` into `layout.collected`, whole or not at all.

    Equal params and files give equal bytes.

    Raises:
        UserError: the source cannot be read, or the folder cannot be written.
    """
    collected = collect(params.collect, layout)
    with replacing(layout.collected) as folder:
        for table in TABLES:
            write_jsonl(folder / f"{table}.jsonl", getattr(collected.tables, table))
        write_jsonl(folder / f"{REJECTED}.jsonl", collected.rejected)
    counts = ", ".join(f"{len(getattr(collected.tables, table)):,} {table}" for table in TABLES)
    log.info("collected %s; %s rows rejected", counts, f"{len(collected.rejected):,}")


def collect(params: Collect, layout: Layout) -> Collected:
    """The records of the source that params name."""
    if params.source == "catalogue":
        return Collected(generate(seed=params.seed, products=params.products, shoppers=params.shoppers))
    folder = source_folder(params.location, layout)
    return collect_tables(folder, params.locale) if params.source == "tables" else collect_rnnlg(folder)


def source_folder(location: str, layout: Layout) -> Path:
    """`collect.location` as a path; a relative one stands in the workspace.

    Raises:
        UserError: it is a URL.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", location):
        raise UserError(f"collect.location: found {location}: URLs are not read yet; download it and give the folder.")
    return layout.workspace / location
