"""Values for one run: params.yaml, a recipe laid over it, and `--set key=value` on top."""

from collections.abc import Sequence
from pathlib import Path

import yaml

from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.params.location import masked
from ecom_llm.records import UserError

Plain = dict[str, "Plain"] | list["Plain"] | str | int | float | bool | None
"""Plain YAML."""


def laid_over(base: Plain, upper: Plain) -> Plain:
    """A deep merge: mappings merge, everything else (lists too) is replaced."""
    if isinstance(base, dict) and isinstance(upper, dict):
        return {**base, **{key: laid_over(base.get(key), value) for key, value in upper.items()}}
    return upper


def parsed(setting: str) -> tuple[list[str], Plain]:
    """`train.max_steps=5` -> (["train", "max_steps"], 5); the value is read as YAML.

    Raises:
        UserError: it is no `key=value`, or the value is no YAML.
    """
    key, equals, value = setting.partition("=")
    if not equals or not key.strip():
        raise UserError(f"--set {masked(setting)}: expected key=value, for example --set train.max_steps=200.")
    try:
        return key.strip().split("."), yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UserError(
            f"--set {masked(setting)}: the value is not valid YAML: {masked(' '.join(str(error).split()))}"
        ) from error


def place_in(values: Plain, path: list[str], value: Plain, setting: str) -> Plain:
    """The values with one replaced; digits step into a list.

    Raises:
        UserError: the path leads through a value that holds no others, or past the end of a list.
    """
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(values, dict):
        if rest and step not in values:
            raise UserError(f"--set {setting}: {step}: no such section. There are: {', '.join(values)}.")
        return {**values, step: place_in(values.get(step), rest, value, setting)}
    if isinstance(values, list):
        if not step.isdecimal() or int(step) >= len(values):
            raise UserError(f"--set {setting}: {step!r} is no index of a list of {len(values)} (from 0).")
        return [place_in(part, rest, value, setting) if at == int(step) else part for at, part in enumerate(values)]
    raise UserError(f"--set {setting}: there is nothing below {values!r} to set. docs/parameters.md lists all keys.")


def chosen_params(params: Path, recipe: Path | None, settings: Sequence[str]) -> Params:
    """The params of one run.

    Raises:
        UserError: a file is missing or malformed, or a value unknown or out of range; names the key.
    """
    values: Plain = read_yaml(params)
    origin = [str(params)]
    if recipe is not None:
        if not recipe.exists():
            known = ", ".join(sorted(str(path) for path in Path("recipes").glob("*.yaml"))) or "none"
            raise UserError(f"{recipe}: there is no such recipe. Recipes here: {known}.")
        values = laid_over(values, read_yaml(recipe))
        origin.append(str(recipe))
    for setting in settings:
        path, value = parsed(setting)
        shown = masked(
            setting
        )  # the value may be an address with a password, which is refused but must not be repeated
        values = place_in(values, path, value, shown)
        origin.append(f"--set {shown}")
    return validate(values, " with ".join(origin))
