"""Dropout for decoders whose architecture has none but in their attention."""

import torch
from transformers import PreTrainedModel

from ecom_llm.records import UserError

BRANCHES = ("o_proj", "down_proj")
"""Last part of the names of the layers that write into the residual stream."""


def with_dropout(model: PreTrainedModel, share: float) -> PreTrainedModel:
    """The same model, in training with dropout on its embeddings and on what every block adds to them.

    The places of the Transformer's residual dropout (Vaswani et al. 2017, 5.4). It hangs on hooks, so that nothing of it is
    saved; masks are drawn from torch's generator, which a checkpoint holds.

    Raises:
        UserError: the model's layers have other names, so that nothing but its embeddings would be dropped.
    """
    if not share:
        return model
    branches = [module for name, module in model.named_modules() if name.rpartition(".")[2] in BRANCHES]
    if not branches:
        raise UserError(
            f"train.dropout: {type(model).__name__} has no layers named {' or '.join(BRANCHES)} to drop from. Set train.dropout=0."
        )

    def drop(module: torch.nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.dropout(output, share, training=module.training)

    for module in (model.get_input_embeddings(), *branches):
        module.register_forward_hook(drop)
    return model
