"""A BM25 index over texts of one locale: which of them share the keywords of a query, the rare ones above all."""

from collections.abc import Sequence
from dataclasses import dataclass
from logging import WARNING, getLogger

import bm25s
import numpy as np

from ecom_llm.prepare.words import keywords

K1 = 1.5
"""How soon repeats of a keyword stop counting; bm25s' own value, within the 1.2 to 2 of Robertson & Zaragoza 2009."""
B = 0.75
"""How much long texts are discounted: 0 not at all, 1 in proportion to their length."""


@dataclass(frozen=True)
class Index:
    """Texts as BM25 sees them, and how to ask for the likest of them."""

    locale: str
    size: int
    """Number of texts."""
    scorer: bm25s.BM25 | None
    """None where no text holds a keyword: then nothing can be found."""

    def scores(self, query: str) -> np.ndarray:
        """(texts,) float32: how well each text answers the query; 0 where they share no keyword."""
        known = self.scorer.get_tokens_ids(keywords(query, self.locale)) if self.scorer else []
        # bm25s refuses an empty query
        return self.scorer.get_scores(known) if known else np.zeros(self.size, dtype=np.float32)

    def best(self, query: str, top: int, among: Sequence[int] | None = None) -> list[int]:
        """The `top` texts that answer a query best, by their place in the index; of equal ones the first comes first.

        Args:
            query: in the index' locale.
            top: at most so many are given.
            among: places to choose from, in ascending order; all when None.
        """
        rows = np.arange(self.size) if among is None else np.asarray(among, dtype=np.int64)
        # bm25s' own selection leaves the order of equal scores to a partial sort
        order = np.argsort(-self.scores(query)[rows], kind="stable")
        return rows[order[:top]].tolist()


def build_index(texts: Sequence[str], locale: str) -> Index:
    """Index texts of one locale.

    BM25 as Lucene computes it (Robertson & Zaragoza 2009, "The Probabilistic Relevance Framework: BM25 and Beyond";
    Kamphuis et al. 2020, "Which BM25 Do You Mean?"), by bm25s (Lu 2024, arXiv 2407.03618).
    """
    # on import bm25s opens its logger for debugging, and a handler on the root would print each step
    getLogger("bm25s").setLevel(WARNING)
    # places in order of appearance: left to itself bm25s numbers a set, in another order in each process
    vocabulary: dict[str, int] = {}
    ids = [[vocabulary.setdefault(word, len(vocabulary)) for word in keywords(text, locale)] for text in texts]
    if not vocabulary:
        return Index(locale, len(texts), None)
    scorer = bm25s.BM25(k1=K1, b=B, method="lucene", backend="numpy")
    scorer.index((ids, vocabulary), create_empty_token=False, show_progress=False)
    return Index(locale, len(texts), scorer)
