"""Letting a model's journal and MLflow agree again, after whatever happened to either."""

from ecom_llm.registry.champions import settle
from ecom_llm.registry.cleaning import finish_removals
from ecom_llm.registry.versions import Registry, answered


@answered
def agree(registry: Registry) -> list[str]:
    """Settle what was begun, finish what was being removed, give the champion its alias back; returns what was mended, in words.

    A journal whose model this store does not know is left alone: it is another store's.
    """
    if not registry.mlflow.search_registered_models(f"name = '{registry.model_name}'", max_results=1):
        return []
    with registry.journal.held():
        mended = [*settle(registry), *finish_removals(registry)]
    return [f"{registry.model_name}: {line}" for line in mended]
