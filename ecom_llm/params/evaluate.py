"""The section `evaluate`: how a model is measured."""

from typing import Literal

from pydantic import Field, model_validator

from ecom_llm.params.section import Section

Mode = Literal["greedy", "sampling", "best_of_n"]
Ranker = Literal["facts", "log_probability", "consensus", "asked"]
Recommending = Literal["purchases", "model"]
Answering = Literal["evidence", "model"]


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
    facts_within: int = Field(ge=0)
    """Tokens within which a text of a model with slots does not end as long as it owes one: a fact of a skill that owes all, or what its
    prompt asks for (`train.mark_stated`). About the length of training's texts; 0 lets texts end whenever they want."""
    owed_bias: float = Field(ge=0)
    """Added to the logits of those slots while they are not written: a text comes to them sooner, and ends with fewer left out. With
    much of it texts become lists; 1 makes a slot e times as likely."""
    decoding: Mode
    """How texts are written, here and by the served model: `greedy`, the likeliest word by word; `sampling`, one that is drawn;
    `best_of_n`, the best, by `ranker`, of the likeliest text and `num_return_sequences` drawn ones."""
    ranker: Ranker
    """What `best_of_n` takes: `facts`, the text with the fewest faults (facts it owes and leaves out, halves of characters; with
    slots, also a yes or no mentioned too seldom or too often), of equals the likelier (a likeliest text without one is taken at
    once); `log_probability`, the greatest mean log-probability per token; `consensus`, of the drawn texts with the fewest faults
    the one that agrees most with all (minimum Bayes risk); `asked`, of those texts the one that sounds most as it was asked for: by
    the model's own odds of it under the stars asked for and under all others. A copy, see `train.copied_words`, is a fault too."""
    num_return_sequences: int = Field(ge=0)
    """Texts drawn for `best_of_n`, beside the likeliest one; by `consensus` and `asked` they are all there is."""
    temperature: float = Field(gt=0)
    """Temperature of drawn texts: below 1 they keep closer to the likeliest."""
    top_k: int = Field(ge=0)
    """Texts are drawn from so many likeliest tokens; 0 draws from all."""
    top_p: float = Field(gt=0, le=1)
    """Texts are drawn from the fewest likeliest tokens that together have this probability; 1 draws from all."""
    likelihood_weight: float = Field(ge=0)
    """Weight of the mean log-probability per token: by `consensus` beside the agreement, which is 0 to 1; by `asked` beside the
    log-probability that this was asked for."""
    consensus_beta: float = Field(ge=0)
    """By `consensus`, agreement is the mean F-score of words in ones to fours, recall counting so many times as much as precision:
    above 1 longer texts win. 0 takes sentence BLEU, by which texts come out somewhat short."""
    recommend_by: Recommending
    """What ranks the items of a recommendation, here and in the served model: `purchases`, the recommender that training learns
    from the shop's purchases and titles; `model`, the language model, held to the titles there are."""
    num_beams: int = Field(ge=10)
    """Beams of that constrained decoding, where `model` ranks; hit@10 needs at least 10."""
    answer_by: Answering
    """What answers a question about a product without a listing, here and in the served model: `evidence`, a passage of the
    earlier answers about the product, or that they do not hold the answer; `model`, the language model, from nothing."""
    min_support: float = Field(ge=0, le=1)
    """Probability that the earlier answers hold the answer below which `evidence` says that it does not know; where half of the
    questions can be answered."""
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
        """One text has nobody to agree with, and none is nothing to choose from."""
        if (self.decoding, self.ranker) == ("best_of_n", "consensus") and self.num_return_sequences < 2:
            raise ValueError(f"ranker consensus needs num_return_sequences above 1, found {self.num_return_sequences}")
        if (self.decoding, self.ranker) == ("best_of_n", "asked") and not self.num_return_sequences:
            raise ValueError("ranker asked needs num_return_sequences above 0, found 0")
        return self
