"""How the arithmetic is done: which precision and which attention, chosen for the device unless params say."""

import logging

import torch
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
    logger.info("computing with %s attention%s", name, ", bfloat16 products" if use_bf16(train, on_cpu) else "")
    return model
