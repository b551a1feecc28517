"""How well a masked model knows a text: every token is hidden in turn, and the model is asked for it."""

from collections import Counter
from collections.abc import Sequence
from math import log

import torch
from tqdm import tqdm
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.write.encode import Encoded
from ecom_llm.write.likelihood import Likelihood, finite
from ecom_llm.write.padding import batches, pad

LOGITS = 2**27
"""Logits computed at once: half a gigabyte in float32. A masked model computes those of every place, and one is read."""


def scored(encoded: Encoded, special: frozenset[int]) -> list[int]:
    """The places of a text that are scored: all but special tokens."""
    return [place for place, token in enumerate(encoded.completion) if token not in special]


def pseudo_score(
    model: PreTrainedModel, encoded: Sequence[Encoded], tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> list[Likelihood]:
    """Minus the pseudo-log-likelihood of each text: the sum over its tokens of -ln p(token | all the others).

    Salazar et al. 2020, "Masked Language Model Scoring", equation 1; special tokens are not scored, as there. A text of
    n tokens is read n times. `batch_size` does not change it beyond rounding.

    Raises:
        UserError: a likelihood is not finite, as after a training that diverged.
    """
    special = frozenset(tokenizer.all_special_ids)
    places = [(text, place) for text, one in enumerate(encoded) for place in scored(one, special)]
    nats, tokens = [0.0] * len(encoded), Counter(text for text, _ in places)
    longest = max((len(encoded[text]) for text in tokens), default=1)
    size = max(1, min(batch_size, LOGITS // (longest * len(tokenizer))))
    groups = batches([len(encoded[text]) for text, _ in places], size)
    for group in tqdm(groups, desc="scoring", unit="batch", disable=None, leave=False):
        chosen = [places[index] for index in group]
        found = hidden_nats(model, [(encoded[text].completion, place) for text, place in chosen], tokenizer)
        for (text, _), one in zip(chosen, found, strict=True):
            nats[text] += one
    return finite([Likelihood(total, tokens[text]) for text, total in enumerate(nats)])


@torch.inference_mode()
def hidden_nats(
    model: PreTrainedModel, hidden: Sequence[tuple[Sequence[int], int]], tokenizer: PreTrainedTokenizerBase
) -> list[float]:
    """Negative log-likelihood of the token at a place of each text, in one forward pass over the texts without it."""
    ids, mask = pad([ids for ids, _ in hidden], tokenizer.pad_token_id, "right", model.device)
    rows = torch.arange(len(hidden), device=model.device)
    places = torch.tensor([place for _, place in hidden], device=model.device)
    wanted = ids[rows, places].clone()
    ids[rows, places] = tokenizer.mask_token_id
    logits = model(input_ids=ids, attention_mask=mask).logits[rows, places].float()
    return torch.nn.functional.cross_entropy(logits, wanted, reduction="none").double().tolist()


def unigram_score(
    encoded: Sequence[Encoded], training: Sequence[Encoded], tokenizer: PreTrainedTokenizerBase
) -> list[Likelihood]:
    """The same score from a model that knows how frequent each token is in training, and nothing of its neighbours.

    Counts plus one (Laplace), over all entries of the tokenizer that are not special.
    """
    special = frozenset(tokenizer.all_special_ids)
    counts = Counter(one.completion[place] for one in training for place in scored(one, special))
    total = log(counts.total() + len(tokenizer) - len(special))
    found = []
    for one in encoded:
        places = scored(one, special)
        found.append(Likelihood(sum(total - log(counts[one.completion[place]] + 1) for place in places), len(places)))
    return found
