"""What a person reads of a sweep: its table, how much the best trial gains, and how to keep its values."""

import csv
import io
from collections.abc import Sequence

from ecom_llm.promote.decision import GateDecision
from ecom_llm.records import Record
from flows.summary import table
from tasks.study import Trial


class SweepResult(Record):
    """What a sweep came to."""

    name: str
    """Of Optuna's study and MLflow's run."""
    trials: tuple[Trial, ...]
    best: Trial
    decision: GateDecision
    picture: str
    """Path of the optimisation history."""


HEAD = ("step", "validation loss", "time")


def cells(trial: Trial) -> list[str]:
    """Values, step, loss and time of a trial, as text."""
    outcome = trial.outcome
    measured = ("-", "failed") if outcome is None else (str(outcome.step), f"{outcome.objective:.4f}")
    return [*(short(value) for value in trial.values.values()), *measured, f"{trial.seconds:.0f} s"]


def short(value: object) -> str:
    """A value in few digits: Optuna draws all of a float's."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def rows(trials: Sequence[Trial], best: Trial) -> list[dict[str, str]]:
    """The table as Prefect takes it: a mapping per trial."""
    return [dict(zip(head(trials), line, strict=True)) for line in lines(trials, best)]


def head(trials: Sequence[Trial]) -> list[str]:
    """Names of the columns."""
    return ["trial", *trials[0].values, *HEAD]


def lines(trials: Sequence[Trial], best: Trial) -> list[list[str]]:
    """A line per trial; the best has a star."""
    return [[f"{trial.number}{' *' if trial.number == best.number else ''}", *cells(trial)] for trial in trials]


def as_csv(trials: Sequence[Trial]) -> str:
    """The trials with every digit, for whoever computes on."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", *trials[0].values, "step", "objective", "seconds", "reason"])
    for trial in trials:
        measured = [trial.outcome.step, trial.outcome.objective] if trial.outcome else ["", ""]
        writer.writerow([trial.number, *trial.values.values(), *measured, f"{trial.seconds:.1f}", trial.reason])
    return text.getvalue()


def gain(trials: Sequence[Trial], best: Trial) -> str:
    """How far the best is below the values of params.yaml."""
    first = trials[0].outcome
    if first is None:
        return "Trial 0, with the values of params.yaml, has no result to compare with."
    if best.number == 0:
        return "No trial is better than trial 0, the values of params.yaml."
    less = first.objective - best.outcome.objective
    return f"Trial {best.number} is {less:.4f} ({less / first.objective:.1%}) below trial 0, the values of params.yaml."


def settings(best: Trial) -> str:
    """The values as options of `ecom-llm run`."""
    return " ".join(f"--set {name}={value}" for name, value in best.values.items())


def report(result: SweepResult) -> str:
    """Table, gain, failures, and what is next."""
    failures = [f"Trial {trial.number} failed: {trial.reason}" for trial in result.trials if trial.outcome is None]
    return "\n\n".join(
        [
            table(head(result.trials), lines(result.trials, result.best)),
            "\n".join([gain(result.trials, result.best), *failures]),
            f"Validation loss: nats per learned token. To keep the values, put them into params.yaml, or:\n"
            f"  {settings(result.best)}",
            f"The optimisation history:\n  {result.picture}",
        ]
    )
