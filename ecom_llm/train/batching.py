"""Encoded examples -> batches: padded on the left, so that logits are computed for completions alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader, Dataset, Sampler
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_pt_utils import get_length_grouped_indices

from ecom_llm.write.encode import Encoded

IGNORE_INDEX = -100


class Completions(Dataset):
    """A map-style data set of `{"input_ids": prompt + completion, "completion": length of the completion}`."""

    def __init__(self, encoded: Sequence[Encoded]) -> None:
        self.encoded = encoded

    def __len__(self) -> int:
        return len(self.encoded)

    @property
    def learned(self) -> float:
        """Mean number of completion tokens of a text."""
        return sum(len(one.completion) for one in self.encoded) / len(self.encoded)

    def __getitem__(self, index: int) -> dict[str, object]:
        example = self.encoded[index]
        return {"input_ids": example.prompt + example.completion, "completion": len(example.completion)}


def drawn_from(seed: int, epoch: int) -> torch.Generator:
    """The generator of one epoch's order: the same in every process, and in one that resumes in the middle."""
    return torch.Generator().manual_seed((seed << 20) + epoch)


class GroupedByLength(Sampler[int]):
    """transformers' length-grouped batches, drawn from (seed, epoch) alone, in whole optimizer steps and in random order.

    Its own sampler draws from torch's global generator, whose state in the middle of an epoch is not the one the epoch
    began with: a training resumed there would see other batches than one that was never interrupted.

    transformers' order goes from the longest batch to the shortest fifty times over. So the model sees one kind of text
    for a while and then another, and learns less of both; shuffled, the same batches cost the same time. The first stays
    in front: it holds the longest text, and should the memory not suffice, that is better known at once.

    The last step of an epoch is filled up with texts drawn a second time. Left short, it would be another step for two
    processes than for one: accelerate fills up there, and from the beginning of the order.

    Args:
        lengths: tokens of each text.
        step_size: texts in an optimizer step, over all batches and processes; neighbours in length share a step.
    """

    def __init__(self, lengths: Sequence[int], step_size: int, seed: int) -> None:
        self.lengths, self.step_size, self.seed, self.epoch = lengths, step_size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(len(self.lengths) / self.step_size) * self.step_size

    @property
    def texts_per_step(self) -> float:
        """Mean number of texts in an optimizer step."""
        return self.step_size

    def __iter__(self) -> Iterator[int]:
        generator, count = drawn_from(self.seed, self.epoch), len(self.lengths)
        order = get_length_grouped_indices(self.lengths, self.step_size, generator=generator)
        again = torch.randperm(count, generator=generator).tolist()
        order += [again[place % count] for place in range(len(self) - count)]
        steps = [order[start : start + self.step_size] for start in range(0, len(order), self.step_size)]
        shuffled = (torch.randperm(len(steps) - 1, generator=generator) + 1).tolist()
        for step in [0, *shuffled]:
            yield from steps[step]


class EpochReachesSampler(TrainerCallback):
    """Tell the sampler which epoch begins, however many wrappers stand between it and Trainer.

    accelerate 1.15 passes the epoch on through one wrapper. A training resumed in one of several processes has two
    (batches skipped, batches shared out), and would go through the first epoch's order again.
    """

    def on_epoch_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        train_dataloader: DataLoader,
        **kwargs: object,
    ) -> None:
        batches = train_dataloader.batch_sampler
        while hasattr(batches, "batch_sampler"):
            batches = batches.batch_sampler
        batches.sampler.set_epoch(int(state.epoch or 0))


def rounded_up(length: int) -> int:
    """The next multiple of 8: the CPU's kernels are made anew, and kept, for every shape there is."""
    return -(-length // 8) * 8


@dataclass(frozen=True)
class LeftPadded:
    """Collator: every completion ends at the right edge, and only there are logits needed.

    Returns `input_ids`, `attention_mask`, `position_ids`, `labels`, each (batch, longest), and `logits_to_keep`, the
    length of the longest completion + 1: of a batch of short texts with long prompts most logits are never computed.
    Both lengths are rounded up to a multiple of 8.
    Labels are IGNORE_INDEX on prompts and padding, so prompts are read but not learned.
    """

    pad_token_id: int

    def __call__(self, features: list[dict[str, object]]) -> dict[str, object]:
        longest = rounded_up(max(len(feature["input_ids"]) for feature in features))
        shape = (len(features), longest)
        input_ids = torch.full(shape, self.pad_token_id)
        attention_mask = torch.zeros(shape, dtype=torch.long)
        labels = torch.full(shape, IGNORE_INDEX)
        for row, feature in enumerate(features):
            ids = torch.tensor(feature["input_ids"])
            input_ids[row, -len(ids) :] = ids
            attention_mask[row, -len(ids) :] = 1
            labels[row, -feature["completion"] :] = ids[-feature["completion"] :]
            labels[row, -len(ids)] = IGNORE_INDEX  # nothing stands before a first token that could predict it
        return {
            "input_ids": input_ids,
            "attention_mask": attention_mask,
            "position_ids": (attention_mask.cumsum(dim=1) - 1).clamp(min=0),
            "labels": labels,
            "logits_to_keep": min(longest, rounded_up(max(feature["completion"] for feature in features) + 1)),
        }


def summed_loss(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Sum of the cross-entropies in nats over completion tokens.

    `logits` is (batch, kept, vocabulary) for the last `kept` positions of `labels` (batch, longest); position i
    predicts label i + 1.
    """
    predicted = logits[:, :-1].float()
    wanted = labels[:, -predicted.shape[1] :]
    return torch.nn.functional.cross_entropy(
        predicted.flatten(0, 1), wanted.flatten(), ignore_index=IGNORE_INDEX, reduction="sum"
    )


@dataclass
class CompletionLoss:
    """Trainer's `compute_loss_func`: nats per completion token, every token of the data weighing the same.

    A batch of one length holds ten times as many completion tokens when it holds descriptions as when it holds titles.
    Divided by its own count, as Trainer does, a token of a title would weigh ten times a token of a description. So
    every step is divided by the same number, the mean.
    """

    tokens_per_step: float
    """Mean number of completion tokens in an optimizer step, over all batches and devices."""
    tokens: int | torch.Tensor = 0
    """Completion tokens of this process's batches since somebody set it to 0; on the device, so that nobody waits for it."""

    def __call__(
        self, outputs: object, labels: torch.Tensor, num_items_in_batch: torch.Tensor | int | None = None
    ) -> torch.Tensor:
        self.tokens = self.tokens + (labels != IGNORE_INDEX).sum()
        return summed_loss(outputs.logits, labels) / self.tokens_per_step
