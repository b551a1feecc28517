"""A model with slots may write those of its own example, each as often as training texts do: what is not known cannot be stated."""

from collections.abc import Sequence

import torch
from transformers import PreTrainedTokenizerBase

from ecom_llm.records import Example
from ecom_llm.skills import SKILLS
from ecom_llm.skills.slots import EVERY, SLOT, slots_of
from ecom_llm.train.encode import slotting_of


class OwnSlots:
    """How often each text may still write a slot; texts are indices of the examples it was made for, and one more: no text."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], device: torch.device) -> None:
        slots = {SLOT.fullmatch(token): place for token, place in tokenizer.get_added_vocab().items()}
        names = {match.group(1): place for match, place in slots.items() if match}
        most = (slotting_of(tokenizer) or EVERY).most
        own = [*(slots_of(SKILLS[example.skill].slots(example)) for example in examples), {}]
        self.ids = torch.tensor(list(names.values()), dtype=torch.long, device=device)
        self.left = torch.tensor(
            [[most.get(name, 1) if name in one else 0 for name in names] for one in own],
            dtype=torch.long,
            device=device,
        )

    def close(self, scores: torch.Tensor, texts: torch.Tensor) -> torch.Tensor:
        """The scores (rows, vocabulary) with no chance for slots that the texts (rows,) may not write."""
        scores[:, self.ids] = scores[:, self.ids].masked_fill(self.left[texts] <= 0, float("-inf"))
        return scores

    def wrote(self, tokens: torch.Tensor, texts: torch.Tensor) -> None:
        """Count the slots among the tokens (rows,) that the texts (rows,) have just written."""
        self.left[texts] -= (tokens[:, None] == self.ids).long()
