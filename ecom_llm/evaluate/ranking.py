"""Histories -> the items the model finds most likely next: beam search held to the titles there are."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nlargest

import numpy as np
import torch
from tqdm import tqdm
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.trie import Trie, build_trie
from ecom_llm.records import Example, Item, UserError
from ecom_llm.write.encode import Encoded, encode
from ecom_llm.write.padding import batches, pad, positions


@dataclass(frozen=True)
class Ranked:
    """A title and its score: the log-probability of the whole title, its end token included, after the prompt."""

    title: str
    score: float


@dataclass
class Beams:
    """The unfinished titles of a batch, one a row; rows of one window stand together."""

    window: np.ndarray
    node: np.ndarray
    score: np.ndarray
    logits: torch.Tensor
    """(rows, vocabulary): what the model expects next."""
    mask: torch.Tensor
    cache: Cache


@torch.inference_mode()
def read_prompts(model: PreTrainedModel, prompts: Sequence[Sequence[int]], pad_token_id: int) -> Beams:
    """One beam at the trie's root for each prompt."""
    ids, mask = pad(prompts, pad_token_id, "left", model.device)
    read = model(input_ids=ids, attention_mask=mask, position_ids=positions(mask), logits_to_keep=1, use_cache=True)
    rows = np.arange(len(prompts))
    return Beams(rows, np.zeros_like(rows), np.zeros(len(rows)), read.logits[:, -1], mask, read.past_key_values)


@torch.inference_mode()
def advance(
    model: PreTrainedModel, beams: Beams, parent: np.ndarray, tokens: np.ndarray
) -> tuple[torch.Tensor, torch.Tensor]:
    """Feed one token to each kept beam; return the next logits (rows, vocabulary) and the longer mask."""
    rows = torch.from_numpy(parent).to(model.device)
    beams.cache.batch_select_indices(rows)
    mask = torch.cat([beams.mask[rows], beams.mask.new_ones(len(parent), 1)], dim=1)
    logits = model(
        input_ids=torch.from_numpy(tokens).to(model.device).unsqueeze(1),
        attention_mask=mask,
        position_ids=mask.sum(dim=1, keepdim=True) - 1,
        past_key_values=beams.cache,
        use_cache=True,
    ).logits[:, -1]
    return logits, mask


def best_rows(window: np.ndarray, score: np.ndarray, most: int) -> np.ndarray:
    """The indices of the `most` best-scored rows of each window, windows in order, best first."""
    order = np.lexsort((-score, window))
    ordered = window[order]
    place = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    return order[place < most]


def step(
    model: PreTrainedModel, beams: Beams, trie: Trie, num_beams: int, done: list[list[tuple[float, int]]], top: int
) -> Beams | None:
    """Write one more token of each beam; complete titles go to `done`, the best unfinished ones go on."""
    parent, edge = trie.expand(beams.node)
    log_probs = beams.logits.float().log_softmax(dim=-1)
    said = log_probs[torch.from_numpy(parent), torch.from_numpy(trie.token[edge])].cpu().numpy()
    window, node, score = beams.window[parent], trie.child[edge], beams.score[parent] + said
    for row in np.flatnonzero(trie.sequence[node] >= 0):
        done[window[row]].append((float(score[row]), int(trie.sequence[node[row]])))
    # a longer title is never likelier than its beginning, so beams below the last place that counts are given up
    last = np.full(len(done), -np.inf)
    for index, found in enumerate(done):
        found[:] = nlargest(top, found, key=lambda pair: (pair[0], -pair[1]))
        if len(found) == top:
            last[index] = found[-1][0]
    open_rows = np.flatnonzero(trie.has_edges(node) & (score > last[window]))
    kept = open_rows[best_rows(window[open_rows], score[open_rows], num_beams)]
    if not len(kept):
        return None
    logits, mask = advance(model, beams, parent[kept], trie.token[edge[kept]])
    return Beams(window[kept], node[kept], score[kept], logits, mask, beams.cache)


def search(
    model: PreTrainedModel, prompts: Sequence[Sequence[int]], trie: Trie, pad_token_id: int, num_beams: int, top: int
) -> list[list[tuple[float, int]]]:
    """The best sequences of the trie after each prompt: (log-probability, index), best first."""
    done: list[list[tuple[float, int]]] = [[] for _ in prompts]
    beams: Beams | None = read_prompts(model, prompts, pad_token_id)
    while beams is not None:
        beams = step(model, beams, trie, num_beams, done, top)
    return done


def titles_by_locale(items: Iterable[Item]) -> dict[str, list[str]]:
    """Locale -> the distinct titles of its items, in the items' order."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for item in items:
        found[item.locale][item.title] = None
    return {locale: list(titles) for locale, titles in found.items()}


def rank_items(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    examples: Sequence[Example],
    items: Iterable[Item],
    num_beams: int,
    batch_size: int,
    top: int = 10,
    encoded: Sequence[Encoded] | None = None,
) -> list[list[Ranked]]:
    """The `top` titles of each example's locale, likeliest next purchase first, in the examples' order.

    Constrained beam search over a trie of the titles' tokens (as GENRE: De Cao et al. 2021, "Autoregressive Entity
    Retrieval", 3.2), so nothing but a title can be written. Complete titles are kept beside the beams and unpenalised
    for length: the order is exact among all titles a beam reached, and over all titles when there are as many beams
    as titles. Titles already in the history stay in: shoppers buy again, and the popularity baseline keeps them too.

    Args:
        encoded: the examples as `encode` gives them, where that was done before.

    Raises:
        UserError: a locale has examples and no items.
    """
    encoded = encode(examples, tokenizer) if encoded is None else encoded
    ranked: dict[int, list[Ranked]] = {}
    titles = titles_by_locale(items)
    for locale in dict.fromkeys(example.locale for example in examples):
        if locale not in titles:
            raise UserError(f"there is nothing to recommend in locale {locale}: no item has a title in it.")
        chosen = [index for index, example in enumerate(examples) if example.locale == locale]
        as_targets = encode(
            [examples[chosen[0]].model_copy(update={"target": one}) for one in titles[locale]], tokenizer
        )
        trie = build_trie([title.completion for title in as_targets])
        prompts = [encoded[index].prompt for index in chosen]
        found = rank_sequences(model, prompts, trie, tokenizer.pad_token_id, num_beams, batch_size, top)
        found = [[Ranked(titles[locale][place], score) for score, place in best] for best in found]
        ranked.update(zip(chosen, found, strict=True))
    return [ranked[index] for index in range(len(examples))]


def rank_sequences(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    trie: Trie,
    pad_token_id: int,
    num_beams: int,
    batch_size: int,
    top: int,
) -> list[list[tuple[float, int]]]:
    """As `search`, in batches of which each prompt becomes `num_beams` rows."""
    ranked: dict[int, list[tuple[float, int]]] = {}
    groups = batches([len(prompt) for prompt in prompts], max(1, batch_size // num_beams))
    for group in tqdm(groups, desc="ranking", unit="batch", disable=None, leave=False):
        found = search(model, [prompts[index] for index in group], trie, pad_token_id, num_beams, top)
        ranked.update(zip(group, found, strict=True))
    return [ranked[index] for index in range(len(prompts))]
