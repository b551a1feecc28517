"""Serve the deployments: python -m flows.serving, as `ecom-llm up` does; their forms follow params.yaml and sweep.yaml."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from httpx import HTTPError
from prefect import serve
from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
from prefect.deployments.runner import RunnerDeployment
from prefect.logging import get_logger

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.params.space import Sweep, load_sweep
from ecom_llm.records import UserError
from flows.promotion import promotion
from flows.reconcile import reconcile
from flows.rollback import rollback
from flows.sweep.flow import sweep
from flows.training import training_pipeline

log = get_logger(__name__)

WATCH = 2.0
"""Seconds between looks at params.yaml and sweep.yaml."""


def deployments(params: Params, asked: Sweep | None) -> list[RunnerDeployment]:
    """The deployments, their forms filled with these values: a form that said None would drop what it is given.

    `asked` is what sweep.yaml says; without it there is no deployment of sweeps.
    """
    values = params.model_dump(mode="json")
    served = [
        training_pipeline.to_deployment(name="training-pipeline", parameters={"params": values, "promote": True}),
        promotion.to_deployment(name="promotion", parameters={"params": values}),
        rollback.to_deployment(name="rollback", parameters={"model_name": params.registry.model_name}),
        reconcile.to_deployment(
            name="reconcile",
            interval=timedelta(minutes=params.runtime.reconcile_minutes),
            # of those that a server was down for, one is enough
            concurrency_limit=ConcurrencyLimitConfig(limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW),
        ),
    ]
    if asked:
        swept = {"space": Layout.here().sweep.name, "trials": asked.trials, "seed": asked.seed}
        served.append(sweep.to_deployment(name="sweep", parameters=swept | {"params": values, "promote": True}))
    return served


def asked_of(layout: Layout) -> Sweep | None:
    """What sweep.yaml says; None, with a warning, where it is missing or wrong: trainings and roll-backs do not wait for it."""
    try:
        return load_sweep(layout.sweep)
    except UserError as error:
        log.warning("Sweeps are not served: %s", error)
        return None


def changed_at(paths: Sequence[Path]) -> list[int]:
    """When each of the files that are there was changed."""
    return [path.stat().st_mtime_ns for path in paths if path.exists()]


def follow(layout: Layout, seen: list[int]) -> None:
    """Register again whenever params.yaml or sweep.yaml changes; while one cannot be used, the forms keep their values.

    Args:
        seen: when the files were changed, as the forms know them.
    """
    files = (layout.params, layout.sweep)
    while True:
        time.sleep(WATCH)
        now = changed_at(files)
        if now == seen or not layout.params.exists():  # while an editor replaces a file, it is gone
            continue
        try:
            for deployment in deployments(load_params(layout.params), asked_of(layout)):
                deployment.apply()
            log.info("params.yaml or sweep.yaml changed: the deployments' forms show its values.")
        except UserError as error:
            log.warning("A changed file cannot be used: %s", error)
        except HTTPError as error:
            log.warning("The server did not take the new forms, trying again: %s", error)
            continue
        seen = now


def main() -> None:
    """Serve until stopped."""
    layout = Layout.here()
    seen = changed_at((layout.params, layout.sweep))
    ready = deployments(load_params(layout.params), asked_of(layout))
    threading.Thread(target=follow, args=(layout, seen), daemon=True).start()
    serve(*ready, print_starting_message=False)


if __name__ == "__main__":
    main()
