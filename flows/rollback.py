"""The rollback flow: the shop gets its previous champion back."""

from prefect import flow

from ecom_llm.registry import Version
from flows.working import at_work
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
