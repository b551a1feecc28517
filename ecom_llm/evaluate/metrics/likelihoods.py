"""How well a model knows the references: likelihoods per token and per byte, of causal models and of masked ones."""

from collections.abc import Sequence
from math import exp, log
from sys import float_info

import evaluate
from datasets import Features, Value

from ecom_llm.evaluate.metrics.metric import NUMBERS, OfflineMetric, Ratios, Result, not_applicable, ratio, signed

SALAZAR = "Salazar et al. 2020, 'Masked Language Model Scoring', ACL"
COMPLETION = signed(of="completion", given="prompt", case="kept")
LARGEST = log(float_info.max)
PSEUDO = signed(of="target", masked="one token at a time", case="kept")


def per_token(name: str, pairs: Ratios, signature: str) -> Result:
    """exp of the ratio of sums of nats and tokens."""
    result = ratio(name, pairs, f"per:token|{signature}")
    if name not in result:
        return result
    nats = result.pop(name)
    if nats > LARGEST:
        return {**result, **not_applicable(f"{nats:.3g} nats a token: no number holds a perplexity so large")}
    return {**result, name: exp(nats)}


class Perplexity(OfflineMetric):
    """exp of the mean negative log-likelihood per completion token; comparable between equal tokenizers only."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Token-weighted perplexity of the reference texts given their prompts.",
            citation="Jelinek et al. 1977, 'Perplexity - a measure of the difficulty of speech recognition tasks', JASA 62",
            inputs_description="predictions: negative log-likelihoods in nats. references: numbers of tokens.",
            features=NUMBERS,
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        return per_token("perplexity", list(zip(predictions, references, strict=True)), COMPLETION)


class BitsPerByte(OfflineMetric):
    """Bits needed per UTF-8 byte of the reference texts; comparable between all tokenizers."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Negative log-likelihood in bits over the UTF-8 bytes of the reference texts.",
            citation="Gao et al. 2020, 'The Pile', section 3.1 (bits per UTF-8 encoded byte)",
            inputs_description="predictions: negative log-likelihoods in bits. references: numbers of bytes.",
            features=NUMBERS,
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        return ratio("bits_per_byte", list(zip(predictions, references, strict=True)), f"per:UTF-8 byte|{COMPLETION}")


class PseudoPerplexity(OfflineMetric):
    """exp of the mean negative pseudo-log-likelihood per token; comparable between equal tokenizers only."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Pseudo-perplexity: every token is hidden in turn and asked of a model that sees all the others.",
            citation=f"{SALAZAR}, equation 4",
            inputs_description="predictions: negative pseudo-log-likelihoods in nats. references: numbers of tokens.",
            features=NUMBERS,
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        return per_token("pseudo_perplexity", list(zip(predictions, references, strict=True)), PSEUDO)


class PseudoLogLikelihood(OfflineMetric):
    """Mean pseudo-log-likelihood of a text in nats, 0 at best; longer texts have lower ones."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Pseudo-log-likelihood of a text: the sum of its tokens' log-probabilities given all the others.",
            citation=f"{SALAZAR}, equation 1",
            inputs_description="predictions: negative pseudo-log-likelihoods of the texts in nats.",
            features=Features({"predictions": Value("float64")}),
        )

    def _compute(self, predictions: Sequence[float]) -> Result:
        return ratio("pseudo_log_likelihood", [(-nats, 1.0) for nats in predictions], f"per:text|{PSEUDO}")


class PseudoBitsPerByte(OfflineMetric):
    """Pseudo-log-likelihood in bits per UTF-8 byte; no code length, and lower than a causal model's bits per byte.

    Tokenizers alike in size give values alike; one that cuts words into more pieces has it easier, since a piece can be
    told from the others of its word (Kauf and Ivanova 2023, ACL).
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Negative pseudo-log-likelihood in bits over the UTF-8 bytes of the texts.",
            citation=f"{SALAZAR}; per byte as Gao et al. 2020, 'The Pile', section 3.1",
            inputs_description="predictions: negative pseudo-log-likelihoods in bits. references: numbers of bytes.",
            features=NUMBERS,
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        return ratio(
            "pseudo_bits_per_byte", list(zip(predictions, references, strict=True)), f"per:UTF-8 byte|{PSEUDO}"
        )
