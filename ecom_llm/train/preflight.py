"""Before a step is taken: data that would train to nothing is refused, and what the training will cost is said."""

import logging
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.records import UserError
from ecom_llm.train.checkpoint_files import configured_ids
from ecom_llm.write.encode import Encoded, turns

logger = logging.getLogger(__name__)
Batch = Mapping[str, object]
MEASURED_SECONDS = 5.0
"""No further pass is timed after these: of a model so slow the first one says enough."""


@dataclass
class Found:
    """How many examples have a fault, and the first of them."""

    count: int = 0
    first: str = ""

    def add(self, name: str) -> None:
        self.first = self.first or name
        self.count += 1


@dataclass
class Survey:
    """What one pass over the encoded examples of a split saw; token counts are of the examples that fit."""

    examples: int = 0
    """All of them, those left out included."""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    left_out: Found = field(default_factory=Found)  # longer than train.max_length
    empty: Found = field(default_factory=Found)
    """A completion without a word: its labels are masked, or special tokens alone."""
    endless: Found = field(default_factory=Found)
    """No end-of-text at the end of the completion."""
    doubled: Found = field(default_factory=Found)
    """Two beginnings of text in front of the prompt."""
    foreign: Found = field(default_factory=Found)
    """Token ids that the model has no embedding for."""

    def share(self, found: Found, split: str) -> str:
        return f"train: {found.count} of {self.examples} {split} examples ({found.count / self.examples:.1%})"


@dataclass(frozen=True)
class Reading:
    """What of a tokenizer and a model decides whether an example can be learned."""

    tokenizer: PreTrainedTokenizerBase
    ends: frozenset[int]
    rows: int
    frame: list[int]
    """The completion of an empty answer: what the chat template writes around any answer."""
    word: Callable[[int], bool]
    """Whether a token says something by itself; a special one, white space and a fragment of a character do not."""

    def silent(self, tokens: list[int]) -> bool:
        """Whether there is nothing to read; decoded only where fragments may add up to a character or to white space."""
        return not any(map(self.word, tokens)) and not self.tokenizer.decode(tokens, skip_special_tokens=True).strip()

    def empty(self, completion: list[int]) -> bool:
        return completion == self.frame or self.silent(completion)

    def ended(self, completion: list[int]) -> bool:
        """Whether an end stands at the end; templates such as Qwen's write a line break behind it."""
        behind = next((place for place, token in enumerate(reversed(completion)) if token in self.ends), None)
        return behind is not None and self.silent(completion[len(completion) - behind :])


def says_something(tokenizer: PreTrainedTokenizerBase) -> Callable[[int], bool]:
    """Whether a token can be read; asked once per distinct id, since decoding 150,000 beforehand would take a second."""
    # `all_special_ids` holds the named ones alone (eos, pad ...), without the markers of turns
    markers = (token for token, entry in tokenizer.added_tokens_decoder.items() if entry.special)
    special = {*tokenizer.all_special_ids, *markers}
    return cache(lambda token: token not in special and bool(tokenizer.decode([token]).replace("\ufffd", "").strip()))


def reading(tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel) -> Reading:
    """Ask tokenizer and model what `survey` needs to know."""
    return Reading(
        tokenizer=tokenizer,
        # Gemma's turns end with another token than its tokenizer's end-of-text
        ends=frozenset(configured_ids(model, "eos_token_id") | ({tokenizer.eos_token_id} - {None})),
        rows=model.get_input_embeddings().num_embeddings,
        frame=tokenizer(turns(tokenizer, "?", "")[1], add_special_tokens=False)["input_ids"],
        word=says_something(tokenizer),
    )


def survey(pairs: Iterable[tuple[str, Encoded]], read: Reading, max_length: int) -> Survey:
    """One pass over (id, encoded example), in constant memory.

    Examples left out for their length are checked too: a fault in them is a fault of the template or the source.
    """
    bos = read.tokenizer.bos_token_id
    seen = Survey()
    for name, one in pairs:
        seen.examples += 1
        if len(one) > max_length:
            seen.left_out.add(name)
        else:
            seen.prompt_tokens += len(one.prompt)
            seen.completion_tokens += len(one.completion)
        if read.empty(one.completion):
            seen.empty.add(name)
        if not read.ended(one.completion):
            seen.endless.add(name)
        if bos is not None and one.prompt[:2] == [bos, bos]:
            seen.doubled.add(name)
        if max(one.prompt + one.completion, default=0) >= read.rows:
            seen.foreign.add(name)
    return seen


def check_survey(seen: Survey, read: Reading, split: str, max_length: int, max_left_out: float) -> None:
    """Refuse a split that would train to nothing; of its examples at most `max_left_out` may be too long.

    Raises:
        UserError: foreign ids, empty completions, no end-of-text, doubled BOS, or too many examples left out.
    """
    ends = " or ".join(map(str, read.tokenizer.convert_ids_to_tokens(sorted(read.ends)))) or "it has none"
    faults = {
        "foreign": f"hold token ids that the model, with {read.rows} embeddings, does not know. The tokenizer belongs to "
        "another model: take model and tokenizer from one checkpoint",
        "empty": "have nothing to learn: their completion is empty, or special tokens alone. Remove them from the source "
        "or let prepare.filters (`short`) reject them",
        "endless": f"do not end with an end-of-text ({ends}), so the model would never learn to stop. "
        "Mend the tokenizer's chat template: each answer closes with it",
        "doubled": f"begin with {read.tokenizer.bos_token} twice, which the model never saw. "
        "Mend the tokenizer's chat template: it writes the beginning of text once",
    }
    for name, what in faults.items():
        found: Found = getattr(seen, name)
        if found.count:
            raise UserError(f"{seen.share(found, split)} {what}. The first is {found.first}.")
    check_left_out(seen, split, max_length, max_left_out)


