"""Serve the deployments: python -m flows.serving, as `ecom-llm up` does; their forms follow params.yaml and sweep.yaml."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

from httpx import HTTPError
from prefect import serve
from prefect.logging import get_logger

from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import UserError
from flows.deployments import asked_of, deployments
from flows.server_settings import make_pool, settle_server

log = get_logger(__name__)

WATCH = 2.0
"""Seconds between looks at the files."""


def files(layout: Layout) -> tuple[Path, ...]:
    """What the deployments and their forms are made from."""
    return (layout.params, layout.sweep, layout.deployments)


def changed_at(paths: Sequence[Path]) -> list[int]:
    """When each of the files that are there was changed."""
    return [path.stat().st_mtime_ns for path in paths if path.exists()]


def settle(layout: Layout) -> None:
    """Make what the server holds beside the deployments; without it runs start all the same, so a failure is only said."""
    try:
        make_pool()
        settle_server(load_params(layout.params).runtime.notification_block)
    except (UserError, HTTPError) as error:
        log.warning("Nobody is told of failed runs and new champions: %s", error)


def follow(layout: Layout, seen: list[int]) -> None:
    """Register again whenever one of the files changes; while one cannot be used, the forms keep their values.

    Args:
        seen: when the files were changed, as the forms know them.
    """
    while True:
        time.sleep(WATCH)
        now = changed_at(files(layout))
        if now == seen or not layout.params.exists():  # while an editor replaces a file, it is gone
            continue
        try:
            for deployment in deployments(load_params(layout.params), asked_of(layout), layout.deployments):
                deployment.apply()
            settle(layout)
            log.info("params.yaml, sweep.yaml or prefect.yaml changed: the deployments' forms show its values.")
        except UserError as error:
            log.warning("A changed file cannot be used: %s", error)
        except HTTPError as error:
            log.warning("The server did not take the new forms, trying again: %s", error)
            continue
        seen = now


def main() -> None:
    """Serve until stopped."""
    layout = Layout.here()
    seen = changed_at(files(layout))
    ready = deployments(load_params(layout.params), asked_of(layout), layout.deployments)
    threading.Thread(target=follow, args=(layout, seen), daemon=True).start()
    settle(layout)
    serve(*ready, print_starting_message=False)


if __name__ == "__main__":
    main()
