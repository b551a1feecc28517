"""Trainings by other seeds: the candidate's snapshot with another `train.seed`, in worktrees of their own."""

import yaml

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, open_registry
from tasks.logs import run_logger
from tasks.reproduce import reproduce
from tasks.workspace import Workspace, open_snapshot


def other_seeds(params: Params) -> range:
    """The seeds that follow the candidate's own, as many as `promote.trainings` asks for beside it."""
    return range(params.train.seed + 1, params.train.seed + params.promote.trainings)


def with_seed(params: Params, seed: int) -> Params:
    """The same params with another `train.seed`."""
    return params.model_copy(update={"train": params.train.model_copy(update={"seed": seed})})


def rests_on(layout: Layout) -> dict[str, dict[str, object]]:
    """What dvc.lock says that stages ran on, less what follows from `train.seed`: the seed, the model, and all outs."""
    stages = yaml.safe_load(layout.lock.read_text(encoding="utf-8"))["stages"]
    del stages["train"]["params"]["params.yaml"]["train"]["seed"]
    model = str(layout.model.relative_to(layout.workspace))
    return {
        name: {"params": stage["params"], "deps": [one for one in stage["deps"] if one["path"] != model]}
        for name, stage in stages.items()
    }


def train_by_other_seeds(candidate: Version, workspace: Workspace) -> Version:
    """Train and evaluate what `promote.trainings` asks for and the version lacks; returns the version with it.

    They become no versions: only their outputs are kept, with the candidate's. A run that was killed finds those that
    ended with the version or in DVC's cache, and goes on with the others.

    Raises:
        UserError: a training failed by the user's values or data; names the seed.
        StageError: it failed otherwise.
    """
    params = load_params(workspace.layout.params)
    missing = [seed for seed in other_seeds(params) if seed not in candidate.seeds]
    if missing:
        registry = open_registry(candidate.model_name, workspace.layout)
        seeds = ", ".join(str(seed) for seed in missing)
        run_logger().info("promote.trainings=%d: training by train.seed %s too.", params.promote.trainings, seeds)
        for seed in missing:
            candidate = train_by(seed, params, workspace, registry, candidate)
    return candidate


def train_by(seed: int, params: Params, workspace: Workspace, registry: Registry, candidate: Version) -> Version:
    """One training; nothing of it is brought back, nor kept as an experiment."""
    with open_snapshot(with_seed(params, seed), workspace.path) as (own, _):
        try:
            for stage in ("train", "evaluate"):
                reproduce.with_options(task_run_name=f"{stage}, seed {seed}")(stage, own)
        except UserError as error:
            raise UserError(
                f"train.seed={seed}, which promote.trainings asks for beside the run's own: {error}"
            ) from error
        if rests_on(own.layout) != rests_on(workspace.layout):
            raise UserError(
                f"train.seed={seed}: its training rests on other data than the candidate's, so they differ by more than "
                "their seed. What collect.location names changed meanwhile; run again."
            )
        return registry.keep_training(candidate, seed, own.layout)
