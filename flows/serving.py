"""Serve the deployments: python -m flows.serving, as `ecom-llm up` does; their forms follow params.yaml."""

import threading
import time
from pathlib import Path

from httpx import HTTPError
from prefect import serve
from prefect.deployments.runner import RunnerDeployment
from prefect.logging import get_logger

from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError
from flows.promotion import promotion
from flows.rollback import rollback
from flows.training import training_pipeline

log = get_logger(__name__)

WATCH = 2.0
"""Seconds between looks at params.yaml."""


def deployments(params: Params) -> list[RunnerDeployment]:
    """The three deployments, their forms filled with these values: a form that said None would drop what it is given."""
    values = params.model_dump(mode="json")
    return [
        training_pipeline.to_deployment(name="training-pipeline", parameters={"params": values, "promote": True}),
        promotion.to_deployment(name="promotion", parameters={"params": values}),
        rollback.to_deployment(name="rollback", parameters={"model_name": params.registry.model_name}),
    ]


def follow(path: Path) -> None:
    """Register again whenever params.yaml changes; while it cannot be used, the forms keep their values."""
    seen = path.stat().st_mtime_ns
    while True:
        time.sleep(WATCH)
        now = path.stat().st_mtime_ns if path.exists() else seen
        if now == seen:
            continue
        try:
            for deployment in deployments(load_params(path)):
                deployment.apply()
            log.info("params.yaml changed: the deployments' forms show its values.")
        except UserError as error:
            log.warning("params.yaml changed, but cannot be used: %s", error)
        except HTTPError as error:
            log.warning("The server did not take the new forms, trying again: %s", error)
            continue
        seen = now


def main() -> None:
    """Serve until stopped."""
    path = Path("params.yaml").resolve()
    ready = deployments(load_params(path))
    threading.Thread(target=follow, args=(path,), daemon=True).start()
    serve(*ready, print_starting_message=False)


if __name__ == "__main__":
    main()
