"""Being at work: while a flow runs, the state folder knows its process and Prefect knows whose the run is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ecom_llm.layout import Layout
from ecom_llm.params.location import masked_address
from flows.settings import standing
from tasks.engines import engine, signs_of_a_crash, tag_of


def foreign_server(layout: Layout) -> str:
    """Address of the Prefect server in use, masked; empty where it is ours: `ecom-llm up`'s or a temporary one, over one database."""
    address = masked_address(os.environ.get("PREFECT_API_URL", "").rstrip("/"))
    return "" if address == standing(layout).get("PREFECT_API_URL", "") else address


@contextmanager
def at_work() -> Iterator[str]:
    """Be known as a process that runs flows while the block lasts: what a kill leaves is found by `ecom-llm reconcile`."""
    layout = Layout.here()
    with engine(layout, foreign_server(layout)) as name:
        yield name


@contextmanager
def beginning_flows() -> Iterator[None]:
    """The same for a command that begins flows itself: they bear a tag of the process from before their first line runs."""
    from prefect import tags

    with at_work() as name, tags(tag_of(name)):
        yield


def mend_first(layout: Layout) -> None:
    """Mend what a crash has left, where there is any sign of one, and say so; within `at_work`."""
    if signs_of_a_crash(layout):
        from tasks.reconcile import reconcile

        for line in reconcile(layout, foreign_server(layout)).lines():
            print(line, flush=True)
