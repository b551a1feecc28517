"""params.yaml and Params say the same; names are frozen; recipes validate; mistakes get one clear sentence."""

from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from ecom_llm.params import Params, load_params, read_yaml, validate
from ecom_llm.records import UserError

REPO = Path(__file__).parents[2]
NAMES = REPO / "tests" / "golden" / "parameter_names.txt"


def names(model: type[BaseModel], prefix: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        inner = inner.__args__[0] if getattr(inner, "__origin__", None) is tuple else inner
        nested = isinstance(inner, type) and issubclass(inner, BaseModel)
        found += names(inner, f"{prefix}{name}.") if nested else [f"{prefix}{name}"]
    return found


def test_the_names_of_parameters_are_frozen():
    """People's recipes, forms and dashboards use these names: a rename must be meant."""
    assert names(Params) == NAMES.read_text().split()


def test_params_yaml_is_valid_and_every_line_says_what_it_is():
    load_params(REPO / "params.yaml")
    for line in (REPO / "params.yaml").read_text().splitlines():
        value = line.strip()
        if value and not value.startswith(("#", "- {")) and not value.endswith(":"):
            assert "#" in value, f"params.yaml: {value!r} has no comment"


def every_model(model: type[BaseModel]) -> set[type[BaseModel]]:
    inner = [getattr(field.annotation, "__args__", [field.annotation])[0] for field in model.model_fields.values()]
    models = {one for one in inner if isinstance(one, type) and issubclass(one, BaseModel)}
    return {model}.union(*(every_model(one) for one in models))


def test_no_field_has_a_default_and_every_field_is_described():
    for model in every_model(Params):
        for name, field in model.model_fields.items():
            # Prefect's form drops an empty list, and what it dropped must not be missing: an empty list alone may be a default
            assert field.is_required() or field.default == (), (
                f"{model.__name__}.{name} has a default; params.yaml is the place"
            )
            assert field.description or isinstance(field.annotation, type), f"{model.__name__}.{name} is not described"


def merged(base: dict, overlay: dict) -> dict:
    nested = {
        key: merged(base[key], value) for key, value in overlay.items() if isinstance(value, dict) and key in base
    }
    return {**base, **overlay, **nested}


@pytest.mark.parametrize("recipe", sorted((REPO / "recipes").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_recipe_validates(recipe):
    validate(merged(read_yaml(REPO / "params.yaml"), read_yaml(recipe)), str(recipe))


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("train.max_steps", 0, r"train\.max_steps: Input should be greater than or equal to 1; found 0"),
        ("train.learning_rate", "fast", r"train\.learning_rate: Input should be a valid number.*found 'fast'"),
        ("train.max_stps", 5, r"train\.max_stps: no such parameter.*docs/parameters\.md"),
        ("collect.sources", [], r"collect\.sources: Tuple should have at least 1 item"),
        ("prepare.clean", ["soap"], r"prepare\.clean\.0: Input should be 'html', 'mojibake'.*found 'soap'"),
        ("train.hidden_size", 250, "not a multiple of 2 x num_attention_heads"),
        ("train.save_steps", 33, "not a multiple of logging_steps"),
    ],
)
def test_a_wrong_value_is_named(key, value, said):
    values = read_yaml(REPO / "params.yaml")
    section, field = key.split(".")
    values[section][field] = value
    with pytest.raises(UserError, match=said):
        validate(values, "params.yaml")


def test_a_missing_key_is_named():
    values = read_yaml(REPO / "params.yaml")
    del values["train"]["seed"]
    with pytest.raises(UserError, match=r"params\.yaml: train\.seed: Field required"):
        validate(values, "params.yaml")


@pytest.mark.parametrize("text", ["a: [1", "- 1", "a: \x00"])
def test_a_malformed_file_is_named(tmp_path, text):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=str(path)):
        read_yaml(path)


def test_dvc_reads_the_same_values():
    assert yaml.safe_load((REPO / "params.yaml").read_text()) == load_params(REPO / "params.yaml").model_dump(
        mode="json"
    )
