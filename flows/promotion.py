"""The promotion flow: a registered version goes through the gate again, and becomes champion if it passes."""

from prefect import flow

from ecom_llm.params import Params
from ecom_llm.promote.decision import GateDecision
from flows.working import at_work
from tasks.approval import concluded, release
from tasks.model import decide_again, find_version


@flow
def promotion(version: str, params: Params) -> GateDecision:
    """Hold a version against the rules of today and promote it if they approve, and a person where they ask for one.

    Args:
        version: number of a registered version; one that was rolled back or rejected may return this way.
        params: the gate's rules and the model's name, as in params.yaml.
    """
    with at_work():
        candidate = find_version(version, params.registry.model_name)
        decision = decide_again(candidate, params)
        why = release(candidate, decision, params.promote, by_hand=True) if decision.approved else ""
    return concluded(decision, why)
