"""How the arithmetic is done: which precision and which attention, chosen for the device unless params say."""

import logging

import torch
from torch import nn
from transformers import PreTrainedModel

from ecom_llm.params import Train
from ecom_llm.records import UserError

logger = logging.getLogger(__name__)
SHORT = 512
"""Tokens up to which plain matrix products beat the fused attention on a CPU: its backward pass is slow for short texts."""


def has_bf16(on_cpu: bool) -> bool:
    """Whether this device multiplies bfloat16 in hardware; without, it would be slower than float32."""
    if not on_cpu:
        return torch.cuda.is_bf16_supported(including_emulation=False)
    known = torch.cpu.get_capabilities()
    return any(known.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def use_bf16(train: Train, on_cpu: bool) -> bool:
    """Whether matrix products are computed in bfloat16; weights, sums and the optimizer stay in float32 in any case.

    Raises:
        UserError: bfloat16 was asked for and this device has none.
    """
    if train.mixed_precision == "bf16" and not has_bf16(on_cpu):
        device = "CPU" if on_cpu else "GPU"
        raise UserError(
            f"train.mixed_precision is bf16, but this {device} has no bfloat16 instructions and would only emulate them, "
            "slowly. Set train.mixed_precision=auto, which takes bf16 where there is some, or no."
        )
    return train.mixed_precision != "no" and has_bf16(on_cpu)


def attention_for(train: Train, on_cpu: bool) -> str:
    """transformers' name of the attention to train with."""
    if train.attn_implementation != "auto":
        return train.attn_implementation
    return "eager" if on_cpu and train.max_length <= SHORT else "sdpa"


def with_kernels(model: PreTrainedModel, train: Train, on_cpu: bool) -> PreTrainedModel:
    """The same model, computing as params say; nothing of it is saved with the weights.

    Raises:
        UserError: the attention asked for is not to be had here.
    """
    name = attention_for(train, on_cpu)
    try:
        model.set_attn_implementation(name)
    except (ImportError, ValueError) as error:
        raise UserError(
            f"train.attn_implementation: {name} cannot be used here: {' '.join(str(error).split())} "
            "Set train.attn_implementation=auto."
        ) from error
    if train.torch_compile:
        compile_layers(model, on_cpu)
    compiled = ", compiled layers" if train.torch_compile else ""
    logger.info("computing with %s attention%s%s", name, ", bfloat16 products" * use_bf16(train, on_cpu), compiled)
    return model


def check_compiler(on_cpu: bool) -> None:
    """Look for what torch.compile needs: in the first step it would fail with a page of its own.

    Raises:
        UserError: no C++ compiler for a CPU, or no Triton for a GPU.
    """
    # only here: a training that compiles nothing need not wait a second for these
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler
    from torch.utils._triton import has_triton

    lacks = None
    if not on_cpu and not has_triton():
        lacks = "Triton, which this GPU or this installation of torch has not"
    elif on_cpu:
        try:
            get_cpp_compiler()
        except InvalidCxxCompiler:
            lacks = "a C++ compiler (g++), and none is found"
    if lacks:
        raise UserError(f"train.torch_compile: needs {lacks}. Install one, or set train.torch_compile=false.")


def compile_layers(model: PreTrainedModel, on_cpu: bool) -> None:
    """Compile the model's repeated layers in place, the names of its weights unchanged.

    The layers are alike, so one of them is compiled for all: of the whole model, nothing was compiled after 170 s. One program
    is asked for that serves every length from the first step on (`dynamic`). Otherwise the first lengths would get programs of
    their own, and a training that resumes begins with other lengths than the one that was killed.
    """
    check_compiler(on_cpu)
    for block in model.modules():
        kinds = {type(layer) for layer in block} if isinstance(block, nn.ModuleList) else set()
        if len(kinds) == 1:
            for layer in block:
                layer.compile(dynamic=True)
