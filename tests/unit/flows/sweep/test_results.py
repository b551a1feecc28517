"""What is read of a sweep: the table, the gain over the params' own values, and the failures."""

from flows.sweep.results import as_csv, gain, lines, settings
from tasks.study import Outcome, Trial


def trial(number: int, rate: float, loss: float | None) -> Trial:
    outcome = None if loss is None else Outcome(objective=loss, step=40, run_id="r")
    values = {"train.learning_rate": rate, "train.num_hidden_layers": 2}
    return Trial(
        number=number, values=values, outcome=outcome, reason="" if outcome else "no, it\ndiverged", seconds=9.6
    )


TRIALS = [trial(0, 0.004, 2.5), trial(1, 0.00512345678, 2.0), trial(2, 0.5, None)]


def test_the_table_has_a_line_per_trial_and_a_star():
    assert lines(TRIALS, TRIALS[1]) == [
        ["0", "0.004", "2", "40", "2.5000", "10 s"],
        ["1 *", "0.005123", "2", "40", "2.0000", "10 s"],
        ["2", "0.5", "2", "-", "failed", "10 s"],
    ]


def test_the_gain_is_told_against_the_params_own_values():
    assert gain(TRIALS, TRIALS[1]).startswith("Trial 1 is 0.5000 (20.0%) below trial 0")
    assert gain(TRIALS, TRIALS[0]) == "No trial is better than trial 0, the values of params.yaml."
    assert "has no result to compare with" in gain([trial(0, 1, None), TRIALS[1]], TRIALS[1])


def test_values_keep_every_digit_where_they_are_used_again():
    assert settings(TRIALS[1]) == "--set train.learning_rate=0.00512345678 --set train.num_hidden_layers=2"
    assert '2,0.5,2,,,9.6,"no, it\ndiverged"\n' in as_csv(TRIALS)
