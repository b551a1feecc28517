"""Prompts -> several sampled texts each, best first: a prompt is read once, and rows that have ended are read no more."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tqdm import tqdm
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.decoding import Decoding
from ecom_llm.evaluate.generation import OwnSlots, decode, end_tokens, generate_texts
from ecom_llm.evaluate.padding import batches, pad, positions
from ecom_llm.evaluate.reranking import Candidate, ranked
from ecom_llm.records import Example
from ecom_llm.skills.slots import Writing
from ecom_llm.train.encode import encode, shown_text, uses_slots, writing_of

Drawn = tuple[list[int], float]
"""Tokens, the end token left out, and the negative log-likelihood in nats, the end token's included."""


@dataclass(frozen=True)
class Once:
    """Tokens that a row may write once at most, and those of them that it may not write at all."""

    ids: torch.Tensor
    """(tokens)"""
    closed: torch.Tensor
    """(rows, tokens), bool"""

    def select(self, rows: torch.Tensor) -> "Once":
        return Once(self.ids, self.closed[rows])

    def repeat(self, times: int) -> "Once":
        return Once(self.ids, self.closed.repeat_interleave(times, dim=0))

    def used(self, token: torch.Tensor) -> "Once":
        return Once(self.ids, self.closed | (token[:, None] == self.ids))


@torch.inference_mode()
def sample_batch(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    prompts: Sequence[Sequence[int]],
    once: Once,
    ends: Sequence[int],
    decoding: Decoding,
) -> list[list[Drawn]]:
    """`num_return_sequences` texts after each prompt, drawn from torch's generator; a text may come twice.

    The likelihood is that at temperature 1 among the tokens that were allowed.
    """
    count = decoding.num_return_sequences
    ids, mask = pad(prompts, tokenizer.pad_token_id, "left", model.device)
    read = model(input_ids=ids, attention_mask=mask, position_ids=positions(mask), logits_to_keep=1, use_cache=True)
    cache: Cache = read.past_key_values
    cache.batch_repeat_interleave(count)
    logits = read.logits[:, -1].repeat_interleave(count, dim=0)
    mask = mask.repeat_interleave(count, dim=0)
    once = once.repeat(count)
    rows = torch.arange(len(prompts) * count, device=model.device)
    nats = torch.zeros(len(rows), dtype=torch.float64)
    tokens: list[list[int]] = [[] for _ in rows]
    stop = torch.tensor(list(ends), device=model.device)
    for _ in range(decoding.max_new_tokens):
        scores = logits.float()
        scores[:, once.ids] = scores[:, once.ids].masked_fill(once.closed, float("-inf"))
        drawn = torch.multinomial((scores / decoding.temperature).softmax(dim=-1), 1)
        nats[rows.cpu()] -= scores.log_softmax(dim=-1).gather(1, drawn)[:, 0].double().cpu()
        going = ~torch.isin(drawn[:, 0], stop)
        if not going.any():
            break
        if not going.all():
            kept = going.nonzero()[:, 0]
            rows, drawn, mask, once = rows[kept], drawn[kept], mask[kept], once.select(kept)
            cache.batch_select_indices(kept)
        for row, token in zip(rows.tolist(), drawn[:, 0].tolist(), strict=True):
            tokens[row].append(token)
        once = once.used(drawn[:, 0])
        mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
        logits = model(
            input_ids=drawn,
            attention_mask=mask,
            position_ids=mask.sum(dim=1, keepdim=True) - 1,
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
    found = list(zip(tokens, nats.tolist(), strict=True))
    return [found[start : start + count] for start in range(0, len(found), count)]


def written_texts(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], decoding: Decoding
) -> list[list[str]]:
    """The texts of each example, best first, written as `decoding` says: one, or with `rerank` the distinct samples.

    Raises:
        UserError: a prompt fills all the positions the model has.
    """
    if decoding.rerank == "none":
        return [[text] for text in generate_texts(model, tokenizer, examples, decoding)]
    return best_texts(model, tokenizer, examples, decoding)


def best_texts(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example], decoding: Decoding
) -> list[list[str]]:
    """For each example the distinct texts among `num_return_sequences` sampled ones, best first (see `ranked`).

    Equal input gives equal texts; another `batch_size` gives other samples. Targets are not read.
    """
    torch.manual_seed(decoding.seed)
    encoded = encode(examples, tokenizer)
    ends = end_tokens(tokenizer, encoded[0].completion) if encoded else []
    writing = writing_of(tokenizer) or Writing(names=frozenset())
    found: list[list[str]] = [[] for _ in examples]
    size = max(1, decoding.per_device_eval_batch_size // decoding.num_return_sequences)
    groups = batches([len(one.prompt) for one in encoded], size)
    for group in tqdm(groups, desc="sampling", unit="batch", disable=None, leave=False):
        asked = [examples[index] for index in group]
        prompts = [encoded[index].prompt for index in group]
        drawn = sample_batch(model, tokenizer, prompts, once_of(tokenizer, asked), ends, decoding)
        for index, example, rows in zip(group, asked, drawn, strict=True):
            candidates = [Candidate(decode(tokenizer, row, ends), nats, len(row) + 1) for row, nats in rows]
            best = ranked(candidates, example, writing, decoding.likelihood_weight)
            found[index] = [shown_text(one.text, example, tokenizer) for one in best]
    return found


def once_of(tokenizer: PreTrainedTokenizerBase, examples: Sequence[Example]) -> Once:
    """The slots each example may write, as `OwnSlots` has them; none for a model without slots."""
    if not uses_slots(tokenizer):
        nothing = torch.zeros(0, dtype=torch.long)
        return Once(nothing, torch.zeros(len(examples), 0, dtype=torch.bool))
    rule = OwnSlots(tokenizer, examples, 0)
    return Once(rule.ids, rule.closed)
