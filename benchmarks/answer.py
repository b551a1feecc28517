"""What the answerer is worth: beside BM25, the best constant and the references, on every question of a split with evidence.

Usage, after `dvc repro train` (or a run) in a workspace: python -m benchmarks.answer WORKSPACE [test | validation]

ROUGE-L counts an abstention as the text that it is. Below the table the same is told of those questions alone that the
answerer answers. Last comes what people reach: where one question was asked of a product twice, what one of them was
answered, held against what the other was, beside the constant. These are questions of all splits, and the constant was
chosen on those of training.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations
from pathlib import Path

from ecom_llm.evaluate.answering import Answering, answering_of
from ecom_llm.evaluate.bootstrap import Resampling
from ecom_llm.evaluate.evidence import Output
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.metrics import abstains
from ecom_llm.evaluate.ngrams import rouge
from ecom_llm.evaluate.paired import improvement
from ecom_llm.evaluate.spread import slice_intervals
from ecom_llm.evaluate.stage import compare
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.prepare.words import keywords
from ecom_llm.records import SPLITS, Example, UserError
from ecom_llm.shards import read_records
from ecom_llm.skills.answer import question
from ecom_llm.write.decoding import decoding_of

METRICS = ("rougeL", "rouge1", "groundedness", "abstention_recall", "false_abstention")
ALIKE = (0.5, 0.7, 1.0)
"""From which share on of the keywords of either that both hold two questions count as one."""


def answered(layout: Layout, split: str) -> tuple[list[Example], list[Written], Answering, dict[str, list[Example]]]:
    """The split's questions with evidence and what is answered to them, with the answerer and the questions of every split.

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
    return asked, [answering.write(one) for one in asked], answering, prepared


def asked_twice(examples: Sequence[Example], least: float) -> Iterator[tuple[Example, Example]]:
    """Each question beside another about its product that asks the same and was answered otherwise."""
    products = defaultdict(list)
    for example in examples:
        if words := set(keywords(question(example), example.locale)):
            products[example.product, example.locale].append((example, words))
    for asked in products.values():
        for (one, ours), (other, theirs) in permutations(asked, 2):
            if one.target != other.target and len(ours & theirs) >= least * len(ours | theirs):
                yield one, other


def judged(example: Example, text: str, number: int) -> Output:
    """A text as an answer to an example's question."""
    return Output(
        id=f"{example.id}:{number}",
        skill=example.skill,
        locale=example.locale,
        attributes=example.attributes,
        reference=example.target,
        text=text,
        baselines={},
        ratios={"rougeL": (rouge("rougeL", text, example.target, example.locale) or 0.0, 1.0)},
        group=example.product,
    )


def people(examples: Sequence[Example], constant: str, resampling: Resampling) -> None:
    """Print what one person's answer scores against another's to the same question, and the constant on the same."""
    for least in ALIKE:
        pairs = list(asked_twice(examples, least))
        if not pairs:
            continue
        theirs = [judged(one, other.target, row) for row, (one, other) in enumerate(pairs)]
        same = [judged(one, constant, row) for row, (one, _) in enumerate(pairs)]
        gain = improvement("rougeL", theirs, same, greater_is_better=True, resampling=resampling)
        print(
            f"people, {len(pairs)} answers where {least:.0%} of the keywords agree: {told('rougeL', theirs, resampling)}"
            f" · constant: {told('rougeL', same, resampling)}"
            f" · people's gain {gain.estimate:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}]"
        )


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
    asked, written, answering, prepared = answered(layout, split)
    known = {("answer", one.locale): Matcher(frozenset()) for one in asked}
    ours, others = compare(asked, written, prepared["train"], [], known, earlier=answering.earlier)
    systems = {"answerer": ours.outputs, **{name: one.outputs for name, one in others.items()}}
    table(systems, resampling, METRICS)
    spoken = {one.id for one in ours.outputs if not abstains(one.text, one.locale)}
    print(f"the {len(spoken)} questions that are answered:")
    table(
        {name: [one for one in found if one.id in spoken] for name, found in systems.items()}, resampling, ("rougeL",)
    )
    constant = ours.outputs[0].baselines["constant"]
    print(f"constant: {constant!r}")
    people([one for examples in prepared.values() for one in examples], constant, resampling)


if __name__ == "__main__":
    main(Path(sys.argv[1]), (sys.argv[2:] or ["test"])[0])
