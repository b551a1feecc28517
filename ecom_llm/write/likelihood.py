"""How likely the model finds the reference texts: what perplexity and bits per byte are made of."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import isfinite, log

import torch
from tqdm import tqdm
from transformers import PreTrainedModel

from ecom_llm.records import UserError
from ecom_llm.write.encode import Encoded
from ecom_llm.write.padding import Side, batches, pad, positions

IGNORED = -100
"""The label of a token whose likelihood is not asked for: torch's own."""


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
    chosen = [[encoded[index] for index in group] for group in groups]
    with batch_workers(model.device) as pool:
        scored = pool.map(lambda batch: batch_nats(model, batch, pad_token_id, side), chosen)
        for group, nats in tqdm(
            zip(groups, scored, strict=True), desc="scoring", unit="batch", total=len(groups), disable=None, leave=False
        ):
            for index, one in zip(group, nats, strict=True):
                found[index] = Likelihood(one, len(encoded[index].completion))
    return finite([found[index] for index in range(len(encoded))])


@contextmanager
def batch_workers(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """Threads that each compute whole batches: torch's own share every product, and wait for each other after each.

    On a GPU it is one. What a batch gives no longer hangs on how many threads there are.
    """
    threads = torch.get_num_threads()
    workers = threads if device.type == "cpu" else 1
    with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(threads // workers,)) as pool:
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)


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
    unlearned = [[IGNORED] * len(example.prompt) + example.completion for example in encoded]
    labels, _ = pad(unlearned, IGNORED, side)
    # logits are wanted from the token before the first completion onwards; on the left-padded side that is a short tail
    kept = ids.shape[1] - int((labels != IGNORED).int().argmax(dim=1).min()) + 1
    logits = model(
        input_ids=ids, attention_mask=mask, position_ids=positions(mask), logits_to_keep=kept, use_cache=False
    ).logits
    # a label each, shifted, rather than logits cut by one: nothing of the size of the logits is copied
    labels = torch.cat([labels[:, 1 - kept :], torch.full((len(encoded), 1), IGNORED)], dim=1).to(logits.device)
    nats = torch.nn.functional.cross_entropy(
        logits.reshape(-1, logits.shape[-1]).float(), labels.reshape(-1), ignore_index=IGNORED, reduction="none"
    )
    return nats.view(labels.shape).sum(dim=1, dtype=torch.float64).tolist()
