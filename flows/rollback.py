"""The rollback flow: the shop gets its previous champion back."""

import os

from prefect import flow

from ecom_llm.registry import Version
from flows.working import at_work, beginning_flows
from tasks.model import rollback_champion


@flow
def rollback(model_name: str, to: str = "") -> Version:
    """Give the alias `champion` back to the version before and return that; a second rollback goes further back.

    Args:
        model_name: registered model, as `registry.model_name` in params.yaml.
        to: number of an earlier champion to go back to; empty for the one before.
    """
    with at_work():
        _, champion = rollback_champion(model_name, to or None)
    return champion


def roll_back_at_once(model_name: str, to: str = "") -> Version:
    """The same as a flow where a Prefect server stands, and as no flow where one would have to be started first.

    That takes longer than a shop with a bad model should wait; the journal tells of the roll-back either way.
    """
    if os.environ.get("PREFECT_API_URL"):
        with beginning_flows():
            return rollback(model_name, to)
    _, champion = rollback_champion.fn(model_name, to or None)
    return champion
