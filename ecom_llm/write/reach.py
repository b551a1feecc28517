"""How long a text a model can read."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def longest_input(model: "PreTrainedModel") -> int | None:
    """Tokens the model has positions for, or None where it does not say.

    RoBERTa's and its kin's begin behind the padding's, and their config counts those that nothing can use too.
    """
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and hasattr(module, "num_embeddings"):
            return module.num_embeddings - (0 if module.padding_idx is None else module.padding_idx + 1)
    return getattr(model.config, "max_position_embeddings", None)
