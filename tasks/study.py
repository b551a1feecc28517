"""The study of a sweep: Optuna proposes values, what came of them lies in SQLite, and a killed sweep goes on there.

Optuna is imported inside functions: a command that sweeps nothing should not pay for it.
"""

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.params.space import Distribution, Range, Scalar, Sweep, Values
from ecom_llm.records import Record, UserError
from tasks import git
from tasks.holds import hold, is_held
from tasks.workspace import Workspace, run_logger

if TYPE_CHECKING:
    import optuna
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler
    from optuna.trial import FrozenTrial


class Outcome(Record):
    """What a trial came to."""

    objective: float
    """Validation loss of the model it made, in nats per completion token; less is better."""
    step: int
    """Optimizer step of that loss."""
    run_id: str
    """The trial's MLflow run."""


class FailedTrial(Exception):
    """A trial has no outcome; the message says why."""

    def __init__(self, reason: str, refused: bool) -> None:
        """With the reason, and whether it lies in the trial's values: the sampler then stays away from them."""
        super().__init__(reason)
        self.refused = refused


class Trial(Record):
    """A trial that came to its end, with a result or without one."""

    number: int
    """From 0, which has the values of params.yaml."""
    values: dict[str, Scalar]
    outcome: Outcome | None
    reason: str
    """Why there is no outcome."""
    seconds: float
    """Wall time; what DVC's cache knew takes seconds."""


@dataclass(frozen=True)
class Study:
    """A sweep's study, held by this process alone."""

    name: str
    optuna: "optuna.Study"
    sweep: Sweep
    picture: Path
    """Where its optimisation history is drawn."""
    crashed: set[int] = field(default_factory=set)
    """Optuna's numbers of the trials that crashed in this process: they count here, and are tried again by the next."""

    def trials(self) -> list[Trial]:
        """The trials that came to their end, by number; a crash before this process does not count, it is tried again."""
        ended = [
            one for one in self.optuna.trials if one.state.name in ("COMPLETE", "PRUNED") or one.number in self.crashed
        ]
        return sorted((as_trial(one) for one in ended), key=lambda trial: trial.number)

    def best(self) -> Trial:
        """The trial of the lowest objective, the earlier of equal ones.

        Raises:
            UserError: no trial has an objective.
        """
        trials = self.trials()
        good = [trial for trial in trials if trial.outcome is not None]
        if not good:
            raise UserError(
                f"all {len(trials)} trials failed. Trial 0, with the values of params.yaml: {trials[0].reason}"
            )
        return min(good, key=lambda trial: trial.outcome.objective)

    def optimize(self, attempt: Callable[[int, Values], Outcome], trials: int) -> None:
        """Try values until there are so many trials; one that fails is said and counted, and the next begins.

        Args:
            attempt: trains with a trial's number and values, or raises FailedTrial; whatever else it raises ends the sweep.
            trials: those of earlier processes included.
        """
        from optuna.trial import TrialState

        distributions = {name: as_optuna(one) for name, one in self.sweep.space.items()}
        while missing := set(range(trials)) - {trial.number for trial in self.trials()}:
            number = min(missing)
            self.optuna.sampler = sampler(self.sweep.seed, number)
            trial = self.optuna.ask(distributions)
            trial.set_user_attr("number", number)
            try:
                outcome = attempt(number, trial.params)
            except FailedTrial as error:
                run_logger().warning("Trial %d has no result: %s", number, error)
                trial.set_user_attr("reason", str(error))
                if not error.refused:
                    self.crashed.add(trial.number)
                self.optuna.tell(trial, state=TrialState.PRUNED if error.refused else TrialState.FAIL)
            else:
                trial.set_user_attr("outcome", outcome.model_dump())
                self.optuna.tell(trial, outcome.objective)

    def take_up(self, own: Values) -> None:
        """Begin with the params' own values, or go on: what a kill or a crash ended is tried again, with the same values."""
        from optuna.trial import TrialState

        for lost in self.optuna.get_trials(states=(TrialState.RUNNING,)):
            self.optuna.tell(lost.number, state=TrialState.FAIL)
        found = [one for one in self.optuna.trials if "number" in one.user_attrs]
        settled = {one.user_attrs["number"] for one in found if one.state != TrialState.FAIL}
        whole = (one for one in found if len(one.params) == len(self.sweep.space))  # a kill may fall into the drawing
        failed = {one.user_attrs["number"]: one.params for one in whole if one.state == TrialState.FAIL}
        again = {number: values for number, values in failed.items() if number not in settled}
        for number, values in sorted(again.items() if 0 in settled else ({0: own} | again).items()):
            self.optuna.enqueue_trial(values, user_attrs={"number": number})
        if again:
            run_logger().info(
                "The sweep %s goes on; tried again: trial %s.", self.name, ", ".join(map(str, sorted(again)))
            )

    def draw(self) -> Path:
        """Draw the optimisation history, a picture of each trial and the best so far."""
        import matplotlib as mpl
        from matplotlib import pyplot
        from matplotlib.ticker import MaxNLocator
        from optuna.visualization.matplotlib import plot_optimization_history

        mpl.use("Agg")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the drawing is experimental is no business of the user
            axes = plot_optimization_history(self.optuna, target_name="Validation loss")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.figure.set_size_inches(8, 4.5)
        self.picture.parent.mkdir(parents=True, exist_ok=True)
        axes.figure.savefig(self.picture, dpi=110, bbox_inches="tight")
        pyplot.close(axes.figure)
        return self.picture


