"""Params of one run: a recipe over params.yaml, `--set` over both, and every mistake named."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ecom_llm.params import load_params
from ecom_llm.records import UserError
from flows.overrides import chosen_params, laid_over, parsed, place_in

REPO = Path(__file__).parents[3]
PARAMS = REPO / "params.yaml"


def test_nothing_chosen_is_params_yaml():
    assert chosen_params(PARAMS, None, ()) == load_params(PARAMS)


def test_set_wins_over_the_recipe_and_the_recipe_over_params_yaml(tmp_path):
    recipe = tmp_path / "small.yaml"
    recipe.write_text("train: {max_steps: 7, seed: 9}\n")
    params = chosen_params(
        PARAMS, recipe, ("train.seed=3", "promote.thresholds.0.threshold=0.9", "train.learning_rate=1e-4")
    )
    assert (params.train.max_steps, params.train.seed) == (7, 3)
    assert params.train.hidden_size == load_params(PARAMS).train.hidden_size
    assert params.promote.thresholds[0].threshold == 0.9
    assert params.promote.thresholds[1] == load_params(PARAMS).promote.thresholds[1]
    assert params.train.learning_rate == 1e-4


@pytest.mark.parametrize("recipe", sorted((REPO / "recipes").glob("*.yaml")), ids=lambda path: path.name)
def test_every_recipe_validates(recipe):
    chosen_params(PARAMS, recipe, ())


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("train.max_stepz=5", "train.max_stepz: no such parameter"),
        ("trian.max_steps=5", "trian: no such section"),
        ("nothing=5", "nothing: no such parameter"),
        ("train.max_steps=0", "train.max_steps: Input should be greater than or equal to 1; found 0"),
        ("train.max_steps=many", "train.max_steps: Input should be a valid integer"),
        ("train.seed.x=5", "there is nothing below 1 to set"),
        ("promote.thresholds.99.threshold=1", "'99' is no index of a list of"),
        ("promote.thresholds.x.threshold=1", "'x' is no index of a list of"),
        ("train.max_steps", "expected key=value"),
        ("=5", "expected key=value"),
        ("train.max_steps=[1", "the value is not valid YAML"),
    ],
)
def test_each_mistake_names_its_key(setting, words):
    with pytest.raises(UserError) as caught:
        chosen_params(PARAMS, None, (setting,))
    assert words in str(caught.value)
    assert setting in str(caught.value)


def test_a_missing_or_malformed_recipe_is_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: there is no such recipe"):
        chosen_params(PARAMS, tmp_path / "none.yaml", ())
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(UserError, match=r"list\.yaml: expected a mapping"):
        chosen_params(PARAMS, tmp_path / "list.yaml", ())


VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES, VALUES)
def test_laying_over_is_idempotent_and_keeps_what_the_upper_says(base, upper):
    once = laid_over(base, upper)
    assert laid_over(once, upper) == once
    assert laid_over(base, {}) == (base if isinstance(base, dict) else {})
    if isinstance(upper, dict):
        assert set(once) == set(upper) | (set(base) if isinstance(base, dict) else set())
    else:
        assert once == upper


@given(st.integers(0, 3), st.integers(), st.lists(st.integers(), min_size=4, max_size=4))
def test_placing_changes_one_place_and_not_the_original(at, value, values):
    original = {"a": list(values), "b": 1}
    placed = place_in(original, ["a", str(at)], value, "")
    assert placed["a"][at] == value
    assert [part for i, part in enumerate(placed["a"]) if i != at] == [part for i, part in enumerate(values) if i != at]
    assert original == {"a": values, "b": 1}


@given(st.one_of(st.integers(), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)))
def test_values_parse_as_yaml(value):
    text = yaml.safe_dump(value).removesuffix("...\n").strip()
    assert parsed(f"a.b={text}") == (["a", "b"], value)
