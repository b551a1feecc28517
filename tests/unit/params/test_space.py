"""A sweep's file: what it may say, and one clear sentence for each mistake."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.params import Params, Train, load_params
from ecom_llm.params.space import VARIED, Sweep, checked, load_sweep, own_values, with_values
from ecom_llm.records import UserError

REPO = Path(__file__).parents[3]
PARAMS = load_params(REPO / "params.yaml")


def written(folder: Path, space: object, **others: object) -> Path:
    path = folder / "my-sweep.yaml"
    path.write_text(yaml.safe_dump({"trials": 3, "seed": 1, "space": space} | others, sort_keys=False))
    return path


def test_the_file_that_is_shipped_fits_the_params_that_are():
    sweep = load_sweep(REPO / "sweep.yaml")
    own = own_values(PARAMS, sweep, Path("sweep.yaml"))
    assert own == {name: getattr(PARAMS.train, name.removeprefix("train.")) for name in sweep.space}
    assert with_values(PARAMS, own) == PARAMS


def test_every_field_that_may_vary_is_one_of_train():
    assert set(VARIED) <= set(Train.model_fields)
    # what makes losses incomparable, by other texts or other tokens, is not among them
    assert not {"seed", "eval_examples", "max_length", "vocab_size", "slots", "init", "base_model"} & set(VARIED)


def test_choices_are_taken_as_the_field_has_them(tmp_path):
    space = {"train.weight_decay": {"distribution": "categorical", "choices": ["1e-2", 0, 1]}}
    assert load_sweep(written(tmp_path, space)).space["train.weight_decay"].choices == (0.01, 0.0, 1.0)


RATE = "train.learning_rate"
LAYERS = "train.num_hidden_layers"
SCHEDULE = "train.lr_scheduler_type"


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (
            {"train.learning_rat": {"distribution": "float", "low": 0.1, "high": 0.2}},
            "train.learning_rat: no such parameter",
        ),
        (
            {"prepare.seed": {"distribution": "int", "low": 1, "high": 2}},
            "prepare.seed: trials are compared by the loss",
        ),
        ({"train.vocab_size": {"distribution": "int", "low": 300, "high": 900}}, "on the same validation texts"),
        ({"learning_rate": {"distribution": "float", "low": 0.1, "high": 0.2}}, "learning_rate: no such parameter"),
        (
            {RATE: {"distribution": "float", "low": 0.1, "high": 2}},
            "learning_rate.high: Input should be less than or equal to 1",
        ),
        ({RATE: {"distribution": "float", "low": 0.2, "high": 0.1}}, "learning_rate: low 0.2 is not below high 0.1"),
        ({RATE: {"distribution": "float", "low": 0, "high": 0.1, "log": True}}, "log needs low above 0"),
        ({RATE: {"distribution": "float", "low": 0.1, "high": 0.9, "step": 0.3}}, "plus a multiple of step 0.3"),
        ({RATE: {"distribution": "float", "low": 0.1}}, "learning_rate.high: Field required"),
        ({RATE: {"distribution": "float", "low": 0.1, "hihg": 0.2}}, "learning_rate.high: Field required"),
        ({RATE: {"distribution": "uniform", "low": 0.1, "high": 0.2}}, "learning_rate: Input tag 'uniform'"),
        ({RATE: [0.1, 0.2]}, "learning_rate:"),
        (
            {LAYERS: {"distribution": "float", "low": 1, "high": 3}},
            "distribution: found float; this parameter needs int",
        ),
        ({LAYERS: {"distribution": "int", "low": 1.5, "high": 3}}, "distribution int takes whole numbers, found 1.5"),
        ({SCHEDULE: {"distribution": "int", "low": 1, "high": 3}}, "found int; this parameter needs categorical"),
        (
            {SCHEDULE: {"distribution": "categorical", "choices": ["cosin"]}},
            "choices: Input should be 'linear', 'cosine'",
        ),
        ({RATE: {"distribution": "categorical", "choices": [0.1, "0.1"]}}, "a value stands there twice"),
        ({}, "space: Dictionary should have at least 1 item"),
    ],
)
def test_a_mistake_is_told_with_file_and_key(tmp_path, space, words):
    path = written(tmp_path, space)
    with pytest.raises(UserError) as told:
        load_sweep(path)
    assert str(told.value).startswith(f"{path}: space")
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(("others", "words"), [({"trials": 0}, "trials: Input"), ({"sed": 1}, "sed: Extra inputs")])
def test_mistakes_beside_the_space(tmp_path, others, words):
    space = {RATE: {"distribution": "float", "low": 0.001, "high": 0.01}}
    with pytest.raises(UserError, match=words):
        load_sweep(written(tmp_path, space, **others))


def test_trainings_whose_loss_says_nothing_are_not_swept(tmp_path):
    path = written(tmp_path, {RATE: {"distribution": "float", "low": 0.001, "high": 0.1}})
    tree = PARAMS.model_dump()
    tree["train"]["self_training"]["steps"] = 5
    with pytest.raises(UserError, match=r"compared by a validation loss.*--set train\.self_training\.steps=0"):
        own_values(Params.model_validate(tree), load_sweep(path), path)


def test_the_params_own_values_must_lie_in_the_space(tmp_path):
    path = written(tmp_path, {RATE: {"distribution": "float", "low": 0.01, "high": 0.1}})
    with pytest.raises(UserError, match=r"own value 0.004 cannot be drawn.*--set train.learning_rate=VALUE"):
        own_values(PARAMS, load_sweep(path), path)


def test_values_that_do_not_go_together_are_told_with_the_trial():
    with pytest.raises(UserError, match=r"the trial with train.num_attention_heads 3: train: hidden_size 128 is not"):
        with_values(PARAMS, {"train.num_attention_heads": 3})


numbers = st.one_of(st.integers(-5, 5), st.floats(-2, 2), st.just("x"), st.none())
mappings = st.fixed_dictionaries(
    {"distribution": st.sampled_from(["float", "int", "categorical"])},
    optional={
        "low": numbers,
        "high": numbers,
        "log": st.booleans(),
        "step": numbers,
        "choices": st.lists(st.one_of(numbers, st.sampled_from(["linear", True])), max_size=3),
    },
)


@given(
    st.dictionaries(st.sampled_from([f"train.{name}" for name in Train.model_fields]), mappings, min_size=1, max_size=2)
)
def test_whatever_the_file_says_optuna_takes_it_or_the_user_is_told(tmp_path_factory, space):
    import optuna

    from tasks.study import as_optuna

    path = written(tmp_path_factory.getbasetemp(), space)
    try:
        sweep: Sweep = load_sweep(path)
    except UserError as error:
        assert str(error).startswith(f"{path}: space")
        return
    drawn = optuna.create_study().ask({name: as_optuna(one) for name, one in sweep.space.items()}).params
    for name, value in drawn.items():
        assert sweep.space[name].holds(value)
        assert checked(path, name, Train.model_fields[name.removeprefix("train.")], value) == value
