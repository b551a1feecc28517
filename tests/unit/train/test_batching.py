"""Batches: the order of an epoch, which texts share a step, and what a padded batch teaches."""

from collections import Counter

import pytest
import torch
from accelerate.data_loader import BatchSamplerShard, SkipBatchSampler
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, DataLoader
from transformers import TrainerState

from ecom_llm.train.batching import (
    IGNORE_INDEX,
    CompletionLoss,
    Completions,
    EpochReachesSampler,
    GroupedByLength,
    LeftPadded,
)
from ecom_llm.train.packing import PackedRows
from ecom_llm.write.encode import Encoded

LENGTHS = [3 + (7 * number) % 50 for number in range(109)]
ORDERS = {
    "grouped by length": lambda: GroupedByLength(LENGTHS, 32, seed=1),
    "packed": lambda: PackedRows(LENGTHS, 64, 8, seed=1),
}


@given(st.lists(st.integers(1, 99), min_size=1, max_size=70), st.integers(1, 33), st.integers(0, 3))
def test_an_epoch_is_whole_steps_that_show_every_text(lengths, step_size, epoch):
    order = GroupedByLength(lengths, step_size, seed=1)
    order.set_epoch(epoch)
    shown = list(order)
    assert len(shown) == len(order) == -(-len(lengths) // step_size) * step_size
    times = Counter(shown)
    assert set(times) == set(range(len(lengths)))
    assert max(times.values()) - min(times.values()) <= 1


@pytest.mark.parametrize("name", ORDERS)
def test_the_order_rests_on_seed_and_epoch_alone(name):
    one, other = ORDERS[name](), ORDERS[name]()
    first = list(one)
    torch.rand(7)
    other.set_epoch(5)
    assert list(other) != first
    other.set_epoch(0)
    assert list(other) == first


def test_steps_come_in_no_order_of_length_but_for_the_longest_first():
    """transformers' own order goes from long to short in every 50 steps: a correlation of 0.997 with the place here."""
    lengths = torch.randint(3, 300, (8000,), generator=torch.Generator().manual_seed(2)).tolist()
    order = list(GroupedByLength(lengths, 8, seed=1))
    longest = torch.tensor([max(lengths[one] for one in order[start : start + 8]) for start in range(0, 8000, 8)])
    assert longest[0] == max(lengths)
    places = torch.arange(1000) % 50
    assert abs(torch.corrcoef(torch.stack([places.float(), longest.float()]))[0, 1]) < 0.1


def test_neighbours_in_length_share_a_step():
    order = list(GroupedByLength(LENGTHS, 8, seed=1))
    spread = [
        max(LENGTHS[one] for one in step) - min(LENGTHS[one] for one in step)
        for step in (order[start : start + 8] for start in range(8, len(order), 8))
    ]
    assert sum(spread) / len(spread) < 20  # of 49, which is what random batches come near


def steps(order, batch_size: int, accumulation: int, processes: int) -> list[list[object]]:
    """The members of every optimizer step, as DataLoader batches them and accelerate shares them out."""
    shards = [
        list(BatchSamplerShard(BatchSampler(order, batch_size, drop_last=False), processes, rank))
        for rank in range(processes)
    ]
    assert len({len(batches) for batches in shards}) == 1
    starts = range(0, len(shards[0]), accumulation)
    return [
        sorted(one for shard in shards for batch in shard[at : at + accumulation] for one in batch) for at in starts
    ]


@pytest.mark.parametrize(("name", "size"), [("grouped by length", 32), ("packed", 8)])
def test_the_same_texts_make_a_step_however_it_is_divided(name, size):
    whole = steps(ORDERS[name](), size, 1, 1)
    assert len(whole) > 3
    assert steps(ORDERS[name](), size // 4, 4, 1) == whole
    assert steps(ORDERS[name](), size // 2, 1, 2) == whole
    assert steps(ORDERS[name](), size // 8, 2, 4) == whole


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("resumed", [False, True])
def test_the_epoch_reaches_the_order_through_every_wrapper(processes, resumed):
    order = ORDERS["grouped by length"]()
    batches = BatchSampler(order, 8, drop_last=False)
    batches = BatchSamplerShard(batches, processes, 0) if processes > 1 else batches
    batches = SkipBatchSampler(batches, 3) if resumed else batches
    loader = DataLoader(range(len(LENGTHS)), batch_sampler=batches)
    EpochReachesSampler().on_epoch_begin(None, TrainerState(epoch=4.25), None, train_dataloader=loader)
    assert order.epoch == 4


def test_nothing_is_learned_of_a_first_token():
    """Of the longest text it has no place to be predicted from; behind padding it would be predicted from padding."""
    data = Completions([Encoded([], [5, 6]), Encoded([1, 2], [3])])
    labels = LeftPadded(0)([data[0], data[1]])["labels"]
    assert [row[-3:] for row in labels.tolist()] == [[IGNORE_INDEX, IGNORE_INDEX, 6], [IGNORE_INDEX, IGNORE_INDEX, 3]]
    assert (labels != IGNORE_INDEX).sum() == 2


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1, max_size=5))
def test_lengths_are_the_next_multiple_of_eight(sizes):
    data = Completions([Encoded([1] * prompt, [2] * completion) for prompt, completion in sizes])
    batch = LeftPadded(0)([data[place] for place in range(len(data))])
    longest, completion = max(map(sum, sizes)), max(size for _, size in sizes)
    assert batch["input_ids"].shape[1] % 8 == 0 and 0 <= batch["input_ids"].shape[1] - longest < 8
    assert (
        completion < batch["logits_to_keep"] < completion + 9 or batch["logits_to_keep"] == batch["input_ids"].shape[1]
    )


def test_a_token_weighs_the_same_in_every_batch():
    logits = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 2, 3, 4, 5], [IGNORE_INDEX, IGNORE_INDEX, IGNORE_INDEX, IGNORE_INDEX, 6]])
    outputs = type("Outputs", (), {"logits": logits})
    each = [
        CompletionLoss(10.0)(type("Outputs", (), {"logits": logits[row : row + 1]}), labels[row : row + 1])
        for row in range(2)
    ]
    assert CompletionLoss(10.0)(outputs, labels).item() == pytest.approx(sum(each).item(), rel=1e-6)
