"""How texts are written and items ranked, in training, evaluation and by a served model; no torch here, so that a registry can say it."""

from ecom_llm.params import Evaluate
from ecom_llm.params.evaluate import Answering, Mode, Ranker, Recommending
from ecom_llm.records import Record


class Decoding(Record):
    """Settings of generation, as in the params section `evaluate`; the names are GenerationConfig's where it has them."""

    decoding: Mode
    ranker: Ranker
    num_return_sequences: int
    temperature: float
    top_k: int
    top_p: float
    max_new_tokens: int
    facts_within: int
    owed_bias: float
    per_device_eval_batch_size: int
    likelihood_weight: float
    consensus_beta: float
    seed: int
    recommend_by: Recommending
    num_beams: int
    answer_by: Answering
    min_support: float


def decoding_of(params: Evaluate) -> Decoding:
    """The decoding that params ask for."""
    return Decoding(**{name: getattr(params, name) for name in Decoding.model_fields})
