"""The sweep's flow: trials on one snapshot of the checkout; the best is registered, judged and promoted like any run."""

from pathlib import Path
from typing import Annotated

import yaml
from prefect import flow
from pydantic import Field

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.params.space import Sweep, Values, load_sweep, own_values, with_values
from ecom_llm.registry import SweepRuns, Version, open_registry, open_sweep_runs
from flows.sweep.results import SweepResult, as_csv, rows
from flows.training import train_and_judge
from flows.working import at_work
from tasks.approval import concluded, release
from tasks.artifacts import publish_trials
from tasks.curves import noted
from tasks.reproduce import reproduce
from tasks.study import Study, open_study
from tasks.trial import run_trial
from tasks.workspace import open_base


@flow
def sweep(
    params: Params,
    space: str,
    trials: Annotated[int, Field(ge=1)],
    seed: Annotated[int, Field(ge=0)],
    promote: bool = True,
) -> SweepResult:
    """Train with several values of some parameters; register the best, and promote it if the gate approves.

    A sweep that was interrupted goes on where it stopped, as long as data, code, params, space and seed are the same.

    Args:
        params: every value of params.yaml; the first trial takes them as they are.
        space: file that says which parameters vary and how, such as sweep.yaml.
        trials: how many trainings, those of an interrupted sweep included.
        seed: of Optuna's sampler.
        promote: whether the best becomes champion if the gate approves.
    """
    asked = load_sweep(Path(space)).model_copy(update={"trials": trials, "seed": seed})
    own = own_values(params, asked, Path(space))
    with at_work():
        result, version = swept(params, asked, own)
        # after the base is closed: a person may take days to approve
        approved = promote and result.decision.approved
        why = release(version, result.decision, params.promote) if approved else ""
    return concluded(result, why)


def swept(params: Params, asked: Sweep, own: Values) -> tuple[SweepResult, Version]:
    """Every trial, and the registered and judged best of them."""
    registry = open_registry(params.registry.model_name, Layout.here())
    with open_base(params, Path.cwd()) as base:
        params = load_params(base.layout.params)  # its paths lead back to the checkout
        reproduce("prepare", base)  # with what comes before it: no trial varies these stages
        with (
            open_study(base, params, asked, own) as study,
            noted(base),
            open_sweep_runs(registry, study.name, base.path.name) as runs,
        ):
            study.optimize(lambda number, values: run_trial(number, values, params, base, runs), asked.trials)
            show(study, runs)
            best = study.best()
            decision, version = train_and_judge(with_values(params, best.values), base.path)
            runs.link(best.outcome.run_id, version)
            result = SweepResult(
                name=study.name,
                trials=tuple(study.trials()),
                best=best,
                decision=decision,
                picture=str(study.picture),
            )
    return result, version


def show(study: Study, runs: SweepRuns) -> None:
    """The table and the optimisation history, in Prefect and with the sweep's run in MLflow."""
    trials, best = study.trials(), study.best()
    publish_trials(rows(trials, best), study.name)
    space = yaml.safe_dump(study.sweep.model_dump(mode="json", exclude_none=True), sort_keys=False)
    texts = {"trials.csv": as_csv(trials), "sweep.yaml": space}
    runs.log_results(best.outcome.run_id, best.outcome.objective, texts, study.draw())
