"""The deployments as prefect.yaml names them, with forms that are filled from params.yaml and sweep.yaml."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from prefect import Flow
from prefect.client.schemas.objects import ConcurrencyLimitConfig
from prefect.deployments.runner import RunnerDeployment
from prefect.logging import get_logger
from prefect.schedules import Cron, Interval, Schedule
from prefect.utilities.templating import apply_values

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params, read_yaml
from ecom_llm.params.space import Sweep, load_sweep
from ecom_llm.records import UserError
from flows.promotion import promotion
from flows.reconcile import reconcile
from flows.rollback import rollback
from flows.server_settings import settle_server
from flows.sweep.flow import sweep
from flows.training import training_pipeline

log = get_logger(__name__)

FLOWS: dict[str, Flow] = {flow.fn.__name__: flow for flow in (training_pipeline, sweep, promotion, rollback, reconcile)}
"""What prefect.yaml's entrypoints may name."""


def values(params: Params, asked: Sweep | None) -> dict[str, object]:
    """What the forms show: a form that said None would drop what it is given.

    `asked` is what sweep.yaml says; without it there is nothing to fill the sweep's form with.
    """
    swept = {"space": Layout.here().sweep.name, "trials": asked.trials, "seed": asked.seed} if asked else {}
    return {"params": params.model_dump(mode="json"), "model_name": params.registry.model_name, **swept}


def asked_of(layout: Layout) -> Sweep | None:
    """What sweep.yaml says; None, with a warning, where it is missing or wrong: trainings and roll-backs do not wait for it."""
    try:
        return load_sweep(layout.sweep)
    except UserError as error:
        log.warning("Sweeps are not served: %s", error)
        return None


def form() -> dict[str, object]:
    """The build step of prefect.yaml: `prefect deploy` fills the forms with what this returns.

    What the deployments need beside them is made on the server, too: limit and automations.
    """
    layout = Layout.here()
    params = load_params(layout.params)
    settle_server(params.runtime.notification_block)
    return values(params, asked_of(layout))


def schedules(entry: Mapping[str, object]) -> list[Schedule]:
    """The schedules of a deployment: cron or, in seconds, interval."""

    def schedule(one: Mapping[str, object]) -> Schedule:
        shared = {"timezone": one.get("timezone"), "active": one.get("active", True)}
        return (
            Interval(timedelta(seconds=one["interval"]), **shared) if "interval" in one else Cron(one["cron"], **shared)
        )

    return [schedule(one) for one in entry.get("schedules", [])]


def limit(entry: Mapping[str, object]) -> ConcurrencyLimitConfig | None:
    """How many runs of a deployment there may be at a time, and what happens to more."""
    asked = entry.get("concurrency_limit")
    return ConcurrencyLimitConfig.model_validate(asked) if asked else None


def flow_of(entry: Mapping[str, object], file: Path) -> Flow:
    """The flow that a deployment's entrypoint names.

    Raises:
        UserError: it is none of ours.
    """
    name = str(entry.get("entrypoint", "")).rpartition(":")[2]
    if name not in FLOWS:
        raise UserError(f"{file}: entrypoint {name!r} is no flow of this project. There are: {', '.join(FLOWS)}.")
    return FLOWS[name]


def deployments(params: Params, asked: Sweep | None, file: Path) -> list[RunnerDeployment]:
    """The deployments that `ecom-llm up` serves, without that of sweeps where `asked` is missing.

    Raises:
        UserError: prefect.yaml cannot be read or names a flow that is not there.
    """
    filled = {"form": values(params, asked)}
    return [
        flow_of(entry, file).to_deployment(
            name=entry["name"],
            parameters=apply_values(entry.get("parameters", {}), filled),
            schedules=schedules(entry),
            concurrency_limit=limit(entry),
        )
        for entry in read_yaml(file).get("deployments", [])
        if asked or flow_of(entry, file) is not sweep
    ]
