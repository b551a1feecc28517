"""Whether a text means what its reference means, as an encoder sees it."""

from collections.abc import Sequence

import evaluate

from ecom_llm.evaluate.encoder import Encoder
from ecom_llm.evaluate.metrics.metric import TEXTS, OfflineMetric, Ratios, Result, ratio, signed


class Similarity(OfflineMetric):
    """Cosine of a text's vector and its reference's, -1 to 1: whether they mean the same, as the encoder sees it.

    Its zero is nowhere near 0: vectors of any two texts of a shop point the same way, so read it beside the baselines'.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Mean cosine between the encoder's mean-pooled last hidden states of text and reference.",
            citation="Reimers & Gurevych 2019, 'Sentence-BERT', EMNLP (mean pooling, cosine)",
            inputs_description="predictions, references: texts. encoder: an Encoder.",
            features=TEXTS,
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], encoder: Encoder) -> Result:
        cosines = (encoder.embed(predictions) * encoder.embed(references)).sum(axis=1)
        pairs: Ratios = [(float(cosine), 1.0) for cosine in cosines]
        return ratio("similarity", pairs, signed(encoder=encoder.digest[:12], pooling="mean", cut="its positions"))
