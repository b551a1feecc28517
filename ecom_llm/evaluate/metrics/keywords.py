"""What a text says, by its keywords, however it is put."""

from collections.abc import Sequence

import evaluate

from ecom_llm.evaluate.metrics.metric import TEXTS, OfflineMetric, Ratios, Result, ratio
from ecom_llm.evaluate.ngrams import keywords_held
from ecom_llm.prepare.words import signature


class KeywordCoverage(OfflineMetric):
    """Keywords of the references that the texts hold, over all of them, 0 to 1: what is said, however it is put.

    ROUGE-1 recall over distinct stems without stop words. It does not tell yes from no: both are said with stop words.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of the references' distinct keywords (stemmed, stop words out) that the texts hold.",
            citation="Lin 2004, 'ROUGE: A Package for Automatic Evaluation of Summaries', ACL workshop (ROUGE-1, -m -s)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag that picks segmenter and stemmer.",
            features=TEXTS,
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        pairs: Ratios = [
            keywords_held(text, reference, locale) for text, reference in zip(predictions, references, strict=True)
        ]
        return ratio("keyword_coverage", pairs, signature(locale), "no reference holds a keyword")
