"""The promotion flow: a registered version goes through the gate again, and becomes champion if it passes."""

from prefect import flow

from ecom_llm.params import Params
from ecom_llm.promote.decision import GateDecision
from flows.working import at_work
from tasks.model import decide_again, find_version, promote_to_champion


@flow
def promotion(version: str, params: Params) -> GateDecision:
    """Hold a version against the rules of today and promote it if they approve.

    Args:
        version: number of a registered version; one that was rolled back may return this way.
        params: the gate's rules and the model's name, as in params.yaml.
    """
    with at_work():
        candidate = find_version(version, params.registry.model_name)
        decision = decide_again(candidate, params)
        if decision.approved:
            promote_to_champion(candidate, by_hand=True)
    return decision
