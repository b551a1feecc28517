"""A key-value cache whose rows come and go: room is kept for the tokens to come, and a finished row's place is taken by another."""

import torch
from transformers import Cache, PreTrainedModel
from transformers.cache_utils import DynamicLayer

ROOM = 64
"""Tokens for which room is made at once: transformers' own layer copies itself for every token."""
ATTENTION = {"full_attention", "sliding_attention"}
"""The layer types of transformers that keep keys and values by token; others keep a state that cannot be cut."""


class RoomyLayer(DynamicLayer):
    """Keys and values (rows, heads, tokens, width), as views of `store`, which goes on behind them.

    A sliding window is left to the attention mask, which transformers makes of the model's config: all tokens are kept.
    """

    store: tuple[torch.Tensor, torch.Tensor] | None = None

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *args: object, **kwargs: object
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append the states of new tokens; return all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        held = self.get_seq_length()
        longer = held + key_states.shape[2]
        if self.store is None or longer > self.store[0].shape[2]:
            self.store = (with_room(self.keys, key_states, held), with_room(self.values, value_states, held))
        for part, states in zip(self.store, (key_states, value_states), strict=True):
            part[:, :, held:longer] = states
        self.keys, self.values = (part[:, :, :longer] for part in self.store)
        return self.keys, self.values

    def put(self, rows: torch.Tensor, other: DynamicLayer) -> None:
        """The tokens of another layer's rows take the place of `rows`, at the right edge."""
        begin = self.get_seq_length() - other.get_seq_length()
        self.keys[rows, :, begin:] = other.keys
        self.values[rows, :, begin:] = other.values

    def forget(self, tokens: int) -> None:
        """Drop the leftmost tokens; nothing is copied."""
        self.keys, self.values = self.keys[:, :, tokens:], self.values[:, :, tokens:]
        self.store = None if self.store is None else tuple(part[:, :, tokens:] for part in self.store)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep these rows, in this order; one may be named more than once."""
        super().batch_select_indices(indices)
        self.store = None


def with_room(held: torch.Tensor, states: torch.Tensor, tokens: int) -> torch.Tensor:
    """A copy of what is held, with room for new states and ROOM tokens more."""
    rows, heads, new, width = states.shape
    store = states.new_empty(rows, heads, tokens + new + ROOM, width)
    if tokens:
        store[:, :, :tokens] = held
    return store


def refillable(model: PreTrainedModel) -> bool:
    """Whether all that this model remembers are keys and values by token, so that a row's place can be taken by another."""
    config = model.config.get_text_config(decoder=True)
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return kinds <= ATTENTION and not getattr(model, "_is_stateful", False)


def new_cache(model: PreTrainedModel) -> Cache | None:
    """An empty cache of roomy layers, or None where the model must bring its own."""
    return Cache(layer_class_to_replicate=RoomyLayer) if refillable(model) else None
