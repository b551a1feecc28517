"""A model with slots may write those of its own example, each as often as training texts do: what is not known cannot be stated.

And it may be kept from ending before it has written those that it owes.
"""

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from ecom_llm.records import Example
from ecom_llm.skills.slots import EVERY, SLOT, first_of_each_value
from ecom_llm.write.candidates import owed_slots
from ecom_llm.write.encode import own_slots, slotting_of


class OwnSlots:
    """How often each text may still write a slot; texts are indices of the examples it was made for, and one more: no text."""

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        examples: Sequence[Example],
        device: torch.device,
        ends: Sequence[int] = (),
        facts_within: int = 0,
        owed_bias: float = 0.0,
    ) -> None:
        """`ends` are the tokens that end a text; as long as one owes a slot, and is shorter than `facts_within`, it has none of them.

        `owed_bias` is added to the scores of owed slots that are not written yet, in logits.
        """
        slots = {SLOT.fullmatch(token): place for token, place in tokenizer.get_added_vocab().items()}
        names = {match.group(1): place for match, place in slots.items() if match}
        slotting = slotting_of(tokenizer) or EVERY
        own = [*(own_slots(example, slotting) for example in examples), {}]
        self.ids = torch.tensor(list(names.values()), dtype=torch.long, device=device)
        self.left = torch.tensor(
            [[slotting.most.get(name, 1) if name in one else 0 for name in names] for one in own],
            dtype=torch.long,
            device=device,
        )

        owed = [*(first_of_each_value(owed_slots(example, slotting)) for example in examples), {}]
        self.owed = torch.tensor([[name in one for name in names] for one in owed], dtype=torch.bool, device=device)
        self.ends = torch.tensor(ends, dtype=torch.long, device=device)
        self.facts_within, self.owed_bias = facts_within, owed_bias

    def close(self, scores: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """The scores (rows, vocabulary) with no chance for slots that the texts (rows,) may not write."""
        scores[:, self.ids] = scores[:, self.ids].masked_fill(self.left[texts] <= 0, float("-inf"))
        return scores

    def hold(self, scores: torch.Tensor, texts: torch.Tensor, written: torch.Tensor) -> torch.Tensor:
        """The scores (rows, vocabulary) with what hurries texts (rows,) of `written` (rows,) tokens to write the slots they owe."""
        if self.owed_bias:
            scores[:, self.ids] += self.owed_bias * self.owed[texts]
        if self.facts_within:
            waiting = (self.owed[texts].any(dim=1) & (written < self.facts_within))[:, None]
            scores[:, self.ends] = scores[:, self.ends].masked_fill(waiting, float("-inf"))
        return scores

    def wrote(self, tokens: torch.Tensor, texts: torch.Tensor) -> None:
        """Count the slots among the tokens (rows,) that the texts (rows,) have just written."""
        new = tokens[:, None] == self.ids
        self.left[texts] -= new.long()
        self.owed[texts] &= ~new
