"""What texts are like without their references: varied or alike, long or short, going in circles."""

from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version

import evaluate
from sacrebleu.metrics import BLEU

from ecom_llm.evaluate.metrics.metric import (
    TEXT,
    TEXTS,
    OfflineMetric,
    Ratios,
    Result,
    mean,
    ngrams,
    not_applicable,
    ratio,
    signed,
    unit_signature,
    units,
)
from ecom_llm.evaluate.metrics.overlap import bleu_tokenizer

ORDER = 4


class DistinctN(OfflineMetric):
    """Distinct n-grams over all n-grams of all texts, 0 to 1; it falls as texts are added, so `texts` says how many."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Share of distinct n-grams, over words or (Chinese and the like) characters without punctuation.",
            citation="Li et al. 2016, 'A Diversity-Promoting Objective Function for Neural Conversation Models', NAACL",
            inputs_description="predictions: texts. locale: BCP 47 tag. n: length of the n-grams.",
            features=TEXT,
        )

    def _compute(self, predictions: Sequence[str], locale: str, n: int) -> Result:
        grams = [gram for text in predictions for gram in ngrams(units(text, locale), n)]
        size: Result = {"texts": float(len(predictions)), "signature": f"n:{n}|level:corpus|{unit_signature(locale)}"}
        if not grams:
            return {**not_applicable(f"no text holds {n} words or characters"), **size}
        return {f"distinct_{n}": len(set(grams)) / len(grams), **size}


class RepetitionN(OfflineMetric):
    """seq-rep-n: share of a text's n-grams that repeat earlier ones, mean over the texts, 0 to 1; lower is better."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="1 - distinct n-grams / n-grams of a text, mean over the texts of at least n words.",
            citation="Welleck et al. 2020, 'Neural Text Generation with Unlikelihood Training', ICLR, equation 10",
            inputs_description="predictions: texts. locale: BCP 47 tag. n: length of the n-grams.",
            features=TEXT,
        )

    def _compute(self, predictions: Sequence[str], locale: str, n: int) -> Result:
        grams = [ngrams(units(text, locale), n) for text in predictions]
        shares = [1 - len(set(one)) / len(one) if one else None for one in grams]
        signature = f"n:{n}|level:text|average:mean|{unit_signature(locale)}"
        return mean(f"seq_rep_{n}", shares, signature, f"no text holds {n} words or characters")


class LengthRatio(OfflineMetric):
    """Words (or characters) of the texts over those of their references: 1 where both are as long."""

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Length of all texts over the length of all references.",
            citation="As sacrebleu's `sys_len / ref_len`, without punctuation (Post 2018)",
            inputs_description="predictions, references: texts. locale: BCP 47 tag.",
            features=TEXTS,
        )

    def _compute(self, predictions: Sequence[str], references: Sequence[str], locale: str) -> Result:
        pairs: Ratios = [
            (float(len(units(text, locale))), float(len(units(reference, locale))))
            for text, reference in zip(predictions, references, strict=True)
        ]
        return ratio("length_ratio", pairs, f"level:corpus|{unit_signature(locale)}", "the references hold no word")


def highest_two(texts: Sequence[Counter]) -> dict[tuple[str, ...], tuple[int, int]]:
    """n-gram -> its highest count in any text, and the second highest: the most that *another* text holds."""
    found: dict[tuple[str, ...], tuple[int, int]] = {}
    for counts in texts:
        for gram, count in counts.items():
            first, second = found.get(gram, (0, 0))
            found[gram] = (count, first) if count > first else (first, max(second, count))
    return found


def closest(length: int, lengths: Counter) -> int:
    """The length of another text that is nearest, the shorter of two; `lengths` counts all texts."""
    others = [one for one, count in lengths.items() if count > (one == length)]
    return min(others, key=lambda one: (abs(one - length), one))


class SelfBleu(OfflineMetric):
    """Mean BLEU-4 of each text with all the others as references, 0 to 100: high where texts are alike; lower is better.

    It rises with the number of texts. A text counts once in any order, so copies score 100: that is why no interval is
    to be had by drawing texts twice.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Sentence BLEU of every text against all others, as sacrebleu's sentence_score; mean, 0-100.",
            citation="Zhu et al. 2018, 'Texygen: A Benchmarking Platform for Text Generation Models', SIGIR",
            inputs_description="predictions: texts. locale: BCP 47 tag that picks sacrebleu's tokenizer.",
            features=TEXT,
        )

    def _compute(self, predictions: Sequence[str], locale: str) -> Result:
        tokenizer = bleu_tokenizer(locale)
        scorer = BLEU(tokenize=tokenizer, force=True, effective_order=True)
        signature = signed(
            level="text",
            average="mean",
            refs="others",
            case="mixed",
            eff="yes",
            tok=tokenizer,
            smooth="exp",
            sacrebleu=version("sacrebleu"),
        )
        if len(predictions) < 2:
            return {**not_applicable("one text has no others to be compared with"), "signature": signature}
        words = [scorer.tokenizer(text.rstrip()).split() for text in predictions]
        grams = [[Counter(ngrams(text, n)) for n in range(1, ORDER + 1)] for text in words]
        highest = [highest_two([one[order] for one in grams]) for order in range(ORDER)]
        lengths = Counter(map(len, words))
        scores = [
            self.score(one, highest, len(text), closest(len(text), lengths))
            for one, text in zip(grams, words, strict=True)
        ]
        return {"self_bleu": sum(scores) / len(scores), "signature": signature}

    @staticmethod
    def score(grams: Sequence[Counter], highest: Sequence[dict], length: int, reference: int) -> float:
        """BLEU of one text: its n-grams are clipped at the most any other text holds."""
        matched = [
            sum(min(count, known[gram][known[gram][0] == count]) for gram, count in counts.items())
            for counts, known in zip(grams, highest, strict=True)
        ]
        return BLEU.compute_bleu(
            matched, [counts.total() for counts in grams], length, reference, smooth_method="exp", effective_order=True
        ).score
