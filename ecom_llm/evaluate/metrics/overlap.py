"""How much of a text stands in its reference: BLEU and chrF over the corpus, ROUGE text by text."""

from collections.abc import Sequence
from importlib.metadata import version

import evaluate
import numpy as np
from sacrebleu.metrics import BLEU, CHRF

from ecom_llm.evaluate.metrics.metric import TEXTS, OfflineMetric, Result, mean, not_applicable, signed
from ecom_llm.evaluate.ngrams import bleu_scorer, by_characters, chrf_scorer, corpus_statistics, language, rouge
from ecom_llm.evaluate.totals import ORDER, applies, value_of


def corpus_result(name: str, scorer: BLEU | CHRF, predictions: Sequence[str], references: Sequence[str]) -> Result:
    """A corpus score by sacrebleu with what each example adds to it; equal to its `corpus_score`, as a test holds.

    Where no reference holds a 4-gram, BLEU-4 is not applicable, whatever sacrebleu says.
    """
    statistics = corpus_statistics(scorer, predictions, references)
    rows = np.array(statistics, dtype=np.float64)
    found = (
        {name: float(value_of(name)(rows.sum(axis=0)))}
        if applies(name, rows)
        else not_applicable(f"no reference has {ORDER} tokens, so that there is no {ORDER}-gram to find")
    )
    return {
        **found,
        "statistics": statistics,
        "signature": f"nrefs:1|{str(scorer.get_signature()).split('|', 1)[1]}",
    }


class Bleu(OfflineMetric):
    """Corpus BLEU-4 by sacrebleu, one reference each, 0 to 100, with the signature that makes it reproducible.

    Not applicable where no reference has four tokens.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Corpus BLEU, 0-100, tokenised as the locale needs.",
            citation="Papineni et al. 2002, ACL; Post 2018, 'A Call for Clarity in Reporting BLEU Scores', WMT (sacrebleu)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag that picks the tokenizer.",
            features=TEXTS,
            reference_urls=["https://github.com/mjpost/sacrebleu"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        return corpus_result("bleu", bleu_scorer(locale), predictions, references)


class ChrF(OfflineMetric):
    """Corpus chrF by sacrebleu, 0 to 100: F2 of character n-grams to 6; it needs no tokenizer, in any language."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Character n-gram F-score of the corpus, 0-100: case counts, white space does not.",
            citation="Popovic 2015, 'chrF: character n-gram F-score for automatic MT evaluation', WMT (sacrebleu)",
            inputs_description="predictions, references: texts.",
            features=TEXTS,
            reference_urls=["https://github.com/mjpost/sacrebleu"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str]) -> Result:
        return corpus_result("chrf", chrf_scorer(), predictions, references)


def rouge_signature(rouge_type: str, locale: str) -> str:
    tokens = {"en": "[a-z0-9]+", "zh": f"jieba {version('jieba')}"}
    tok = tokens.get(language(locale), "characters" if by_characters(locale) else "words")
    return signed(level="sentence", average="mean", value="f1", tok=tok, case="folded", punct="no", stem="no")


class Rouge(OfflineMetric):
    """ROUGE-1, -2 or -L: mean F1 over the texts, 0 to 1; a reference without a word counts nowhere.

    In English it is rouge_score's without stemming, to 1e-9; that library keeps nothing of a Chinese text, which is why
    Chinese has words of its own, and takes 5 ms a text.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Mean F1 of n-grams, or of the longest common subsequence, with the reference.",
            citation="Lin 2004, 'ROUGE: A Package for Automatic Evaluation of Summaries', ACL workshop",
            inputs_description="predictions, references: texts. locale: BCP 47 tag. rouge_type: rouge1, rouge2 or rougeL.",
            features=TEXTS,
            reference_urls=["https://github.com/google-research/google-research/tree/master/rouge"],
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str, rouge_type: str) -> Result:
        pairs = zip(predictions, references, strict=True)
        scores = [rouge(rouge_type, text, reference, locale) for text, reference in pairs]
        return mean(rouge_type, scores, rouge_signature(rouge_type, locale), "no reference holds a word of this locale")
