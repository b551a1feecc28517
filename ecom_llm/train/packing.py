"""Texts packed into rows: put after each other, none seeing another, so that almost nothing is padding.

A row holds several texts, each with positions that begin at 0. From them transformers tells the texts apart, in sdpa,
eager, flex and flash attention alike, but only while it is given neither an attention mask nor a cache: with a mask of
ones the texts would read each other, and nothing would say so. `contamination` measures whether a model keeps them apart.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch.utils.data import Dataset, Sampler
from transformers import PreTrainedModel

from ecom_llm.records import UserError
from ecom_llm.train.batching import IGNORE_INDEX, Completions, drawn_from

WINDOW = 4096
"""Texts that are packed together: enough to fill rows to a few per cent, and to leave the order of an epoch random."""


def best_fit_decreasing(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Places in `lengths` -> rows that hold at most `capacity`, each text in the fullest row it fits into.

    Best-fit decreasing (Johnson 1974: at most 11/9 of the fewest rows possible, and in practice a few per cent).

    Raises:
        ValueError: a text is longer than a row.
    """
    if lengths and max(lengths) > capacity:
        raise ValueError(f"a text of {max(lengths)} tokens does not fit into rows of {capacity}")
    rows: list[list[int]] = []
    with_space: dict[int, list[int]] = {}  # space left -> rows that have it
    spaces: list[int] = []  # its keys, ascending
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        found = bisect_left(spaces, lengths[place])
        if found < len(spaces):
            space = spaces[found]
            row = with_space[space].pop()
            if not with_space[space]:
                del with_space[space], spaces[found]
        else:
            space, row = capacity, len(rows)
            rows.append([])
        rows[row].append(place)
        left = space - lengths[place]
        if left not in with_space:
            with_space[left] = []
            insort(spaces, left)
        with_space[left].append(row)
    return rows


class PackedRows(Sampler[tuple[int, ...]]):
    """The rows of an epoch, each the indices of its texts, drawn from (seed, epoch) alone, in whole optimizer steps.

    Texts in random order are cut into windows, each window is packed, and the rows of all are shuffled: a row's texts
    are alike in nothing but that they fit. Trainer wants epochs of one length, and another order packs into a row more
    or less. So each epoch has the rows of the first, rounded up to whole steps: rows that are too many are left out, and
    those that are too few are shown a second time.

    Args:
        lengths: tokens of each text.
        capacity: tokens in a row.
        step_size: rows in an optimizer step, over all batches and processes.
    """

    def __init__(self, lengths: Sequence[int], capacity: int, step_size: int, seed: int) -> None:
        self.lengths, self.capacity, self.step_size, self.seed, self.epoch = lengths, capacity, step_size, seed, 0
        self.rows = len(self.packed(0))

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil(self.rows / self.step_size) * self.step_size

    @property
    def texts_per_step(self) -> float:
        """Mean number of texts in an optimizer step."""
        return self.step_size * len(self.lengths) / self.rows

    def packed(self, epoch: int) -> list[tuple[int, ...]]:
        """Every text once, in rows of random order."""
        generator = drawn_from(self.seed, epoch)
        order = torch.randperm(len(self.lengths), generator=generator).tolist()
        rows = []
        for start in range(0, len(order), WINDOW):
            window = order[start : start + WINDOW]
            fitted = best_fit_decreasing([self.lengths[index] for index in window], self.capacity)
            rows += [tuple(window[place] for place in row) for row in fitted]
        return [rows[place] for place in torch.randperm(len(rows), generator=generator).tolist()]

    def __iter__(self) -> Iterator[tuple[int, ...]]:
        rows = self.packed(self.epoch)
        return (rows[place % len(rows)] for place in range(len(self)))


class Rows(Dataset):
    """The texts of `data` by rows: the index is a tuple of indices, as `PackedRows` yields it."""

    def __init__(self, data: Completions) -> None:
        self.data, self.encoded = data, data.encoded

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, row: tuple[int, ...]) -> list[dict[str, object]]:
        return [self.data[index] for index in row]


@dataclass(frozen=True)
class Packed:
    """Collator: rows of texts -> `input_ids` and `position_ids`, both (rows, length), and what is learned of them.

    `logits_to_keep` holds the positions whose next token is learned in some row, so that of prompts no logits are
    computed; `labels` (rows, kept) is gathered in the same way, a place ahead of the logits, as `summed_loss` reads it.
    The end of a row that no text fills is a text of its own, of which nothing is learned.
    """

    pad_token_id: int
    length: int

    def __call__(self, rows: list[list[dict[str, object]]]) -> dict[str, object]:
        shape = (len(rows), self.length)
        input_ids = torch.full(shape, self.pad_token_id)
        labels = torch.full(shape, IGNORE_INDEX)
        position_ids = torch.empty(shape, dtype=torch.long)
        for number, row in enumerate(rows):
            start = 0
            for text in row:
                end, ids = start + len(text["input_ids"]), torch.tensor(text["input_ids"])
                input_ids[number, start:end] = ids
                position_ids[number, start:end] = torch.arange(end - start)
                labels[number, end - text["completion"] : end] = ids[-text["completion"] :]
                labels[number, start] = IGNORE_INDEX  # or the text before would have to predict how this one begins
                start = end
            position_ids[number, start:] = torch.arange(self.length - start)
        before_learned = (labels[:, 1:] != IGNORE_INDEX).any(dim=0).nonzero().flatten()
        nothing = torch.full((len(rows), 1), IGNORE_INDEX)
        return {
            "input_ids": input_ids,
            "position_ids": position_ids,
            "labels": torch.cat([nothing, labels[:, before_learned + 1]], dim=1),
            # the last logits of a batch predict nothing, here as in a padded one
            "logits_to_keep": torch.cat([before_learned, torch.tensor([self.length - 1])]),
            "use_cache": False,
        }


CONTAMINATED = 0.05
"""Largest difference that rounding in bfloat16 makes, and far below that of texts which read each other."""


@torch.no_grad()
def contamination(model: PreTrainedModel) -> float:
    """Largest difference, relative to the largest logit, that packing makes to a text's logits.

    About 1e-6 in fp32 and 1e-2 in bf16 where texts are kept apart. Some architectures carry a state along the row
    instead of attending by position; with those a text behind another is not the text it is alone.
    """
    was_training = model.training
    model.eval()
    generator = torch.Generator().manual_seed(0)
    texts = [torch.randint(model.config.get_text_config().vocab_size, (8,), generator=generator) for _ in range(2)]
    features = [{"input_ids": text.tolist(), "completion": len(text)} for text in texts]
    batch = Packed(0, sum(map(len, texts)))([features])
    ids, positions = (batch[name].to(model.device) for name in ("input_ids", "position_ids"))
    packed = model(input_ids=ids, position_ids=positions, use_cache=False).logits[0].float()
    alone = [model(input_ids=text[None].to(model.device), use_cache=False).logits[0].float() for text in texts]
    model.train(was_training)
    wanted = torch.cat(alone)
    return ((packed - wanted).abs().max() / wanted.abs().max()).item()


def check_apart(model: PreTrainedModel) -> None:
    """Refuse to pack for a model whose texts would read each other.

    Raises:
        UserError: what an architecture that carries a state along the row gets told.
    """
    difference = contamination(model)
    if difference > CONTAMINATED:
        raise UserError(
            f"train.packing: texts packed into one row change each other in this model ({type(model).__name__}: its logits "
            f"move by {difference:.0%}), so it would learn from texts that do not exist. Set train.packing=false."
        )
