"""Scores of the next token -> the token: the likeliest, or one drawn."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import torch
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from ecom_llm.write.slot_rule import OwnSlots


@dataclass(frozen=True)
class Sampler:
    """Draws tokens after temperature, top-k and top-p: transformers' own, in its order."""

    warp: LogitsProcessorList
    chances: torch.Tensor
    """(texts + 1, tokens) in [0, 1): what decides each token of each text; the last row is no text's."""


def new_sampler(
    prompts: Sequence[Sequence[int]],
    *,
    temperature: float,
    top_k: int,
    top_p: float,
    seed: int,
    tokens: int,
    device: torch.device,
) -> Sampler:
    """A sampler for a text of at most so many tokens behind each prompt; `top_k` 0 and `top_p` 1 leave every token in.

    What is drawn hangs on the seed, the prompt, and how often it stood before: never on the batch or on other prompts.
    """
    warp = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        warp.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        warp.append(TopPLogitsWarper(top_p))
    seen: Counter[tuple[int, ...]] = Counter()
    rows = []
    for prompt in map(tuple, prompts):
        seen[prompt] += 1
        draw = Random(f"{seed} {seen[prompt]} {prompt}").random
        rows.append([draw() for _ in range(tokens)])
    return Sampler(warp, torch.tensor([*rows, [0.0] * tokens], dtype=torch.float64, device=device))


def drawn(scores: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """The token at each draw of the cumulated distribution: scores (rows, vocabulary), draws (rows,) -> (rows,)."""
    cumulated = scores.double().softmax(dim=-1).cumsum(dim=-1)
    return (cumulated <= draws[:, None] * cumulated[:, -1:]).sum(dim=-1).clamp(max=scores.shape[-1] - 1)


@dataclass(frozen=True)
class Choice:
    """How the next token of a text is chosen."""

    sampler: Sampler | None = None
    """None takes the likeliest."""
    slots: OwnSlots | None = None

    def __call__(self, logits: torch.Tensor, texts: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
        """Logits (rows, vocabulary) of texts (rows,) that have `written` (rows,) tokens -> their next tokens (rows,)."""
        scores = logits
        if self.slots is not None:
            scores = self.slots.hold(self.slots.close(logits.clone(), texts), texts, written)
        if self.sampler is None:
            tokens = scores.argmax(dim=-1)
        else:
            tokens = drawn(self.sampler.warp(None, scores.float()), self.sampler.chances[texts, written])
        if self.slots is not None:
            self.slots.wrote(tokens, texts)
        return tokens
