"""The approval flow: what a person says on the command line of a version that the gate approved."""

from prefect import flow

from ecom_llm.params import Params
from ecom_llm.promote.decision import rules_key
from ecom_llm.records import UserError
from ecom_llm.registry import Version
from ecom_llm.registry.approvals import Answer
from flows.working import at_work
from tasks.approval import keep_answer
from tasks.model import find_version, promote_to_champion


@flow
def approval(version: str, answer: Answer, params: Params) -> Version:
    """Write a person's answer into the journal, and make the version champion if it was approved.

    Args:
        version: number of a registered version, as the gate approved it.
        answer: who says what.
        params: the gate's rules and the model's name, as in params.yaml.

    Raises:
        UserError: the word no longer counts, or the version was approved and failed its smoke test.
    """
    with at_work():
        candidate = find_version(version, params.registry.model_name)
        decided = keep_answer(candidate, answer, rules_key(params.promote))
        compared_with = candidate.tags.get("compared_with", "")
        if answer.approved and (why := promote_to_champion(candidate, True, compared_with, decided, word=True)):
            raise UserError(why)
    return candidate
