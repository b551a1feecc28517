"""One trial of a sweep: a snapshot of its own, trained but not evaluated, with an MLflow run nested in the sweep's."""

from ecom_llm.layout import Layout
from ecom_llm.params import Params, Train
from ecom_llm.params.space import Values, with_values
from ecom_llm.records import UserError
from ecom_llm.registry import SweepRuns, curve_points
from tasks.dvc import StageError
from tasks.reproduce import reproduce
from tasks.study import FailedTrial, Outcome
from tasks.workspace import Workspace, open_snapshot


def validation_loss(layout: Layout, train: Train) -> tuple[float, int]:
    """(validation loss, step) of the model that a training made: its best checkpoint's, or its last.

    Of the validation split, never of the test split: the gate judges by that, and what chose the model cannot be evidence
    for it.
    """
    losses = [(value, step) for name, value, step in curve_points(layout.curve) if name == "eval_loss"]
    return min(losses) if train.load_best_model_at_end else losses[-1]


def run_trial(number: int, values: Values, params: Params, base: Workspace, runs: SweepRuns) -> Outcome:
    """Train on a snapshot of the sweep's base with a trial's values.

    Raises:
        FailedTrial: the values do not go together, or training failed.
    """
    with runs.trial(number, values) as run_id:
        try:
            tried = with_values(params, values)
        except UserError as error:
            raise FailedTrial(str(error), refused=True) from error
        # nothing is brought back, nor kept as an experiment: without an evaluation DVC would refuse to
        with open_snapshot(tried, base.path) as (workspace, _):
            runs.describe(run_id, tried, workspace.commit, workspace.layout.workspace.name)
            train(number, workspace)
            objective, step = validation_loss(workspace.layout, tried.train)
            runs.log_outcome(run_id, objective, workspace.layout.curve)
    return Outcome(objective=objective, step=step, run_id=run_id)


def train(number: int, workspace: Workspace) -> None:
    """Bring the workspace's model up to date, evaluating nothing.

    Raises:
        FailedTrial: training failed, by a mistake in the values (a loss that diverges is one) or otherwise.
    """
    try:
        reproduce.with_options(task_run_name=f"train, trial {number}")("train", workspace)
    except (UserError, StageError) as error:
        raise FailedTrial(str(error), refused=isinstance(error, UserError)) from error
