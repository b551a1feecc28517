"""RNNLG's figures of a test split, for whatever wrote its texts."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from logging import getLogger
from pathlib import Path

from ecom_llm.evaluate.metrics import Result
from ecom_llm.evaluate.metrics.metric import signed
from ecom_llm.evaluate.rnnlg.acts import Act, act_of, delexicalise, lexicalise
from ecom_llm.evaluate.rnnlg.metrics import Pool, RnnlgBleu, RnnlgSlotError, normal, pooled, references
from ecom_llm.evaluate.rnnlg.protocol import Protocol
from ecom_llm.records import Example, UserError

log = getLogger(__name__)
HYPOTHESES = 5
"""Texts of an act that count: the published figures are those of the best 5 of 20, and fewer where fewer differ."""


@dataclass(frozen=True)
class Published:
    """What the publisher gave, and the test split that references come from."""

    protocol: Protocol
    pool: Pool
    """What references are made of: the sentences of the whole test split."""
    baseline: dict[tuple[str, ...], str]
    """Delexicalised act -> the rule baseline's sentence for the first such test act, delexicalised."""
    rows: frozenset[str]
    """Sources of the examples that it covers."""

    def covers(self, examples: Iterable[Example]) -> bool:
        return all(example.source in self.rows for example in examples)

    def acts(self, examples: Iterable[Example]) -> list[Act]:
        return [act_of(example.attributes, self.protocol) for example in examples]

    def baselines(self, examples: Iterable[Example]) -> list[str]:
        """The rule baseline `hdc`, as RNNLG scores it: the first of the same delexicalised act, refilled."""
        return [lexicalise(self.baseline[act.delexicalised], act, self.protocol) for act in self.acts(examples)]

    def figures(self, examples: Sequence[Example], texts: Sequence[Sequence[str]]) -> dict[str, Result]:
        """BLEU and slot error of the first five texts of each example, and of the first alone (`_1`).

        `rnnlg_hypotheses` is the mean number of texts that counted: below 5 the figures are of fewer, and therefore better.
        """
        acts = self.acts(examples)
        wanted = references(acts, self.pool, self.protocol)
        counted = sum(len(row[:HYPOTHESES]) for row in texts) / len(texts)
        found: dict[str, Result] = {
            "rnnlg_hypotheses": {"rnnlg_hypotheses": counted, "signature": signed(average="mean", most=HYPOTHESES)}
        }
        for ending, count in (("", HYPOTHESES), ("_1", 1)):
            best = [list(row[:count]) for row in texts]
            bleu = RnnlgBleu().compute(predictions=best, references=wanted, protocol=self.protocol)
            error = RnnlgSlotError().compute(predictions=best, acts=acts, protocol=self.protocol)
            for name, result in (("rnnlg_bleu", bleu), ("rnnlg_slot_error", error)):
                found[name + ending] = {key + ending * (key == name): value for key, value in result.items()}
        return found


def read_published(path: Path, test: Sequence[Example]) -> Published | None:
    """What `collect` kept of RNNLG's scoring; None where the data is not RNNLG's, or mixed.

    Args:
        test: the whole test split.

    Raises:
        UserError: the file is missing.
    """
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Run the stage that writes it: dvc repro"
        ) from error
    if not given:
        return None
    if len(given) > 1:
        log.warning("%d sources have a published protocol: evaluate them apart to get its figures", len(given))
        return None
    return published(Protocol.model_validate(given[0]["protocol"]), given[0]["baseline"], test)


def published(protocol: Protocol, baselines: Mapping[str, str], test: Sequence[Example]) -> Published:
    """The protocol with the references and the rule baseline of its test rows; `baselines` are sentences by source of a row."""
    covered = [example for example in test if example.source in baselines]
    known = [(act_of(example.attributes, protocol), example.target) for example in covered]
    baseline: dict[tuple[str, ...], str] = {}
    for (act, _), example in zip(known, covered, strict=True):
        text = normal(baselines[example.source], protocol)
        baseline.setdefault(act.delexicalised, delexicalise(text, act, protocol))
    return Published(protocol, pooled(known, protocol), baseline, frozenset(example.source for example in covered))
