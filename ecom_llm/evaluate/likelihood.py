"""How likely the model finds the reference texts: what perplexity and bits per byte are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log

import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from ecom_llm.evaluate.padding import Side, batches, pad, positions
from ecom_llm.records import UserError
from ecom_llm.train.encode import Encoded


@dataclass(frozen=True)
class Likelihood:
    """Negative log-likelihood of one completion, its end token included, in nats, and its number of tokens."""

    nats: float
    tokens: int

    @property
    def bits(self) -> float:
        return self.nats / log(2)


def score(
    model: PreTrainedModel, encoded: Sequence[Encoded], pad_token_id: int, batch_size: int, side: Side = "left"
) -> list[Likelihood]:
    """The likelihood of each completion after its prompt; neither `batch_size` nor `side` changes it beyond rounding.

    Raises:
        UserError: a likelihood is not finite, as after a training that diverged.
    """
    found: dict[int, Likelihood] = {}
    groups = batches([len(example) for example in encoded], batch_size)
    for group in tqdm(groups, desc="scoring", unit="batch", disable=None, leave=False):
        chosen = [encoded[index] for index in group]
        for index, example, nats in zip(group, chosen, batch_nats(model, chosen, pad_token_id, side), strict=True):
            found[index] = Likelihood(nats, len(example.completion))
    return finite([found[index] for index in range(len(encoded))])


def finite(likelihoods: list[Likelihood]) -> list[Likelihood]:
    """The likelihoods, all of them finite.

    Raises:
        UserError: one is not.
    """
    if not all(isfinite(likelihood.nats) for likelihood in likelihoods):
        raise UserError(
            "the model gives test texts no finite probability: its training diverged. "
            "Lower train.learning_rate or train.max_grad_norm and train again."
        )
    return likelihoods


@torch.inference_mode()
def batch_nats(model: PreTrainedModel, encoded: Sequence[Encoded], pad_token_id: int, side: Side) -> list[float]:
    """Negative log-likelihood of each completion in one forward pass."""
    ids, mask = pad([example.prompt + example.completion for example in encoded], pad_token_id, side, model.device)
    learned, _ = pad([[0] * len(example.prompt) + [1] * len(example.completion) for example in encoded], 0, side)
    # logits are wanted from the token before the first completion onwards; on the left-padded side that is a short tail
    kept = ids.shape[1] - int(learned.argmax(dim=1).min()) + 1
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=positions(mask), logits_to_keep=kept, use_cache=False
    ).logits
    nats = torch.nn.functional.cross_entropy(
        logits[:, :-1].float().transpose(1, 2), ids[:, 1 - kept :], reduction="none"
    )
    return (nats.double() * learned[:, 1 - kept :].to(nats.device)).sum(dim=1).tolist()
