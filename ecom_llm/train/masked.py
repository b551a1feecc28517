"""Texts with some of their tokens hidden (Devlin et al. 2019), batched so that every mask can be drawn again.

transformers' collator draws its masks from a generator that goes on from batch to batch. A training resumed in the middle
would see other masks than one that nobody stopped, and two processes other masks than one. Here a text's mask is drawn
from the seed and the text's place in the whole training, and from nothing else.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import Dataset, Sampler
from transformers import DataCollatorForLanguageModeling, PreTrainedTokenizerBase

from ecom_llm.records import UserError
from ecom_llm.train.batching import IGNORE_INDEX, GroupedByLength, rounded_up
from ecom_llm.write.encode import Encoded


class MaskedTexts(Dataset):
    """A map-style data set of `{"input_ids": text with masks, "labels": what was hidden}`, both tensors of (length,).

    The index is (text, place in the training) as `Placed` yields it; a text alone is masked in the same way every time,
    so that validation losses are losses on the same tokens.
    """

    def __init__(
        self, encoded: Sequence[Encoded], tokenizer: PreTrainedTokenizerBase, probability: float, seed: int
    ) -> None:
        self.encoded, self.probability, self.seed = encoded, probability, seed
        self.special = frozenset(tokenizer.all_special_ids)
        # of the tokens it picks 80 % become [MASK], 10 % another token, 10 % stay: its defaults are the paper's
        self.collator = DataCollatorForLanguageModeling(tokenizer, mlm_probability=probability)

    def __len__(self) -> int:
        return len(self.encoded)

    @property
    def learned(self) -> float:
        """Mean number of tokens of a text that are masked, as expected."""
        maskable = sum(token not in self.special for one in self.encoded for token in one.completion)
        return self.probability * maskable / len(self.encoded)

    def __getitem__(self, index: int | tuple[int, int]) -> dict[str, torch.Tensor]:
        text, place = index if isinstance(index, tuple) else (index, index)
        ids = self.encoded[text].completion
        drawn = hashlib.sha256(f"{self.seed}:{place}".encode()).digest()[:7]
        self.collator.generator = torch.Generator().manual_seed(int.from_bytes(drawn))
        special = torch.tensor([[token in self.special for token in ids]])
        masked, labels = self.collator.torch_mask_tokens(torch.tensor([ids]), special_tokens_mask=special)
        return {"input_ids": masked[0], "labels": labels[0]}


def watchable(data: MaskedTexts) -> MaskedTexts:
    """Validation texts of which something is masked.

    Raises:
        UserError: nothing is, so that there would be no validation loss.
    """
    if all((data[index]["labels"] == IGNORE_INDEX).all() for index in range(len(data))):
        raise UserError(
            f"train: of {len(data)} validation texts no token is masked, so there is no validation loss. "
            "Raise train.eval_examples, prepare.validation_share or train.mlm_probability."
        )
    return data


class Placed(Sampler[tuple[int, int]]):
    """An order of texts, each with its place in the whole training: a text shown again gets another mask."""

    def __init__(self, order: GroupedByLength) -> None:
        self.order = order

    def set_epoch(self, epoch: int) -> None:
        self.order.set_epoch(epoch)

    def __len__(self) -> int:
        return len(self.order)

    @property
    def texts_per_step(self) -> float:
        """Mean number of texts in an optimizer step."""
        return self.order.texts_per_step

    def __iter__(self) -> Iterator[tuple[int, int]]:
        first = self.order.epoch * len(self)
        return ((text, first + place) for place, text in enumerate(self.order))


@dataclass(frozen=True)
class RightPadded:
    """Collator: `input_ids`, `attention_mask` and `labels`, each (batch, longest), padded on the right.

    Labels stand a place ahead of the token they hide, as `summed_loss` reads them: it holds the logits of a place against
    the label of the next. The last token of a text is never masked (it ends the text), so that no label is lost.
    """

    pad_token_id: int
    max_length: int
    """No batch is longer: learned positions end here."""

    def __call__(self, features: list[dict[str, torch.Tensor]]) -> dict[str, torch.Tensor]:
        longest = min(rounded_up(max(len(feature["input_ids"]) for feature in features)), self.max_length)
        shape = (len(features), longest)
        input_ids = torch.full(shape, self.pad_token_id)
        attention_mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, IGNORE_INDEX)
        for row, feature in enumerate(features):
            length = len(feature["input_ids"])
            input_ids[row, :length] = feature["input_ids"]
            attention_mask[row, :length] = 1
            labels[row, 1:length] = feature["labels"][:-1]
        return {"input_ids": input_ids, "attention_mask": attention_mask, "labels": labels}
