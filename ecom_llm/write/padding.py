"""Ragged token ids -> batches of similar length, padded on either side, with the positions that make padding harmless."""

from collections.abc import Sequence
from typing import Literal

import torch

Side = Literal["left", "right"]


def batches(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """Indices in batches of similar length, longest first: too large a batch then fails at once, not at the end."""
    order = sorted(range(len(lengths)), key=lambda index: (-lengths[index], index))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def pad(
    sequences: Sequence[Sequence[int]], fill: int, side: Side, device: torch.device | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pad to the longest; return ids filled with `fill`, and the attention mask, both (batch, longest) and int64."""
    longest = max(len(sequence) for sequence in sequences)
    ids = torch.full((len(sequences), longest), fill)
    mask = torch.zeros_like(ids)
    for row, sequence in enumerate(sequences):
        place = slice(longest - len(sequence), longest) if side == "left" else slice(0, len(sequence))
        ids[row, place] = torch.tensor(sequence, dtype=torch.long)
        mask[row, place] = 1
    return ids.to(device), mask.to(device)


def positions(mask: torch.Tensor) -> torch.Tensor:
    """Position ids that count real tokens only: without them a text padded on the left would start late."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)
