"""The command `ecom-llm sweep`."""

from pathlib import Path

from flows.entering import RecipeOption, Settings, enter, require_servers


def sweep(
    *,
    trials: int | None = None,
    space: Path | None = None,
    seed: int | None = None,
    recipe: RecipeOption = None,
    set_: Settings = (),
    promote: bool = True,
) -> None:
    """Train with several values of some parameters; the best is registered, judged and promoted like any run.

    What varies stands in sweep.yaml. The first trial takes the values of params.yaml, so the gain over them is seen. Trials
    are compared by validation loss. A sweep that was interrupted goes on where it stopped.

    For example:

        ecom-llm sweep
        ecom-llm sweep --trials 6 --recipe recipes/tiny.yaml --no-promote
        ecom-llm sweep --space my-sweep.yaml --seed 2

    Parameters
    ----------
    trials
        How many trainings, those of an interrupted sweep included; without it as sweep.yaml says.
    space
        File that says which parameters vary and how; without it sweep.yaml.
    seed
        Seed of Optuna's sampler; without it that of the file.
    recipe
        YAML file laid over params.yaml for every trial.
    set_
        One value for every trial, `section.key=value`; may be repeated. Digits step into lists.
    promote
        Whether the best becomes champion if the gate approves.
    """
    from ecom_llm.params.space import load_sweep, own_values
    from ecom_llm.records import UserError
    from tasks.git import require_repository

    given = space.resolve() if space is not None else None
    layout, params = enter(recipe, set_)
    file = given or layout.sweep
    asked = load_sweep(file)
    own_values(params, asked, file)  # said before the servers start
    chosen = {"trials": asked.trials if trials is None else trials, "seed": asked.seed if seed is None else seed}
    if chosen["trials"] < 1 or chosen["seed"] < 0:
        raise UserError(
            f"--trials {chosen['trials']} --seed {chosen['seed']}: at least one trial, and no seed below 0."
        )
    require_repository(layout.workspace)
    require_servers(layout, params)
    from flows.summary import told
    from flows.sweep.results import report
    from flows.working import at_work, beginning_flows, mend_first

    with at_work():
        mend_first(layout)
        from flows.sweep.flow import sweep as sweep_flow

        with beginning_flows():
            result = sweep_flow(params, space=str(file), promote=promote, **chosen)
    print(f"\n{told(result.decision, layout, recipe)}\n\n{report(result)}")
