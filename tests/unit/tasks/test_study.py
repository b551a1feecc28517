"""A sweep's study: its draws depend on nothing but seed, number and results, however often it is killed."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from ecom_llm.params.space import Sweep, Values
from ecom_llm.records import UserError
from tasks.study import FailedTrial, Outcome, Study, taken_up

SWEEP = Sweep.model_validate(
    {
        "trials": 5,
        "seed": 7,
        "space": {
            "train.learning_rate": {"distribution": "float", "low": 0.001, "high": 0.1, "log": True},
            "train.num_hidden_layers": {"distribution": "int", "low": 1, "high": 9, "step": 2},
            "train.lr_scheduler_type": {"distribution": "categorical", "choices": ["linear", "cosine"]},
        },
    }
)
OWN: Values = {"train.learning_rate": 0.004, "train.num_hidden_layers": 3, "train.lr_scheduler_type": "cosine"}
TRIALS = 12
"""More than the ten that TPE draws at random before it learns."""


class Killed(BaseException):
    """Like a signal: no handler of exceptions sees it."""


def loss(values: Values) -> float:
    return abs(values["train.learning_rate"] - 0.02) * 100 + values["train.num_hidden_layers"]


def measured(number: int, values: Values) -> Outcome:
    return Outcome(objective=loss(values), step=number, run_id=f"run{number}")


def killed_at(*numbers: int) -> Callable[[int, Values], Outcome]:
    def attempt(number: int, values: Values) -> Outcome:
        if number in numbers:
            raise Killed
        return measured(number, values)

    return attempt


def swept(folder: Path, attempt: Callable[[int, Values], Outcome] = measured, trials: int = TRIALS) -> list[tuple]:
    """(number, values, objective) of a sweep."""
    with taken_up(Layout(folder, folder), "shop-1", SWEEP, OWN) as study:
        study.optimize(attempt, trials)
        return [(one.number, one.values, one.outcome and one.outcome.objective) for one in study.trials()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> list[tuple]:
    """A sweep that nothing interrupts."""
    return swept(tmp_path_factory.mktemp("whole"))


def test_the_first_trial_has_the_params_own_values(whole):
    assert whole[0] == (0, OWN, pytest.approx(loss(OWN)))
    assert [number for number, _, _ in whole] == list(range(TRIALS))
    assert len({values["train.learning_rate"] for _, values, _ in whole}) == TRIALS


@pytest.mark.parametrize("at", [0, 3, 11])
def test_a_killed_sweep_goes_on_to_the_same_trials(tmp_path, whole, at):
    with pytest.raises(Killed):
        swept(tmp_path, killed_at(at))
    with pytest.raises(Killed):
        swept(tmp_path, killed_at(at))  # once more, in the trial that is tried again
    tried: list[int] = []

    def noted(number: int, values: Values) -> Outcome:
        tried.append(number)
        return measured(number, values)

    assert swept(tmp_path, noted) == whole
    assert tried == list(range(at, TRIALS)), "what had its result is not tried again"


def test_more_trials_are_added_to_those_there_are(tmp_path, whole):
    assert swept(tmp_path, trials=2) == whole[:2]
    assert swept(tmp_path, killed_at(0, 1), trials=4) == whole[:4]
    assert swept(tmp_path, killed_at(0, 1, 2, 3), trials=1) == whole[:4]


def refusing(*numbers: int, refused: bool) -> Callable[[int, Values], Outcome]:
    def attempt(number: int, values: Values) -> Outcome:
        if number in numbers:
            raise FailedTrial(f"trial {number} cannot be", refused)
        return measured(number, values)

    return attempt


def test_a_trial_that_fails_is_counted_and_the_next_begins(tmp_path):
    with taken_up(Layout(tmp_path, tmp_path), "shop-1", SWEEP, OWN) as study:
        study.optimize(refusing(1, refused=True), 3)
        assert [(one.number, one.reason) for one in study.trials()] == [(0, ""), (1, "trial 1 cannot be"), (2, "")]
        assert study.best().number in (0, 2)


def test_what_crashes_again_is_listed_once(tmp_path, whole):
    swept(tmp_path, refusing(1, refused=False), 3)
    with taken_up(Layout(tmp_path, tmp_path), "shop-1", SWEEP, OWN):
        pass  # killed before it tried anything
    assert [number for number, _, _ in swept(tmp_path, refusing(1, refused=False), 3)] == [0, 1, 2]
    again = swept(tmp_path, killed_at(0, 2), 3)
    assert [number for number, _, _ in again] == [0, 1, 2]
    assert again[:2] == whole[:2]


def test_a_crash_is_tried_again_by_the_next_sweep_a_refusal_is_not(tmp_path, whole):
    swept(tmp_path, refusing(1, refused=False), 3)
    again = swept(tmp_path, killed_at(0, 2), 3)
    assert again[1] == whole[1]
    assert all(outcome is not None for _, _, outcome in again)
    other = tmp_path / "other"
    first = swept(other, refusing(1, refused=True), 3)
    assert swept(other, killed_at(0, 1, 2), 3) == first
    assert first[1][2] is None


def test_where_all_failed_that_is_an_error_and_all_are_tried_again(tmp_path):
    with taken_up(Layout(tmp_path, tmp_path), "shop-1", SWEEP, OWN) as study:
        study.optimize(refusing(0, 1, refused=True), 2)
        with pytest.raises(UserError, match=r"all 2 trials failed\. Trial 0, .*: trial 0 cannot be"):
            study.best()
    assert all(outcome is not None for _, _, outcome in swept(tmp_path, trials=2))


def test_two_at_once_on_one_study_are_refused(tmp_path):
    layout = Layout(tmp_path, tmp_path)
    with (
        taken_up(layout, "shop-1", SWEEP, OWN),
        pytest.raises(UserError, match="shop-1: this sweep runs already"),
        taken_up(layout, "shop-1", SWEEP, OWN),
    ):
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_history_is_a_picture(tmp_path):
    with taken_up(Layout(tmp_path, tmp_path), "shop-1", SWEEP, OWN) as study:
        study.optimize(refusing(1, refused=True), 3)
        assert study.draw().read_bytes().startswith(b"\x89PNG")
    assert isinstance(study, Study)
