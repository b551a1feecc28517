"""The evaluate stage: a model and the test split -> the evidence, with the baselines on the same examples."""

from collections.abc import Sequence
from dataclasses import dataclass
from logging import getLogger

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.baselines import (
    by_skill_and_locale,
    found_answers,
    nearest_neighbours,
    popularity,
    similar_titles,
    templates,
)
from ecom_llm.evaluate.decoding import decoding_of
from ecom_llm.evaluate.evidence import Evidence, Metrics, Output
from ecom_llm.evaluate.generation import generate_texts
from ecom_llm.evaluate.likelihood import Likelihood, score
from ecom_llm.evaluate.loading import load_model, longest_input, pick_device
from ecom_llm.evaluate.matching import Matcher, matchers
from ecom_llm.evaluate.measure import PLACES, Group, Written, corpus_metrics, measure, merge, outputs, ratio_metrics
from ecom_llm.evaluate.ranking import rank_items, titles_by_locale
from ecom_llm.evaluate.report import write_report
from ecom_llm.evaluate.testset import fingerprint, fitting, sample, tokenizer_fingerprint
from ecom_llm.layout import Layout
from ecom_llm.params import Evaluate, Params
from ecom_llm.records import SPLITS, Example, Item, UserError
from ecom_llm.shards import read_records
from ecom_llm.skills import SKILLS
from ecom_llm.train.encode import encode

log = getLogger(__name__)


@dataclass(frozen=True)
class Writer:
    """The model under test, and how it is asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    items: Sequence[Item]
    params: Evaluate

    def write(self, examples: Sequence[Example]) -> list[Written]:
        """Score every reference, rank items for the skills judged by rank, and write a text for the others."""
        encoded = encode(examples, self.tokenizer)
        scores = score(self.model, encoded, self.tokenizer.pad_token_id, self.params.per_device_eval_batch_size)
        likelihoods = {example.id: one for example, one in zip(examples, scores, strict=True)}
        log.info("scored %d references", len(examples))
        found = {**self.rank(examples, likelihoods), **self.generate(examples, likelihoods)}
        return [found[example.id] for example in examples]

    def rank(self, examples: Sequence[Example], likelihoods: dict[str, Likelihood]) -> dict[str, Written]:
        chosen = [example for example in examples if is_ranked(example.skill)]
        size, beams = self.params.per_device_eval_batch_size, self.params.num_beams
        ranked = rank_items(self.model, self.tokenizer, chosen, self.items, beams, size, PLACES)
        log.info("ranked items for %d histories", len(chosen))
        return {
            example.id: Written(best[0].title, tuple(one.title for one in best), likelihoods[example.id])
            for example, best in zip(chosen, ranked, strict=True)
        }

    def generate(self, examples: Sequence[Example], likelihoods: dict[str, Likelihood]) -> dict[str, Written]:
        chosen = [example for example in examples if not is_ranked(example.skill)]
        texts = generate_texts(self.model, self.tokenizer, chosen, decoding_of(self.params))
        log.info("wrote %d texts", len(chosen))
        return {
            example.id: Written(text, likelihood=likelihoods[example.id])
            for example, text in zip(chosen, texts, strict=True)
        }


def is_ranked(skill: str) -> bool:
    """Whether a skill chooses among items, rather than writing freely."""
    return any("@" in metric for metric in SKILLS[skill].metrics)


def rankings(
    examples: Sequence[Example], training: Sequence[Example], titles: Sequence[str]
) -> dict[str, list[list[str]]]:
    """Baseline -> its ranking of the titles for each example of one locale."""
    found = {"bm25": similar_titles(examples, titles, PLACES)} if titles else {}
    best = popularity(training, PLACES)
    return {**found, "popularity": [best] * len(examples)} if best else found


def baselines(
    skill: str, examples: Sequence[Example], training: Sequence[Example], titles: Sequence[str]
) -> dict[str, list[Written]]:
    """Baseline -> its work on examples of one skill and locale; what needs training examples is absent without any.

    `titles` are those of the items that may be recommended in this locale.
    """
    if is_ranked(skill):
        ranked = rankings(examples, training, titles)
        return {name: [Written(best[0], tuple(best)) for best in lists] for name, lists in ranked.items()}
    found = {"template": templates(examples)}
    if training:
        found["nearest_neighbour"] = nearest_neighbours(examples, training)
    if training and skill == "answer":
        found["bm25"] = found_answers(examples, training)
    return {name: [Written(text) for text in texts] for name, texts in found.items()}


@dataclass(frozen=True)
class Measured:
    """One system's outputs and metrics, and in each locale the signatures of BLEU and of the keywords."""

    outputs: list[Output]
    metrics: Metrics
    signatures: dict[str, str]
    keywords: dict[str, str]


