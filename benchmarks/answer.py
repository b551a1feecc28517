"""What the answerer is worth: beside BM25, the best constant and the references, on every question of a split with evidence.

Usage, after `dvc repro train` (or a run) in a workspace: python -m benchmarks.answer WORKSPACE [test | validation]

ROUGE-L counts an abstention as the text that it is. Below the table the same is told of those questions alone that the
answerer answers.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from ecom_llm.evaluate.answering import Answering, answering_of
from ecom_llm.evaluate.bootstrap import Resampling
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.metrics import abstains
from ecom_llm.evaluate.paired import improvement
from ecom_llm.evaluate.spread import slice_intervals
from ecom_llm.evaluate.stage import compare
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.records import SPLITS, Example, UserError
from ecom_llm.shards import read_records
from ecom_llm.write.decoding import decoding_of

METRICS = ("rougeL", "rouge1", "groundedness", "abstention_recall", "false_abstention")


def answered(layout: Layout, split: str) -> tuple[list[Example], list[Written], Answering, list[Example]]:
    """The split's questions with evidence and what is answered to them, with the answerer and the training questions.

    Raises:
        UserError: the model holds no answerer.
    """
    evaluate = load_params(layout.params).evaluate
    prepared = {
        name: [one for one in read_records(layout.split(name), Example) if one.skill == "answer"] for name in SPLITS
    }
    whole = [one for examples in prepared.values() for one in examples]
    answering = answering_of(layout.model, decoding_of(evaluate), prepared[split], whole, prepared[split])
    asked = [one for one in prepared[split] if one.id in answering.earlier and answering.covers(one)]
    if not asked:
        raise UserError(f"{layout.model}: answers no question of {layout.split(split)} from earlier answers.")
    print(f"{len(prepared[split])} questions, {len(asked)} of them with earlier answers about their product")
    return asked, [answering.write(one) for one in asked], answering, prepared["train"]


def told(metric: str, outputs: Sequence[Output], resampling: Resampling) -> str:
    """A metric with its interval."""
    found = slice_intervals([metric], outputs, resampling).get(metric)
    return f"{metric} {found.estimate:.4f} [{found.low:.4f}, {found.high:.4f}]" if found else f"{metric} -"


def table(systems: dict[str, list[Output]], resampling: Resampling, metrics: Sequence[str]) -> None:
    """Print what each system reaches, and the paired difference in ROUGE-L."""
    for name, outputs in systems.items():
        line = [told(metric, outputs, resampling) for metric in metrics]
        if name not in ("answerer", "reference"):
            gain = improvement("rougeL", systems["answerer"], outputs, greater_is_better=True, resampling=resampling)
            line.append(f"answerer's gain {gain.estimate:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]")
        print(f"{name}: " + " · ".join(line))


def main(workspace: Path, split: str) -> None:
    """Print the tables."""
    layout = Layout.here(workspace)
    evaluate = load_params(layout.params).evaluate
    resampling = Resampling(evaluate.confidence, evaluate.bootstrap_samples, evaluate.seed)
    asked, written, answering, training = answered(layout, split)
    known = {("answer", one.locale): Matcher(frozenset()) for one in asked}
    ours, others = compare(asked, written, training, [], known, earlier=answering.earlier)
    systems = {"answerer": ours.outputs, **{name: one.outputs for name, one in others.items()}}
    table(systems, resampling, METRICS)
    spoken = {one.id for one in ours.outputs if not abstains(one.text, one.locale)}
    print(f"the {len(spoken)} questions that are answered:")
    table(
        {name: [one for one in found if one.id in spoken] for name, found in systems.items()}, resampling, ("rougeL",)
    )
    print(f"constant: {ours.outputs[0].baselines['constant']!r}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), (sys.argv[2:] or ["test"])[0])