def check_left_out(seen: Survey, split: str, max_length: int, max_left_out: float) -> None:
    """Refuse a split of which too much is too long: a model of the short half of a catalogue is no model of it."""
    if seen.left_out.count > max_left_out * seen.examples:
        raise UserError(
            f"{seen.share(seen.left_out, split)} are longer than train.max_length {max_length} and would be left out, "
            f"{seen.left_out.first} first; train.max_left_out allows {max_left_out:.1%}. Raise train.max_length, shorten "
            "the texts, or raise train.max_left_out."
        )


@dataclass(frozen=True)
class Passes:
    """What forward and backward passes over real batches took."""

    seconds: float
    """A batch's way to its loss and back, on average."""
    activations: int
    """Bytes that the largest batch keeps from its forward to its backward pass."""


@contextmanager
def undisturbed(model: torch.nn.Module) -> Iterator[None]:
    """Leave no trace: generators, buffers, gradients and mode are afterwards what they were.

    A trial pass draws dropout masks from the generators the training draws from: measured, it would end elsewhere.
    """
    python, numpy = random.getstate(), np.random.get_state()
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    training, device = model.training, next(model.parameters()).device
    for parameter, _ in gradients:
        parameter.grad = None
    try:
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):  # the CPU's is always forked
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)
        for parameter, before in gradients:
            parameter.grad = before
        model.train(training)


def clock() -> float:
    """Seconds, after the device has done what it was given."""
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


def timed_pass(model: torch.nn.Module, batch: Batch, loss_of: Callable[[Batch], torch.Tensor]) -> float:
    """Seconds of a forward and a backward pass; the gradients are thrown away."""
    began = clock()
    loss_of(dict(batch)).backward()
    seconds = clock() - began
    model.zero_grad(set_to_none=True)
    return seconds


def kept_activations(model: torch.nn.Module, batch: Batch, loss_of: Callable[[Batch], torch.Tensor]) -> int:
    """Bytes that autograd keeps for the backward pass of a batch, each storage counted once and no parameter.

    On CUDA the allocator's peak says more: it counts the temporary tensors of kernels too, and autocast's copies.
    """
    own = {tensor.untyped_storage().data_ptr() for tensor in (*model.parameters(), *model.buffers())}
    kept: dict[int, int] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        # the tensor itself would hold the node that saves it: a cycle that out of memory, without a backward pass, nobody frees
        return tensor.detach()

    cuda = next(model.parameters()).is_cuda
    before = torch.cuda.memory_allocated() if cuda else 0
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        timed_pass(model, batch, loss_of)
    return torch.cuda.max_memory_allocated() - before if cuda else sum(kept.values())


def measure(model: torch.nn.Module, batches: Sequence[Batch], loss_of: Callable[[Batch], torch.Tensor]) -> Passes:
    """Time passes over the largest batch and three that stand for the rest; the model stays as it is, bit for bit.

    Args:
        batches: collated, in no order; the first fifty of a length-grouped epoch hold every length.
        loss_of: forward pass and loss of one batch, as the training computes it.

    Raises:
        torch.OutOfMemoryError: the largest batch does not fit; see `halve_batch`.
    """
    ordered = sorted(batches, key=lambda batch: batch["input_ids"].numel())
    # the middles of three equal parts: their mean is that of all, as far as time is linear in size within a part
    middles = [ordered[len(ordered) * part // 6] for part in (3, 1, 5)]
    with undisturbed(model):
        model.train()
        # the largest first, outside the clock: it warms up the kernels and finds out whether the memory suffices
        activations = kept_activations(model, ordered[-1], loss_of)
        began, passes = clock(), []
        for batch in middles:
            if not passes or clock() - began < MEASURED_SECONDS:
                passes.append(timed_pass(model, batch, loss_of))
    return Passes(sum(passes) / len(passes), activations)


@dataclass(frozen=True)
class Cost:
    """What a training will take: time as measured, memory as computed from what was measured."""

    epochs: float
    tokens: int
    """Prompt and completion tokens read in all; padding is not counted."""
    seconds: float
    """Passes alone: AdamW, validation and checkpoints come on top."""
    weights: int
    """Bytes; so are those below."""
    gradients: int
    moments: int
    """AdamW's two, in the precision of the weights."""
    activations: int

    def __str__(self) -> str:
        time = f"about {self.seconds / 60:.1f} min" if math.isfinite(self.seconds) else "a time not measured"
        parts = {name: getattr(self, name) / 1e6 for name in ("weights", "gradients", "moments", "activations")}
        return (
            f"{self.epochs:.1f} epochs, {self.tokens / 1e6:.1f} M tokens, {time}, "
            f"{sum(parts.values()):.0f} MB ({', '.join(f'{name} {size:.0f}' for name, size in parts.items())})"
        )


def cost(seen: Survey, passes: Passes, model: torch.nn.Module, examples: float, steps: int, batches: int) -> Cost:
    """What `steps` steps take, each of `examples` examples over all devices; a device makes `batches` passes in all."""
    epochs = steps * examples / (seen.examples - seen.left_out.count)
    learned = sum(one.numel() * one.element_size() for one in model.parameters() if one.requires_grad)
    return Cost(
        epochs=epochs,
        tokens=round(epochs * (seen.prompt_tokens + seen.completion_tokens)),
        seconds=batches * passes.seconds,
        weights=sum(one.numel() * one.element_size() for one in model.parameters()),
        gradients=learned,
        moments=2 * learned,
        activations=passes.activations,
    )
