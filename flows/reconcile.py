"""The reconcile flow: after kills and crashes, Prefect, MLflow, DVC and the journal tell one story again."""

import logging

from prefect import flow, get_run_logger

from ecom_llm.layout import Layout
from flows.working import at_work, foreign_server
from tasks.reconcile import Mended
from tasks.reconcile import reconcile as mend


@flow
def reconcile() -> Mended:
    """End what dead processes have left running, complete or remove what they left half done, and say what was mended."""
    with at_work():
        layout = Layout.here()
        mended = mend(layout, foreign_server(layout))
    log = get_run_logger()
    for line in mended.lines() or ["Nothing to mend."]:
        log.log(logging.WARNING if line.startswith("Not mended") else logging.INFO, "%s", line)
    return mended
