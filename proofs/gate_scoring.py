"""Texts -> outputs and metrics of a candidate, by the functions that evaluation scores with; and the files they stand in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ecom_llm.evaluate.baselines import by_skill_and_locale
from ecom_llm.evaluate.evidence import Evidence, Metrics, Output, read_evidence
from ecom_llm.evaluate.group import Group, Taught, taught
from ecom_llm.evaluate.matching import Matcher, matchers
from ecom_llm.evaluate.measure import measured, merge
from ecom_llm.evaluate.proposals import is_ranked
from ecom_llm.evaluate.report import write_report
from ecom_llm.evaluate.slicing import ratio_metrics
from ecom_llm.evaluate.stage import baselines, references
from ecom_llm.evaluate.testset import fingerprint
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.promote.gate import Entrant
from ecom_llm.records import Example, read_jsonl
from ecom_llm.write.likelihood import Likelihood

NAME = "proof"


@dataclass(frozen=True)
class Bench:
    """A test set and all that scoring on it needs."""

    examples: Sequence[Example]
    known: Mapping[tuple[str, str], Matcher]
    teaching: Mapping[tuple[str, str], Taught]
    others: Mapping[str, Mapping[str, Written]]
    """Baseline -> example's id -> its work."""
    of_references: Metrics

    def by_id(self) -> dict[str, Example]:
        return {one.id: one for one in self.examples}


def bench_of(
    examples: Sequence[Example], splits: Mapping[str, Sequence[Example]], titles: Mapping[str, Sequence[str]]
) -> Bench:
    """What is needed to score texts for `examples`, which are of the test split.

    Args:
        splits: the examples of every split; those of `train` may have been copied.
        titles: locale -> the items that may be recommended.
    """
    known, teaching = matchers(chain.from_iterable(splits.values())), taught(splits["train"])
    learned = by_skill_and_locale(splits["train"])
    others: dict[str, dict[str, Written]] = {}
    groups = []
    for (skill, locale), here in by_skill_and_locale(examples).items():
        for name, works in baselines(skill, here, learned.get((skill, locale), []), titles.get(locale, [])).items():
            others.setdefault(name, {}).update(zip((one.id for one in here), works, strict=True))
        if not is_ranked(skill):
            groups.append(references(skill, locale, here, known[skill, locale], teaching[skill, locale], {}))
    judged = measured(groups, [[{}] * len(group.examples) for group in groups]).metrics
    return Bench(examples, known, teaching, others, judged)


def likelihood_of(output: Output) -> Likelihood:
    """How likely a model found the reference, as its outputs tell it."""
    nats, tokens = output.ratios["perplexity"]
    return Likelihood(nats, int(tokens))


def scored(bench: Bench, work: Mapping[str, Written], kept: Sequence[Output] = ()) -> tuple[Evidence, list[Output]]:
    """Evidence and outputs of a candidate.

    Args:
        bench: the test set.
        work: example's id -> what it has to show, with a likelihood.
        kept: outputs of the examples that `work` does not name.
    """
    groups, shown = [], []
    for (skill, locale), here in by_skill_and_locale(one for one in bench.examples if one.id in work).items():
        given = bench.teaching.get((skill, locale), Taught())
        groups.append(
            Group(skill, locale, here, [work[one.id] for one in here], bench.known[skill, locale], taught=given)
        )
        shown.append(
            [{name: works[one.id].text for name, works in bench.others.items() if one.id in works} for one in here]
        )
    found = measured(groups, shown)
    by_id = {one.id: one for one in (*kept, *found.outputs)}
    outputs = [by_id[one.id] for one in bench.examples]
    evidence = Evidence(
        test_set=fingerprint(bench.examples),
        tokenizer="one",
        examples=len(outputs),
        metrics=merge([found.metrics, ratio_metrics(outputs)]),
        baselines={"reference": bench.of_references},
        signatures=found.signatures,
        not_applicable=found.not_applicable,
    )
    return evidence, outputs


def written_to(folder: Path, evidence: Evidence, outputs: Sequence[Output]) -> Path:
    """The reports of a candidate in a folder, as the evaluate stage writes them."""
    write_report(Layout(folder, folder), evidence, outputs)
    return folder


def read_from(folder: Path, version: str) -> Entrant:
    """The candidate as the gate meets it: from its files; raises a UserError where they cannot be read."""
    layout = Layout(folder, folder)
    return Entrant(NAME, version, read_evidence(layout.metrics), list(read_jsonl(layout.outputs, Output)))
