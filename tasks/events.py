"""Events by which Prefect's automations, and whoever follows its event feed, learn of the champion."""

from prefect.context import get_run_context
from prefect.events import emit_event
from prefect.exceptions import MissingContextError

from ecom_llm.registry import Version
from ecom_llm.registry.journal import here

PROMOTED = "ecom-llm.champion.promoted"
ROLLED_BACK = "ecom-llm.champion.rolled-back"


def tell_champion(event: str, version: Version, instead_of: str | None, approved_by: str = "") -> None:
    """Tell of a new champion: the model, the version, the one before, and by whom; outside of a run nobody is told.

    Args:
        event: PROMOTED or ROLLED_BACK.
        instead_of: the champion's number before; None where there was none.
        approved_by: the name that a person gave, where one approved.
    """
    try:
        get_run_context()
    except MissingContextError:
        return
    emit_event(
        event,
        resource={
            "prefect.resource.id": f"ecom-llm.model.{version.model_name}",
            "prefect.resource.name": version.model_name,
        },
        payload={
            "model": version.model_name,
            "version": version.number,
            "instead_of": instead_of or "",
            "by": here(),
            "approved_by": approved_by,
        },
    )
