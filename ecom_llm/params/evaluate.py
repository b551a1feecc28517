"""The section `evaluate`: how a model is measured."""

from typing import Literal

from pydantic import Field, model_validator

from ecom_llm.params.section import Section

Mode = Literal["greedy", "sampling", "best_of_n"]
Ranker = Literal["facts", "log_probability", "consensus"]
Recommending = Literal["purchases", "model"]


class Evaluate(Section):
    """How the model is measured on the test split."""

    seed: int = Field(ge=0)
    """Seed of the sample of test examples, and of the bootstrap, here and at the gate."""
    max_examples: int = Field(ge=1)
    """Test examples per skill and locale; all of them where there are fewer."""
    per_device_eval_batch_size: int = Field(ge=1)
    """Texts generated or scored at once; does not change perplexity."""
    max_new_tokens: int = Field(ge=1)
    """Longest generated text in tokens."""
    decoding: Mode
    """How texts are written, here and by the served model: `greedy`, the likeliest word by word; `sampling`, one that is drawn;
    `best_of_n`, the best, by `ranker`, of the likeliest text and `num_return_sequences` drawn ones."""
    ranker: Ranker
    """What `best_of_n` takes: `facts`, the text with the fewest faults (facts it owes and leaves out, halves of characters; with
    slots, also a yes or no mentioned too seldom or too often), of equals the likelier (a likeliest text without one is taken at
    once); `log_probability`, the greatest mean log-probability per token; `consensus`, of the drawn texts with the fewest faults
    the one that agrees most with all (minimum Bayes risk)."""
    num_return_sequences: int = Field(ge=0)
    """Texts drawn for `best_of_n`, beside the likeliest one; by `consensus` they are all there is."""
    temperature: float = Field(gt=0)
    """Temperature of drawn texts: below 1 they keep closer to the likeliest."""
    top_k: int = Field(ge=0)
    """Texts are drawn from so many likeliest tokens; 0 draws from all."""
    top_p: float = Field(gt=0, le=1)
    """Texts are drawn from the fewest likeliest tokens that together have this probability; 1 draws from all."""
    likelihood_weight: float = Field(ge=0)
    """By `consensus`, weight of the mean log-probability per token beside the agreement, which is 0 to 1."""
    consensus_beta: float = Field(ge=0)
    """By `consensus`, agreement is the mean F-score of words in ones to fours, recall counting so many times as much as precision:
    above 1 longer texts win. 0 takes sentence BLEU, by which texts come out somewhat short."""
    recommend_by: Recommending
    """What ranks the items of a recommendation, here and in the served model: `purchases`, the recommender that training learns
    from the shop's purchases and titles; `model`, the language model, held to the titles there are."""
    num_beams: int = Field(ge=10)
    """Beams of that constrained decoding, where `model` ranks; hit@10 needs at least 10."""
    use_encoder: bool
    """Whether `encoder` judges too: how similar texts are to their references, and which items it would propose."""
    encoder: str = Field(min_length=1)
    """Folder of a checkpoint with safetensors and tokenizer: a model of `train.objective: masked`, or a sentence encoder."""
    confidence: float = Field(gt=0.5, lt=1)
    """Confidence of the intervals beside the metrics."""
    bootstrap_samples: int = Field(ge=100)
    """Resamples behind each of those intervals."""
    subset_attributes: tuple[str, ...]
    """Attributes whose values are subsets of their own, such as the category; each name as a locale's records have it."""
    min_subset_examples: int = Field(ge=2)
    """Test examples that a subset, and a skill and locale within it, must hold to be measured."""
    max_subsets: int = Field(ge=0)
    """Subsets measured at most, the largest first; 0 for none."""
    num_threads: int = Field(ge=1)
    """CPU threads; no `runtime` matter, since the order of floating-point sums depends on it."""

    @model_validator(mode="after")
    def consensus_needs_samples(self) -> "Evaluate":
        """One text has nobody to agree with."""
        if (self.decoding, self.ranker) == ("best_of_n", "consensus") and self.num_return_sequences < 2:
            raise ValueError(f"ranker consensus needs num_return_sequences above 1, found {self.num_return_sequences}")
        return self
