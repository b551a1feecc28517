"""The metrics, each an `evaluate.Metric` that needs neither the network nor a cache folder; a module for each family.

Every result has the `signature` without which its number means nothing. What is made of sums over examples also returns
`ratios` or `statistics`, one for each example: the gate resamples those. What cannot be computed is `not_applicable`, with
the reason. `Similarity` alone needs torch, and is to be imported from its module.
"""

from ecom_llm.evaluate.metrics.advertisegen import CHATGLM, ChatGLM
from ecom_llm.evaluate.metrics.attributes import AttributeCoverage, UnsupportedRate
from ecom_llm.evaluate.metrics.copying import LongestOverlap, TrainingTexts
from ecom_llm.evaluate.metrics.diversity import DistinctN, LengthRatio, RepetitionN, SelfBleu
from ecom_llm.evaluate.metrics.grounding import AbstentionRate, AbstentionShare, Groundedness, abstains
from ecom_llm.evaluate.metrics.keywords import KeywordCoverage
from ecom_llm.evaluate.metrics.likelihoods import (
    BitsPerByte,
    Perplexity,
    PseudoBitsPerByte,
    PseudoLogLikelihood,
    PseudoPerplexity,
)
from ecom_llm.evaluate.metrics.metric import (
    OfflineMetric,
    Ratios,
    Result,
    Statistics,
    mean,
    not_applicable,
    ratio,
)
from ecom_llm.evaluate.metrics.overlap import Bleu, ChrF, Rouge
from ecom_llm.evaluate.metrics.rankings import HitAtK, MrrAtK, NdcgAtK
from ecom_llm.evaluate.metrics.stars import AGREEMENT, StarAgreement
from ecom_llm.evaluate.ngrams import bleu_tokenizer, units

__all__ = [
    "AGREEMENT",
    "CHATGLM",
    "AbstentionRate",
    "AbstentionShare",
    "AttributeCoverage",
    "BitsPerByte",
    "Bleu",
    "ChatGLM",
    "ChrF",
    "DistinctN",
    "Groundedness",
    "HitAtK",
    "KeywordCoverage",
    "LengthRatio",
    "LongestOverlap",
    "MrrAtK",
    "NdcgAtK",
    "OfflineMetric",
    "Perplexity",
    "PseudoBitsPerByte",
    "PseudoLogLikelihood",
    "PseudoPerplexity",
    "Ratios",
    "RepetitionN",
    "Result",
    "Rouge",
    "SelfBleu",
    "StarAgreement",
    "Statistics",
    "TrainingTexts",
    "UnsupportedRate",
    "abstains",
    "bleu_tokenizer",
    "mean",
    "not_applicable",
    "ratio",
    "units",
]
