"""Where tasks speak: in Prefect's log of the run where there is one."""

import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.logging.loggers import LoggingAdapter


def run_logger() -> "LoggingAdapter | logging.Logger":
    """Prefect's logger inside a run, so that its UI shows the words; this module's elsewhere."""
    if "prefect" not in sys.modules:  # then nothing of it runs, and to load it takes seconds
        return logging.getLogger(__name__)
    from prefect.exceptions import MissingContextError
    from prefect.logging import get_run_logger

    try:
        return get_run_logger()
    except MissingContextError:
        return logging.getLogger(__name__)