def measured(groups: Sequence[Group], shown: Sequence[Sequence[dict[str, str]]]) -> Measured:
    """Measure one system's groups; `shown` are the baselines' texts to stand in its outputs."""
    found: list[Output] = []
    parts: list[Metrics] = []
    signed: dict[str, dict[str, str]] = {"bleu": {}, "keyword_coverage": {}}
    for group, texts in zip(groups, shown, strict=True):
        results = measure(group)
        found += outputs(group, results, texts)
        parts.append(corpus_metrics(group, results))
        for name in signed.keys() & results.keys():
            signed[name][group.locale] = str(results[name]["signature"])
    return Measured(found, merge([*parts, ratio_metrics(found)]), signed["bleu"], signed["keyword_coverage"])


def compare(
    examples: Sequence[Example],
    written: Sequence[Written],
    training: Sequence[Example],
    items: Sequence[Item],
    known: dict[tuple[str, str], Matcher],
) -> tuple[Measured, dict[str, Measured]]:
    """Measure the model, and each baseline on the same examples."""
    work = {example.id: one for example, one in zip(examples, written, strict=True)}
    taught = by_skill_and_locale(training)
    titles = titles_by_locale(items)
    mine: list[Group] = []
    theirs: dict[str, list[Group]] = {}
    shown: list[list[dict[str, str]]] = []
    for (skill, locale), here in by_skill_and_locale(examples).items():
        matcher = known[skill, locale]
        mine.append(Group(skill, locale, here, [work[example.id] for example in here], matcher))
        found = baselines(skill, here, taught.get((skill, locale), []), titles.get(locale, []))
        for name, texts in found.items():
            theirs.setdefault(name, []).append(Group(skill, locale, here, texts, matcher))
        shown.append([{name: found[name][row].text for name in sorted(found)} for row in range(len(here))])
    model = measured(mine, shown)
    return model, {
        name: measured(groups, [[{}] * len(group.examples) for group in groups]) for name, groups in theirs.items()
    }


def run(params: Params, layout: Layout) -> None:
    """Measure the model in `layout.model` on the test split and write outputs, metrics and slices.

    Raises:
        UserError: a stage before this one has not run, there is nothing to test on, or the model cannot be used.
    """
    torch.set_num_threads(params.evaluate.num_threads)
    prepared = {split: list(read_records(layout.split(split), Example)) for split in SPLITS}
    model, tokenizer = load_model(layout.model, pick_device(params.runtime.device))
    chosen = sample(prepared["test"], params.evaluate.max_examples, params.evaluate.seed)
    examples = fitting(chosen, tokenizer, longest_input(model))
    if not examples:
        raise UserError(
            f"{layout.split('test')}: holds no example to test on. Collect more data or raise prepare.test_share."
        )
    items = list(read_records(layout.items, Item))
    written = Writer(model, tokenizer, items, params.evaluate).write(examples)
    known = matchers(example for split in SPLITS for example in prepared[split])
    ours, others = compare(examples, written, prepared["train"], items, known)
    evidence = Evidence(
        test_set=fingerprint(examples),
        tokenizer=tokenizer_fingerprint(tokenizer),
        examples=len(examples),
        metrics=ours.metrics,
        baselines={name: one.metrics for name, one in sorted(others.items())},
        signatures=ours.signatures,
        keywords=ours.keywords,
    )
    write_report(layout, evidence, ours.outputs)
    log.info("measured %d examples: %s", len(examples), layout.metrics)
