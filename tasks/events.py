"""Events by which Prefect's automations, and whoever follows its event feed, learn of the champion."""

import os
import sys

from ecom_llm.registry import Version
from ecom_llm.registry.journal import here

PROMOTED = "ecom-llm.champion.promoted"
ROLLED_BACK = "ecom-llm.champion.rolled-back"


def tell_champion(event: str, version: Version, instead_of: str | None, approved_by: str = "") -> None:
    """Tell of a new champion: the model, the version, the one before, and by whom.

    Outside of a run the Prefect server in use is told; where none is, nobody.

    Args:
        event: PROMOTED or ROLLED_BACK.
        instead_of: the champion's number before; None where there was none.
        approved_by: the name that a person gave, where one approved.
    """
    if not os.environ.get("PREFECT_API_URL") and not in_run():  # Prefect would start a server for it
        return
    from prefect.events import emit_event

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


def in_run() -> bool:
    """Whether a flow or a task of Prefect's runs here; where it was not even loaded, that is not done for this: it takes seconds."""
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext, TaskRunContext

    return bool(FlowRunContext.get() or TaskRunContext.get())
