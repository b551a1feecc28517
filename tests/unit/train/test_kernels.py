"""Precision and attention: chosen by what the device has, refused where it has none, and never saved with the weights."""

import json

import pytest
import torch
from torch._inductor import config

from ecom_llm.records import UserError
from ecom_llm.train import kernels
from ecom_llm.train.kernels import attention_for, use_bf16
from ecom_llm.train.model import new_model, new_tokenizer
from ecom_llm.train.stage import run
from tests.unit.train.conftest import example


def changed(params, **train):
    return params.model_copy(update={"train": params.train.model_copy(update=train)})


@pytest.mark.parametrize(
    ("capabilities", "asked", "used"),
    [
        ({"avx512_bf16": True}, "auto", True),
        ({"amx_bf16": True}, "auto", True),
        ({"avx512_f": True}, "auto", False),
        ({"avx512_bf16": True}, "no", False),
        ({"avx512_bf16": True}, "bf16", True),
    ],
)
def test_bfloat16_is_used_where_the_cpu_has_it(monkeypatch, tiny_params, capabilities, asked, used):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)
    assert use_bf16(changed(tiny_params, mixed_precision=asked).train, on_cpu=True) is used


def test_bfloat16_on_a_cpu_without_it_is_refused_before_anything_is_trained(monkeypatch, prepared, tiny_params):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict)
    with pytest.raises(UserError, match=r"train.mixed_precision is bf16, but this CPU has no bfloat16"):
        run(changed(tiny_params, mixed_precision="bf16"), prepared)
    assert not prepared.model.exists()


@pytest.mark.parametrize(
    ("asked", "length", "on_cpu", "taken"),
    [
        ("auto", 256, True, "eager"),
        ("auto", 2048, True, "sdpa"),
        ("auto", 256, False, "sdpa"),
        ("flex_attention", 256, True, "flex_attention"),
    ],
)
def test_the_attention_that_is_fastest_there(tiny_params, asked, length, on_cpu, taken):
    assert attention_for(changed(tiny_params, attn_implementation=asked, max_length=length).train, on_cpu) == taken


def test_attention_that_is_not_installed_is_one_clear_error(prepared, tiny_params):
    with pytest.raises(UserError, match=r"attn_implementation: flash_attention_2 cannot be used here.*=auto"):
        run(changed(tiny_params, attn_implementation="flash_attention_2"), prepared)


@pytest.mark.skipif(not kernels.has_bf16(on_cpu=True), reason="this CPU has no bfloat16 instructions")
def test_bfloat16_learns_as_float32_does_and_saves_float32(prepared, tiny_params, tmp_path):
    """The curves of both differ by rounding alone: 1 % of the loss, after 20 steps from the same weights."""
    found = {}
    for asked in ("no", "bf16"):
        run(changed(tiny_params, mixed_precision=asked), prepared)
        found[asked] = [
            float(line.split(",")[2]) for line in prepared.curve.read_text().splitlines()[1:] if line.split(",")[2]
        ]
        config = json.loads((prepared.model / "config.json").read_text())
        assert config["dtype"] == "float32" and "attn_implementation" not in json.dumps(config)
    assert found["bf16"] == pytest.approx(found["no"], rel=0.01)
    assert found["bf16"] != found["no"]


def test_compiling_takes_each_repeated_layer_once_for_all_lengths_and_renames_no_weight(tiny_params, monkeypatch):
    compiled = []
    monkeypatch.setattr(kernels, "check_compiler", lambda on_cpu: None)
    monkeypatch.setattr(torch.nn.Module, "compile", lambda module, **how: compiled.append((module, how)))
    model = new_model(new_tokenizer(tiny_params.train, [example(1, "en")]), tiny_params.train)
    names = list(model.state_dict())
    kernels.with_kernels(model, tiny_params.train, on_cpu=True)
    assert not compiled
    kernels.with_kernels(model, changed(tiny_params, torch_compile=True).train, on_cpu=True)
    assert compiled == [(layer, {"dynamic": True}) for layer in model.model.layers]
    assert list(model.state_dict()) == names


def test_compiling_without_a_compiler_is_one_clear_error(prepared, tiny_params):
    refused = pytest.raises(UserError, match=r"torch_compile: needs a C\+\+ compiler .*torch_compile=false")
    with config.patch("cpp.cxx", ("no-such-compiler",)), refused:
        run(changed(tiny_params, torch_compile=True), prepared)
    assert not prepared.model.exists()
