"""RNNLG's two figures, each an `evaluate.Metric` that needs no network."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

import evaluate
import numpy as np
from datasets import Features, List, Value
from sacrebleu.metrics import BLEU

from ecom_llm.evaluate.metrics import OfflineMetric, Result, ratio
from ecom_llm.evaluate.rnnlg.acts import Act, delexicalise, lexicalise
from ecom_llm.evaluate.rnnlg.normalise import normalise, without_end
from ecom_llm.evaluate.rnnlg.protocol import Protocol
from ecom_llm.evaluate.totals import bare_bleu

UNCOUNTED = ("?select", "suggest")
"""Acts that offer a choice between several values of one slot: the published slot error leaves them out."""
MENTIONED = ("yes", "no", "dontcare", "none")
"""Special values of a binary slot that a text owes a mention."""
SIGNATURE = (
    "rnnlg|case:lower|norm:mapping.pair|refs:all sentences of the delexicalised act, refilled|bleu:4,corpus,"
    "each hypothesis apart|slots:detect.pair|binary:keywords, polarity not judged|special values of others: not counted|"
    "uncounted acts:?select,suggest"
)


def normal(sentence: str, protocol: Protocol) -> str:
    """A sentence of the data as it is compared."""
    return normalise(without_end(sentence), protocol.mapping)


def hypothesis(text: str, protocol: Protocol) -> str:
    """What a model wrote, as it is compared; it may not have put its last full stop apart."""
    return without_end(normalise(text, protocol.mapping, join_numbers=False))


Pool = dict[tuple[str, ...], list[str]]
"""Delexicalised act -> the distinct sentences of all acts that are the same delexicalised, with tokens for their values."""


def pooled(known: Iterable[tuple[Act, str]], protocol: Protocol) -> Pool:
    """The sentences that references are made of; `known` are the acts and human sentences of a whole split."""
    pool: dict[tuple[str, ...], dict[str, None]] = defaultdict(dict)
    for act, sentence in known:
        pool[act.delexicalised][delexicalise(normal(sentence, protocol), act, protocol)] = None
    return {act: list(sentences) for act, sentences in pool.items()}


def references(acts: Iterable[Act], pool: Pool, protocol: Protocol) -> list[list[str]]:
    """For each act, all sentences with the same delexicalised act, refilled with this act's values."""
    return [[lexicalise(text, act, protocol) for text in pool[act.delexicalised]] for act in acts]


class RnnlgBleu(OfflineMetric):
    """Corpus BLEU-4, 0 to 1, of every hypothesis of every act against the act's references (see `references`).

    Its statistics are sacrebleu's counts, summed over the hypotheses of an act.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="BLEU-4 of RNNLG's protocol: grouped references, each of an act's hypotheses counts by itself.",
            citation="Wen et al. 2016, 'Multi-domain Neural Network Language Generation for Spoken Dialogue Systems', NAACL",
            inputs_description="predictions: the texts of each act. references: its references, normal. protocol: a Protocol.",
            features=Features({"predictions": List(Value("string")), "references": List(Value("string"))}),
            reference_urls=["https://github.com/shawnwun/RNNLG"],
        )

    def _compute(self, predictions: Sequence[list[str]], references: Sequence[list[str]], protocol: Protocol) -> Result:
        pairs = [
            (act, hypothesis(text, protocol), wanted)
            for act, (texts, wanted) in enumerate(zip(predictions, references, strict=True))
            for text in texts
        ]
        most = max(len(wanted) for _, _, wanted in pairs)
        streams = [[wanted[place] if place < len(wanted) else None for _, _, wanted in pairs] for place in range(most)]
        scorer = BLEU(tokenize="none", smooth_method="none", force=True)
        rows = scorer._extract_corpus_statistics([text for _, text, _ in pairs], streams)
        counts = np.zeros((len(predictions), len(rows[0])), dtype=np.int64)
        np.add.at(counts, [act for act, _, _ in pairs], np.array(rows, dtype=np.int64))
        return {
            "rnnlg_bleu": float(bare_bleu(counts.sum(axis=0).astype(np.float64))),
            "statistics": [tuple(map(int, row)) for row in counts],
            "signature": f"{SIGNATURE}|nrefs:var|{str(scorer.get_signature()).split('|', 1)[1]}",
        }


class RnnlgSlotError(OfflineMetric):
    """(missing + redundant) / slots over all hypotheses, as a share of 1: the published ERR.

    Slots that count: those of `detect.pair`'s `general` that have a value a text can state, by the value; those of its
    `binary`, whatever their value, by keywords. A keyword said twice is redundant; `not for business` mentions
    `isforbusinesscomputing` as `for business` does: polarity is not judged. Others (`type`, and general slots with
    `dontcare` or `none`) do not count, and of acts in `UNCOUNTED` none.
    """

    def _info(self) -> evaluate.MetricInfo:
        return evaluate.MetricInfo(
            description="Missing and redundant slots over the slots of the acts, as RNNLG counts them.",
            citation="Wen et al. 2015, 'Semantically Conditioned LSTM-based NLG for Spoken Dialogue Systems', EMNLP, 4.1",
            inputs_description="predictions: the texts of each act. acts: the acts. protocol: a Protocol.",
            features=Features({"predictions": List(Value("string"))}),
            reference_urls=["https://github.com/shawnwun/RNNLG"],
        )

    def _compute(self, predictions: Sequence[list[str]], acts: Sequence[Act], protocol: Protocol) -> Result:
        pairs = []
        for texts, act in zip(predictions, acts, strict=True):
            counts = [slot_errors(text, act, protocol) for text in texts]
            pairs.append((float(sum(wrong for wrong, _ in counts)), float(sum(slots for _, slots in counts))))
        return ratio("rnnlg_slot_error", pairs, SIGNATURE, "no act has a slot that counts")


def slot_errors(text: str, act: Act, protocol: Protocol) -> tuple[int, int]:
    """How many slots of an act a text leaves out or adds, and how many it owes."""
    if act.name in UNCOUNTED:
        return 0, 0
    said = delexicalise(hypothesis(text, protocol), act, protocol).split()
    wrong = owed = 0
    for slot, name in protocol.general.items():
        wanted = sum(found == slot for found, _ in act.values)
        wrong, owed = wrong + abs(wanted - said.count(name)), owed + wanted
    for slot, words in protocol.binary.items():
        wanted = sum(found == slot and value in MENTIONED for found, value in act.slots)
        wrong, owed = wrong + abs(wanted - sum(map(said.count, words))), owed + wanted
    return wrong, owed
