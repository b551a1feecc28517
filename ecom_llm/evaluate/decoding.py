"""How texts are written, in evaluation and by a served model alike; no torch here, so that a registry can say it."""

from typing import Literal

from ecom_llm.params import Evaluate
from ecom_llm.records import Record


class Decoding(Record):
    """Settings of generation; the names are GenerationConfig's."""

    max_new_tokens: int
    per_device_eval_batch_size: int
    num_return_sequences: int
    """Texts that are sampled: for every example with `rerank`, else where the likeliest one leaves out a fact it owes."""
    temperature: float
    rerank: Literal["none", "consensus"] = "none"  # of versions that were registered before there was another
    """`consensus` takes the best of the sampled texts, `none` the likeliest word by word."""
    likelihood_weight: float = 0.0
    seed: int


def decoding_of(params: Evaluate) -> Decoding:
    """The decoding that params ask for."""
    return Decoding(**{name: getattr(params, name) for name in Decoding.model_fields})
