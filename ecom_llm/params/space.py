"""A sweep's file: how many trials, and the space they draw parameters of training from, in Optuna's own words."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError, model_validator
from pydantic.fields import FieldInfo

from ecom_llm.params.section import Section
from ecom_llm.params.train import Train
from ecom_llm.params.tree import Params, read_yaml, validate
from ecom_llm.records import UserError

Scalar = bool | int | float | str
"""A value of one parameter."""
Values = dict[str, Scalar]
"""Parameter name, as `train.learning_rate` -> value."""

VARIED = (
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "initializer_range",
    "max_steps",
    "per_device_train_batch_size",
    "gradient_accumulation_steps",
    "learning_rate",
    "lr_scheduler_type",
    "warmup_steps",
    "weight_decay",
    "adam_beta2",
    "max_grad_norm",
    "lora_r",
    "lora_alpha",
    "lora_dropout",
    "packing",
)
"""Fields of `train` that leave the yardstick alone: the same validation texts in the same tokens, looked at as often.

Named one by one, so that a new field is not taken for one of them before somebody has thought about it.
"""


class Range(Section):
    """Optuna's FloatDistribution or IntDistribution: numbers between two bounds, both included."""

    distribution: Literal["float", "int"]
    low: int | float
    high: int | float
    log: bool = False
    """Whether magnitudes are drawn evenly, as for a learning rate, instead of values."""
    step: int | float | None = Field(default=None, gt=0)
    """Distance of the values; without it every one (every whole number of `int`)."""

    @model_validator(mode="after")
    def bounds_make_sense(self) -> "Range":
        """What Optuna would refuse, or mend with a warning, in our words."""
        broken = [n for n in (self.low, self.high, self.step) if self.distribution == "int" and n and n != int(n)]
        if broken:
            raise ValueError(f"distribution int takes whole numbers, found {broken[0]:g}")
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} is not below high {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"log needs low above 0, found {self.low:g}")
        if self.log and self.step is not None:
            raise ValueError("log and step exclude each other")
        if self.step is not None and not is_multiple(self.high - self.low, self.step):
            raise ValueError(f"high {self.high:g} is not low {self.low:g} plus a multiple of step {self.step:g}")
        return self

    def holds(self, value: Scalar) -> bool:
        """Whether the value can be drawn."""
        inside = isinstance(value, int | float) and self.low <= value <= self.high
        return inside and (self.step is None or is_multiple(value - self.low, self.step))


class Categorical(Section):
    """Optuna's CategoricalDistribution."""

    distribution: Literal["categorical"]
    choices: tuple[Scalar, ...] = Field(min_length=1)

    def holds(self, value: Scalar) -> bool:
        """Whether the value can be drawn."""
        return value in self.choices


Distribution = Annotated[Range | Categorical, Field(discriminator="distribution")]


class Sweep(Section):
    """A sweep's file, validated."""

    trials: int = Field(ge=1)
    """Trainings; the first takes the values of params.yaml."""
    seed: int = Field(ge=0)
    """Seed of Optuna's sampler."""
    space: dict[str, Distribution] = Field(min_length=1)
    """Parameter -> where its values are drawn from."""


def is_multiple(distance: float, step: float) -> bool:
    """Whether a distance is a whole number of steps, up to the rounding of decimal fractions."""
    return abs(distance / step - round(distance / step)) < 1e-6


def load_sweep(path: Path) -> Sweep:
    """Read and validate a sweep's file.

    Raises:
        UserError: the file is missing or malformed, a parameter cannot be varied, or a value is none of it; names the key.
    """
    values = read_yaml(path)
    try:
        sweep = Sweep.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        # pydantic puts the discriminator's value into the path, where the file has no such key
        parts = [str(part) for at, part in enumerate(first["loc"]) if at != 2]
        raise said(path, ".".join(parts) or "the file", first["msg"].removeprefix("Value error, ")) from error
    return sweep.model_copy(update={"space": {name: fitting(path, name, one) for name, one in sweep.space.items()}})


def said(path: Path, key: str, what: str) -> UserError:
    """A mistake in a sweep's file."""
    return UserError(f"{path}: {key}: {what}. docs/sweeps.md says what a sweep's file holds.")


def field_of(path: Path, name: str) -> FieldInfo:
    """The parameter's field.

    Raises:
        UserError: there is no such parameter, or it is not for a sweep to vary.
    """
    section, _, field = name.partition(".")
    if section not in Params.model_fields or field not in Params.model_fields[section].annotation.model_fields:
        raise said(path, f"space.{name}", "no such parameter; docs/parameters.md lists them all")
    if section != "train" or field not in VARIED:
        what = "trials are compared by the loss on the same validation texts, so a sweep may vary of train"
        raise said(path, f"space.{name}", f"{what} {', '.join(VARIED)}, and nothing else")
    return Train.model_fields[field]


def fitting(path: Path, name: str, one: Distribution) -> Distribution:
    """The distribution with its choices as the parameter has them.

    Raises:
        UserError: the parameter takes another kind of value, or not the ones named.
    """
    info = field_of(path, name)
    if isinstance(one, Categorical):
        choices = tuple(checked(path, f"{name}.choices", info, choice) for choice in one.choices)
        if len(set(choices)) < len(choices):
            raise said(path, f"space.{name}.choices", f"a value stands there twice: {list(one.choices)}")
        return one.model_copy(update={"choices": choices})
    numbers = (float,) if one.distribution == "float" else (int, float)
    if info.annotation not in numbers:
        instead = "int or categorical" if info.annotation is int else "categorical"
        raise said(path, f"space.{name}.distribution", f"found {one.distribution}; this parameter needs {instead}")
    for bound in ("low", "high"):
        checked(path, f"{name}.{bound}", info, getattr(one, bound))
    return one


def checked(path: Path, key: str, info: FieldInfo, value: Scalar) -> Scalar:
    """The value as the field takes it.

    Raises:
        UserError: it does not.
    """
    try:
        return TypeAdapter(Annotated[info.annotation, info]).validate_python(value)
    except ValidationError as error:
        raise said(path, f"space.{key}", f"{error.errors()[0]['msg']}; found {value!r}") from error


def own_values(params: Params, sweep: Sweep, path: Path) -> Values:
    """What the params themselves give for the parameters of the space: the first trial.

    Raises:
        UserError: one lies outside of the space, or trainings of these params are not to be compared by a loss.
    """
    if params.train.self_training.steps:
        raise UserError(
            f"train.self_training.steps is {params.train.self_training.steps}, and trials are compared by a validation loss, "
            "which self-training raises. Sweep without it: --set train.self_training.steps=0"
        )
    own = {name: getattr(params.train, name.partition(".")[2]) for name in sweep.space}
    for name, value in own.items():
        if not sweep.space[name].holds(value):
            what = f"the params' own value {value} cannot be drawn, and the first trial takes it to measure the gain"
            raise said(path, f"space.{name}", f"{what}. Widen the space, or begin elsewhere: --set {name}=VALUE")
    return own


def with_values(params: Params, values: Mapping[str, Scalar]) -> Params:
    """The params with a trial's values.

    Raises:
        UserError: values do not go together.
    """
    train = params.train.model_dump(mode="json") | {name.partition(".")[2]: value for name, value in values.items()}
    told = ", ".join(f"{name} {value}" for name, value in values.items())
    return validate(params.model_dump(mode="json") | {"train": train}, f"the trial with {told}")
