"""A small prepared data set and the params of a training that takes seconds."""

from pathlib import Path

import pytest

from ecom_llm.layout import Layout
from ecom_llm.params import Params, read_yaml, validate
from ecom_llm.records import Example
from ecom_llm.shards import read_records, write_records

REPO = Path(__file__).parents[3]
COLOURS = {"en": ("red", "navy blue", "green", "black"), "zh": ("红色", "藏青色", "绿色", "黑色")}
KINDS = {"en": ("dress", "lamp", "laptop"), "zh": ("连衣裙", "台灯", "笔记本电脑")}

OWN = {
    "steps": 10,
    "num_return_sequences": 4,
    "texts": 2,
    "best": 4,
    "max_new_tokens": 6,
    "batch_size": 64,
    "warmup_steps": 2,
}


def example(number: int, locale: str) -> Example:
    """A description whose words follow from its attributes."""
    colour = COLOURS[locale][number % 4]
    kind = KINDS[locale][number % 3]
    names = ("category", "colour") if locale == "en" else ("类别", "颜色")
    text = f"A {colour} {kind}, number {number}." if locale == "en" else f"一款{colour}的{kind}，编号{number}。"
    return Example(
        id=f"describe:{locale}:{number}",
        skill="describe",
        locale=locale,
        attributes=dict(zip(names, (kind, colour), strict=True)),
        target=text,
        product=str(number),
        group=str(number),
        source="test:1",
    )


@pytest.fixture
def tiny_params() -> Params:
    values = read_yaml(REPO / "params.yaml")
    values["train"] |= {
        "vocab_size": 400,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "max_steps": 20,
        "per_device_train_batch_size": 8,
        "warmup_steps": 2,
        "logging_steps": 5,
        "eval_steps": 10,
        "eval_examples": 12,
        "save_steps": 5,
        "load_best_model_at_end": False,  # checkpoints are more frequent here than validations
        "mixed_precision": "no",  # golden losses are float32's, on whatever CPU
    }
    values["runtime"]["device"] = "cpu"
    return validate(values, "test")


@pytest.fixture
def prepared(tmp_path: Path) -> Layout:
    """A workspace in which `prepare` has run."""
    layout = Layout(workspace=tmp_path / "workspace", state=tmp_path / "state")
    everything = [example(number, locale) for number in range(60) for locale in ("en", "zh")]
    write_records(layout.split("train"), Example, everything[:100])
    write_records(layout.split("validation"), Example, everything[100:])
    (layout.workspace / "models").mkdir()
    return layout


def with_self_training(params: Params, own: dict[str, object], **values: object) -> Params:
    """The params with `train.self_training` of `own` and ten steps before it, or other `values`."""
    tree = params.model_dump()
    tree["train"] |= {"max_steps": 10, "num_threads": 1, **values}
    tree["train"]["self_training"] |= own
    return validate(tree, "test")


@pytest.fixture
def small(prepared: Layout) -> Layout:
    """Thirty training examples."""
    write_records(prepared.split("train"), Example, list(read_records(prepared.split("train"), Example))[:30])
    return prepared


@pytest.fixture
def self_training(tiny_params) -> Params:
    """A training of two parts of ten steps."""
    return with_self_training(tiny_params, OWN)