def as_trial(found: "FrozenTrial") -> Trial:
    """What is to be known of it."""
    attributes = found.user_attrs
    return Trial(
        number=attributes["number"],
        values=found.params,
        outcome=Outcome.model_validate(attributes["outcome"]) if "outcome" in attributes else None,
        reason=attributes.get("reason", ""),
        seconds=(found.duration or timedelta()).total_seconds(),
    )


def as_optuna(one: Distribution) -> "BaseDistribution":
    """The distribution as Optuna has it."""
    from optuna import distributions

    if not isinstance(one, Range):
        return distributions.CategoricalDistribution(one.choices)
    if one.distribution == "float":
        return distributions.FloatDistribution(one.low, one.high, log=one.log, step=one.step)
    return distributions.IntDistribution(int(one.low), int(one.high), log=one.log, step=int(one.step or 1))


def sampler(seed: int, number: int) -> "BaseSampler":
    """The sampler for one trial, whose draws depend on the seed, its number and the trials before alone.

    One sampler for the whole sweep would draw anew from its first number after a kill: what a sweep tries would depend on
    where it was interrupted.
    """
    import numpy as np
    from optuna.samplers import TPESampler

    return TPESampler(seed=int(np.random.SeedSequence([seed, number]).generate_state(1)[0]))


def study_name(base: Workspace, params: Params, sweep: Sweep) -> str:
    """The name of a study, equal where trials can be compared: the same examples, code, params, space and seed."""
    stage = yaml.safe_load(base.layout.lock.read_text(encoding="utf-8"))["stages"]["prepare"]
    rests_on = {
        "examples": [out for out in stage["outs"] if out["path"] == str(base.layout.prepared.relative_to(base.path))],
        "code": git.git("rev-parse", f"{base.commit}:ecom_llm", cwd=base.path),
        "train": params.train.model_dump(mode="json"),
        "space": sweep.model_dump(mode="json", exclude={"trials"}),
    }
    key = hashlib.sha256(json.dumps(rests_on, sort_keys=True).encode()).hexdigest()
    return f"{params.registry.model_name}-{key[:10]}"


@contextmanager
def open_study(base: Workspace, params: Params, sweep: Sweep, own: Values) -> Iterator[Study]:
    """The study in the state folder that these trials belong to: a new one, or one that goes on; see `taken_up`."""
    with taken_up(base.layout, study_name(base, params, sweep), sweep, own) as study:
        yield study


@contextmanager
def taken_up(layout: Layout, name: str, sweep: Sweep, own: Values) -> Iterator[Study]:
    """The study of that name, held while the block lasts.

    Raises:
        UserError: another process is at work on it.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    lock = layout.sweeps / f"{name}.lock"
    if is_held(lock):
        raise UserError(f"{name}: this sweep runs already. Wait for it, or change its seed or space: docs/sweeps.md.")
    with hold(lock):
        found = study_in(f"sqlite:///{layout.sweeps / 'optuna.db'}", name)
        study = Study(name, found, sweep, layout.pages / f"sweep-{name}.png")
        study.take_up(own)
        yield study


def study_in(storage: str, name: str) -> "optuna.Study":
    """Optuna's study; one without a single result begins anew, for what its trials failed by may have been mended."""
    import optuna
    from optuna.trial import TrialState

    def found() -> "optuna.Study":
        pruner = optuna.pruners.NopPruner()  # a stage is a process of its own, which tells its losses at its end
        return optuna.create_study(
            storage=storage, study_name=name, direction="minimize", pruner=pruner, load_if_exists=True
        )

    study = found()
    if study.trials and not study.get_trials(states=(TrialState.COMPLETE,)):
        optuna.delete_study(study_name=name, storage=storage)
        return found()
    return study
