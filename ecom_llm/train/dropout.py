"""Dropout for decoders whose architecture has none but in their attention."""

import torch
from transformers import PreTrainedModel

BRANCHES = ("o_proj", "down_proj")
"""Last part of the names of the layers that write into the residual stream."""


def with_dropout(model: PreTrainedModel, share: float) -> PreTrainedModel:
    """The same model, in training with dropout on its embeddings and on what every block adds to them.

    The places of the Transformer's residual dropout (Vaswani et al. 2017, 5.4). It hangs on hooks, so that nothing of it is
    saved; masks are drawn from torch's generator, which a checkpoint holds.
    """
    if not share:
        return model

    def drop(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(output, share, training=module.training)

    model.get_input_embeddings().register_forward_hook(drop)
    for name, module in model.named_modules():
        if name.rpartition(".")[2] in BRANCHES:
            module.register_forward_hook(drop)
    return model
