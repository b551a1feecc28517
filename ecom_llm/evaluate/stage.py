"""The evaluate stage: a model and the test split -> the evidence, with the baselines on the same examples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from logging import getLogger

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from ecom_llm.evaluate.answering import Answering, Earlier, answering_of
from ecom_llm.evaluate.baselines import (
    by_skill_and_locale,
    found_answers,
    nearest_neighbours,
    templates,
)
from ecom_llm.evaluate.constant import best_constant
from ecom_llm.evaluate.encoder import Encoder, load_encoder
from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.evaluate.group import taught
from ecom_llm.evaluate.loading import is_masked, load_model, pick_device
from ecom_llm.evaluate.masked import evaluate_masked
from ecom_llm.evaluate.matching import Matcher, matchers
from ecom_llm.evaluate.measure import PLACES, Group, Measured, Taught, measured
from ecom_llm.evaluate.proposals import is_ranked, rankings
from ecom_llm.evaluate.ranking import titles_by_locale
from ecom_llm.evaluate.recommending import ranked_titles, recommender_of
from ecom_llm.evaluate.report import write_report
from ecom_llm.evaluate.rnnlg.published import Published, read_published
from ecom_llm.evaluate.spread import weighed
from ecom_llm.evaluate.subsets import marked, subsets_of
from ecom_llm.evaluate.testset import fingerprint, fitting, prepared_fingerprint, sample, tokenizer_fingerprint
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import Evaluate, Params
from ecom_llm.records import SPLITS, Example, Item
from ecom_llm.shards import read_records
from ecom_llm.train.recommender.recommender import Recommender
from ecom_llm.write.copies import Copies
from ecom_llm.write.copies import load as load_copies
from ecom_llm.write.decoding import decoding_of
from ecom_llm.write.encode import Encoded, encode
from ecom_llm.write.generation import written_texts
from ecom_llm.write.likelihood import Likelihood, score
from ecom_llm.write.reach import longest_input

log = getLogger(__name__)
Told = tuple[Example, Encoded, Likelihood]
"""An example, its tokens, and how likely its reference is."""


@dataclass(frozen=True)
class Writer:
    """The model under test, and how it is asked."""

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    items: Sequence[Item]
    params: Evaluate
    recommender: Recommender | None = None
    answering: Answering | None = None
    copies: Copies | None = None

    def write(self, examples: Sequence[Example]) -> list[Written]:
        """Score every reference, rank items for the skills judged by rank, and write a text for the others."""
        encoded = encode(examples, self.tokenizer)
        scores = score(self.model, encoded, self.tokenizer.pad_token_id, self.params.per_device_eval_batch_size)
        log.info("scored %d references", len(examples))
        told = list(zip(examples, encoded, scores, strict=True))
        found = {
            **self.rank([one for one in told if is_ranked(one[0].skill)]),
            **self.quote([one for one in told if self.is_quoted(one[0])]),
            **self.generate([one for one in told if not is_ranked(one[0].skill) and not self.is_quoted(one[0])]),
        }
        return [found[example.id] for example in examples]

    def rank(self, told: Sequence[Told]) -> dict[str, Written]:
        """Id -> the items ranked for an example's history."""
        examples, encoded, likelihoods = unzipped(told)
        decoding = decoding_of(self.params)
        ranked = ranked_titles(
            self.recommender, self.model, self.tokenizer, examples, self.items, decoding, PLACES, encoded
        )
        log.info("ranked items for %d histories", len(examples))
        return {
            example.id: Written(best[0], ranking=tuple(best), likelihood=likelihood)
            for example, best, likelihood in zip(examples, ranked, likelihoods, strict=True)
        }

    def is_quoted(self, example: Example) -> bool:
        """Whether earlier answers are quoted to answer an example."""
        return self.answering is not None and self.answering.covers(example)

    def quote(self, told: Sequence[Told]) -> dict[str, Written]:
        """Id -> the answer from earlier ones, to an example's question."""
        found = {
            example.id: replace(self.answering.write(example), likelihood=likelihood) for example, _, likelihood in told
        }
        log.info("answered %d questions from earlier answers", len(found))
        return found

    def generate(self, told: Sequence[Told]) -> dict[str, Written]:
        """Id -> the texts written for an example."""
        examples, encoded, likelihoods = unzipped(told)
        decoding = decoding_of(self.params)
        texts = written_texts(self.model, self.tokenizer, examples, decoding, encoded, self.copies)
        log.info("wrote %d texts", len(examples))
        return {
            example.id: Written(best[0], others=tuple(best[1:]), likelihood=likelihood)
            for example, best, likelihood in zip(examples, texts, likelihoods, strict=True)
        }


def unzipped(told: Sequence[Told]) -> tuple[list[Example], list[Encoded], list[Likelihood]]:
    """The examples, their tokens and their likelihoods."""
    return [one[0] for one in told], [one[1] for one in told], [one[2] for one in told]


