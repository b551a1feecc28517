"""Forms: how a source's files are laid out, one module each; a form reads a place and yields records and rejected rows."""

from collections.abc import Callable, Iterator
from pathlib import Path

from ecom_llm.collect.forms import (
    advertisegen,
    amazon_qa,
    dataset,
    item_windows,
    jddc,
    mapped,
    rnnlg,
    rnnlg_scoring,
    specifications,
    tables,
)
from ecom_llm.collect.rejected import Rejected
from ecom_llm.params import Source
from ecom_llm.records import Sourced

FORMS: dict[str, Callable[[Path, Source], Iterator[Sourced | Rejected]]] = {
    "tables": tables.read,
    "mapped": mapped.read,
    "rnnlg": rnnlg.read,
    "advertisegen": advertisegen.read,
    "amazon_qa": amazon_qa.read,
    "item_windows": item_windows.read,
    "jddc": jddc.read,
    "specifications": specifications.read,
    "dataset": dataset.read,
}
"""Name in `collect.sources` -> its reader. (`catalogue` reads no place: the stage makes it.)"""

PUBLISHED: dict[str, Callable[[Path, Source], dict[str, object] | None]] = {"rnnlg": rnnlg_scoring.published}
"""Form -> what its publisher gives beside the examples for a scoring of its own: `evaluate` reads it."""
