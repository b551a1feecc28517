"""Model FLOPs utilisation (MFU): the arithmetic that training needs, over what the device was seen to do."""

import time
from functools import cache

import torch
from transformers import PreTrainedModel

SIDE = 8192
"""Width of the square matrices multiplied: 3 x 128 MiB of bfloat16, large enough to keep every multiprocessor at work."""
SECONDS = 0.3
"""How long they are multiplied, after a first round that warms up."""


def flops_per_token(model: PreTrainedModel) -> float:
    """Floating-point operations for one token of training: 6 x params, of which frozen weights need but 4.

    Two operations per weight forward, two for the gradient of its input and two for that of the weight itself, which a
    frozen one has not. An embedding table that only looks up multiplies nothing and is not counted; tied to the logits it
    is. Operations of attention itself (12 x layers x width x length) are not counted, nor activations that are computed
    twice, so the utilisation shown is somewhat below that of papers which count attention.

    Source: Chowdhery et al. 2022, PaLM, appendix B; nanochat's `estimate_flops`.
    """
    table = model.get_input_embeddings().weight
    head = model.get_output_embeddings()
    lookup = table if head is not None and head.weight is not table else None
    total, learned = (model.num_parameters(only_trainable=only) for only in (False, True))
    if lookup is not None:
        total -= lookup.numel()
        learned -= lookup.numel() if lookup.requires_grad else 0
    return 4.0 * total + 2.0 * learned


@cache
def matrix_rate(device: torch.device) -> float:
    """Operations per second of bfloat16 matrix products on a CUDA device, measured once per process.

    The numbers come from a generator of their own, so no random state of the training moves, and are random because a
    device multiplies zeros faster than it does real ones.
    """
    drawn = torch.Generator(device).manual_seed(0)
    one, other = (torch.randn(SIDE, SIDE, generator=drawn, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = torch.empty_like(one)
    rounds = 0
    for seconds in (0.0, SECONDS):
        rounds, began = 0, time.monotonic()
        while rounds == 0 or time.monotonic() - began < seconds:
            for _ in range(10):
                torch.mm(one, other, out=product)
            torch.cuda.synchronize(device)
            rounds += 10
    rate = rounds * 2 * SIDE**3 / (time.monotonic() - began)
    del one, other, product
    torch.cuda.empty_cache()  # the training is to find the memory as it was
    torch.cuda.reset_peak_memory_stats(device)
    return rate
