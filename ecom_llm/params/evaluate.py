"""The section `evaluate`: how a model is measured."""

from typing import Literal

from pydantic import Field, model_validator

from ecom_llm.params.section import Section


class Evaluate(Section):
    """How the model is measured on the test split."""

    seed: int = Field(ge=0)
    """Seed of the sample of test examples and of the bootstrap."""
    max_examples: int = Field(ge=1)
    """Test examples per skill and locale; all of them where there are fewer."""
    per_device_eval_batch_size: int = Field(ge=1)
    """Examples generated or scored at once; does not change perplexity."""
    max_new_tokens: int = Field(ge=1)
    """Longest generated text in tokens."""
    num_return_sequences: int = Field(ge=0)
    """Texts sampled: for every example with `rerank`, else where a model with slots leaves out a fact it owes."""
    temperature: float = Field(gt=0)
    """Temperature of those samples."""
    rerank: Literal["none", "consensus"]
    """`none` writes the likeliest text word by word, and takes the fullest of the samples where it leaves out a fact;
    `consensus` samples for every example and takes what keeps to the facts and agrees most with the other samples (MBR)."""
    likelihood_weight: float = Field(ge=0)
    """Weight of the log-likelihood per token beside the consensus, which is a BLEU of 0 to 1."""
    num_beams: int = Field(ge=10)
    """Beams of the constrained decoding behind recommendations; hit@10 needs at least 10."""
    use_encoder: bool
    """Whether `encoder` judges too: how similar texts are to their references, and which items it would propose."""
    encoder: str = Field(min_length=1)
    """Folder of a checkpoint with safetensors and tokenizer: a model of `train.objective: masked`, or a sentence encoder."""
    num_threads: int = Field(ge=1)
    """CPU threads; no `runtime` matter, since the order of floating-point sums depends on it."""

    @model_validator(mode="after")
    def consensus_needs_samples(self) -> "Evaluate":
        """One text has nobody to agree with."""
        if self.rerank != "none" and self.num_return_sequences < 2:
            raise ValueError(
                f"rerank {self.rerank} needs num_return_sequences above 1, found {self.num_return_sequences}"
            )
        return self
