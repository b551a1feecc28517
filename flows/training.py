"""The training flow: snapshot, stages, registration, gate, promotion."""

from pathlib import Path

from prefect import flow

from ecom_llm.params import Params
from ecom_llm.promote.decision import GateDecision
from ecom_llm.registry import Version
from flows.working import at_work
from tasks.approval import concluded, release
from tasks.model import decide_promotion, register_candidate
from tasks.reproduce import reproduce
from tasks.trainings import train_by_other_seeds
from tasks.workspace import open_workspace

STAGES = ("collect", "prepare", "train", "evaluate")
"""The order in which the flow visits dvc.yaml's stages; DVC alone decides which have work to do."""


@flow
def training_pipeline(params: Params, promote: bool = True) -> GateDecision:
    """Train on a snapshot of the checkout, register the result, and promote it if the gate approves.

    A refused promotion is a completed run whose decision says `approved: false`; one that a person withheld says so in its state.

    Args:
        params: every value of params.yaml, as this run is to use it.
        promote: whether an approved candidate becomes champion.
    """
    with at_work():
        decision, candidate = train_and_judge(params, Path.cwd())
        # after the workspace is closed: a person may take days to approve
        why = release(candidate, decision, params.promote) if promote and decision.approved else ""
    return concluded(decision, why)


def train_and_judge(params: Params, checkout: Path) -> tuple[GateDecision, Version]:
    """What comes before promotion, also for the best trial of a sweep, whose checkout is a worktree."""
    with open_workspace(params, checkout) as workspace:
        for stage in STAGES:
            reproduce(stage, workspace)
        candidate = train_by_other_seeds(register_candidate(workspace), workspace)
        decision = decide_promotion(candidate, workspace)
    return decision, candidate
