"""Where the item that was bought stands among those recommended."""

from collections.abc import Sequence
from math import log2

import evaluate

from ecom_llm.evaluate.metrics.metric import RANKING, OfflineMetric, Result, ratio, signed

WHOLE = signed(items="whole catalogue", negatives="all", relevant="one", history="kept")


def place(ranking: Sequence[str], wanted: str, k: int) -> int | None:
    """1-based place of `wanted` among the first `k`, or None."""
    return next((rank for rank, title in enumerate(ranking[:k], start=1) if title == wanted), None)


class HitAtK(OfflineMetric):
    """Share of examples whose next item stands among the first k, 0 to 1 (recall@k with one relevant item)."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Hit rate at k over the whole catalogue, without sampled negatives.",
            citation="Krichene & Rendle 2020, 'On Sampled Metrics for Item Recommendation', KDD",
            inputs_description="predictions: rankings of titles, best first. references: the title bought. k: places.",
            features=RANKING,
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[str], k: int) -> Result:
        found = [place(ranking, wanted, k) for ranking, wanted in zip(predictions, references, strict=True)]
        return ratio(f"hit@{k}", [(1.0 if rank else 0.0, 1.0) for rank in found], WHOLE)


class NdcgAtK(OfflineMetric):
    """Mean of 1 / log2(place + 1) for a next item among the first k and 0 otherwise: NDCG with one relevant item."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Normalised discounted cumulative gain at k, one relevant item, over the whole catalogue.",
            citation="Jarvelin & Kekalainen 2002, 'Cumulated gain-based evaluation of IR techniques', TOIS 20(4)",
            inputs_description="predictions: rankings of titles, best first. references: the title bought. k: places.",
            features=RANKING,
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[str], k: int) -> Result:
        found = [place(ranking, wanted, k) for ranking, wanted in zip(predictions, references, strict=True)]
        return ratio(f"ndcg@{k}", [(1 / log2(rank + 1) if rank else 0.0, 1.0) for rank in found], WHOLE)


class MrrAtK(OfflineMetric):
    """Mean of 1 / place for a next item among the first k and 0 otherwise: mean reciprocal rank."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Mean reciprocal rank, cut at k, over the whole catalogue.",
            citation="Voorhees 1999, 'The TREC-8 Question Answering Track Report', TREC",
            inputs_description="predictions: rankings of titles, best first. references: the title bought. k: places.",
            features=RANKING,
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[str], k: int) -> Result:
        found = [place(ranking, wanted, k) for ranking, wanted in zip(predictions, references, strict=True)]
        return ratio(f"mrr@{k}", [(1 / rank if rank else 0.0, 1.0) for rank in found], WHOLE)
