"""The metrics of masked models and their encoders, each an `evaluate.Metric` as those in `metrics`."""

from collections.abc import Sequence
from math import exp

import evaluate
from datasets import Features, Value

from ecom_llm.evaluate.encoder import Encoder
from ecom_llm.evaluate.metrics import OfflineMetric, Ratios, Result, ratio

SALAZAR = "Salazar et al. 2020, 'Masked Language Model Scoring', ACL"


class PseudoPerplexity(OfflineMetric):
    """exp of the mean negative pseudo-log-likelihood per token; comparable between equal tokenizers only."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Pseudo-perplexity: every token is hidden in turn and asked of a model that sees all the others.",
            citation=f"{SALAZAR}, equation 4",
            inputs_description="predictions: negative pseudo-log-likelihoods in nats. references: numbers of tokens.",
            features=Features({"predictions": Value("float64"), "references": Value("float64")}),
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        result = ratio("pseudo_perplexity", list(zip(predictions, references, strict=True)))
        return {name: exp(value) if name == "pseudo_perplexity" else value for name, value in result.items()}


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
        return ratio("pseudo_log_likelihood", [(-nats, 1.0) for nats in predictions])


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
            features=Features({"predictions": Value("float64"), "references": Value("float64")}),
        )

    def _compute(self, predictions: Sequence[float], references: Sequence[float]) -> Result:
        return ratio("pseudo_bits_per_byte", list(zip(predictions, references, strict=True)))


class Similarity(OfflineMetric):
    """Cosine of a text's vector and its reference's, -1 to 1: whether they mean the same, as the encoder sees it.

    Its zero is nowhere near 0: vectors of any two texts of a shop point the same way, so read it beside the baselines'.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Mean cosine between the encoder's mean-pooled last hidden states of text and reference.",
            citation="Reimers & Gurevych 2019, 'Sentence-BERT', EMNLP (mean pooling, cosine)",
            inputs_description="predictions, references: texts. encoder: an Encoder.",
            features=Features({"predictions": Value("string"), "references": Value("string")}),
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], encoder: Encoder) -> Result:
        cosines = (encoder.embed(predictions) * encoder.embed(references)).sum(axis=1)
        pairs: Ratios = [(float(cosine), 1.0) for cosine in cosines]
        return ratio("similarity", pairs)