def baselines(
    skill: str,
    examples: Sequence[Example],
    training: Sequence[Example],
    titles: Sequence[str],
    encoder: Encoder | None = None,
    published: Published | None = None,
    earlier: Earlier | None = None,
) -> dict[str, list[Written]]:
    """Baseline -> its work on examples of one skill and locale; what needs training examples is absent without any.

    `titles` are those of the items that may be recommended in this locale; `earlier` is what questions may be answered from.
    """
    if is_ranked(skill):
        ranked = rankings(examples, training, titles, encoder)
        return {name: [Written(best[0], ranking=tuple(best)) for best in lists] for name, lists in ranked.items()}
    found = {"template": templates(examples)}
    if training:
        found["nearest_neighbour"] = nearest_neighbours(examples, training)
    if training and skill == "answer":
        found["bm25"] = found_answers(examples, training, earlier)
        found["constant"] = [best_constant(training)] * len(examples)
    if published:
        found["hdc"] = published.baselines(examples)
    return {name: [Written(text) for text in texts] for name, texts in found.items()}


def references(
    skill: str,
    locale: str,
    examples: Sequence[Example],
    matcher: Matcher,
    given: Taught,
    earlier: Mapping[str, Sequence[str]],
) -> Group:
    """The references as a system: what a metric says of people's texts is what it can ask of a model."""
    texts = [Written(example.target) for example in examples]
    return Group(skill, locale, examples, texts, matcher, taught=given, are_references=True, earlier=earlier)


def compare(
    examples: Sequence[Example],
    written: Sequence[Written],
    training: Sequence[Example],
    items: Sequence[Item],
    known: dict[tuple[str, str], Matcher],
    encoder: Encoder | None = None,
    published: Published | None = None,
    earlier: Earlier | None = None,
) -> tuple[Measured, dict[str, Measured]]:
    """Measure the model, and each baseline on the same examples."""
    work = {example.id: one for example, one in zip(examples, written, strict=True)}
    learned, teaching = by_skill_and_locale(training), taught(training)
    titles = titles_by_locale(items)
    said = {name: [one.answer for one in told] for name, told in (earlier or {}).items()}
    mine: list[Group] = []
    theirs: dict[str, list[Group]] = {}
    shown: list[list[dict[str, str]]] = []
    for (skill, locale), here in by_skill_and_locale(examples).items():
        matcher, given = known[skill, locale], teaching.get((skill, locale), Taught())
        scoring = published if published and published.covers(here) else None
        ours = [work[example.id] for example in here]
        mine.append(Group(skill, locale, here, ours, matcher, taught=given, published=scoring, earlier=said))
        found = baselines(
            skill, here, learned.get((skill, locale), []), titles.get(locale, []), encoder, scoring, earlier
        )
        for name, texts in found.items():
            # what baselines copy is known, and takes as long to find
            judged = Taught(judge=given.judge)
            group = Group(skill, locale, here, texts, matcher, taught=judged, published=scoring, earlier=said)
            theirs.setdefault(name, []).append(group)
        if not is_ranked(skill):
            theirs.setdefault("reference", []).append(references(skill, locale, here, matcher, given, said))
        shown.append([{name: found[name][row].text for name in sorted(found)} for row in range(len(here))])
    model = measured(mine, shown, encoder)
    return model, {
        name: measured(groups, [[{}] * len(group.examples) for group in groups], encoder)
        for name, groups in theirs.items()
    }


def encoder_of(evaluate: Evaluate, layout: Layout, device: torch.device) -> Encoder | None:
    """The encoder that params name, where one is to be used."""
    if not evaluate.use_encoder:
        return None
    return load_encoder(layout.workspace / evaluate.encoder, device, evaluate.per_device_eval_batch_size)


def run(params: Params, layout: Layout) -> None:
    """Measure the model in `layout.model` on the test split and write outputs, metrics and slices.

    Raises:
        UserError: a stage before this one has not run, there is nothing to test on, or the model cannot be used.
    """
    torch.set_num_threads(params.evaluate.num_threads)
    prepared = {split: list(read_records(layout.split(split), Example)) for split in SPLITS}
    if is_masked(layout.model):
        evaluate_masked(params, layout, prepared)
        return
    device = pick_device(params.runtime.device)
    model, tokenizer = load_model(layout.model, device)
    encoder = encoder_of(params.evaluate, layout, device)
    chosen = sample(prepared["test"], params.evaluate.max_examples, params.evaluate.seed)
    examples = fitting(chosen, encode(chosen, tokenizer), longest_input(model), layout.split("test"))
    items = list(read_records(layout.items, Item))
    decoding, everything = decoding_of(params.evaluate), chain.from_iterable(prepared.values())
    recommender = recommender_of(layout.model, decoding)
    answering = answering_of(layout.model, decoding, examples, everything, prepared["test"])
    copies = load_copies(layout.model)
    written = Writer(model, tokenizer, items, params.evaluate, recommender, answering, copies).write(examples)
    known = matchers(chain.from_iterable(prepared.values()))
    published = read_published(layout.protocols, prepared["test"])
    ours, others = compare(examples, written, prepared["train"], items, known, encoder, published, answering.earlier)
    evidence = Evidence(
        test_set=fingerprint(examples),
        prepared=prepared_fingerprint(prepared, items),
        tokenizer=tokenizer_fingerprint(tokenizer),
        examples=len(examples),
        metrics=ours.metrics,
        baselines={name: one.metrics for name, one in sorted(others.items())},
        signatures=ours.signatures,
        not_applicable=ours.not_applicable,
    )
    outputs = marked(ours.outputs, subsets_of(examples, chain.from_iterable(prepared.values()), params.evaluate))
    theirs = {name: one.outputs for name, one in others.items()}
    write_report(layout, weighed(evidence, outputs, theirs, params.evaluate), outputs)
    log.info("measured %d examples: %s", len(examples), layout.metrics)
