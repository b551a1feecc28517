"""Evidence on a masked model: how well it knows the shop's texts, and what its encoder proposes. It writes nothing."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain
from logging import getLogger

from ecom_llm.evaluate.baselines import by_skill_and_locale
from ecom_llm.evaluate.encoder import Encoder
from ecom_llm.evaluate.evidence import Evidence
from ecom_llm.evaluate.loading import load_masked, pick_device
from ecom_llm.evaluate.matching import Matcher
from ecom_llm.evaluate.measure import Group, Measured, measured
from ecom_llm.evaluate.proposals import is_ranked, rankings
from ecom_llm.evaluate.pseudo import pseudo_score, unigram_score
from ecom_llm.evaluate.ranking import titles_by_locale
from ecom_llm.evaluate.report import write_report
from ecom_llm.evaluate.spread import weighed
from ecom_llm.evaluate.subsets import marked, subsets_of
from ecom_llm.evaluate.testset import fingerprint, fitting, prepared_fingerprint, sample, tokenizer_fingerprint
from ecom_llm.evaluate.written import Written
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import Example, Item
from ecom_llm.shards import read_records
from ecom_llm.write.encode import encode_targets
from ecom_llm.write.likelihood import Likelihood
from ecom_llm.write.reach import longest_input

log = getLogger(__name__)
Work = dict[str, list[Written]]
"""System -> what it has to show for the examples of one skill and locale."""


def worked(
    examples: Sequence[Example],
    training: Sequence[Example],
    titles: Sequence[str],
    likelihoods: dict[str, list[Likelihood]],
    encoder: Encoder,
) -> Work:
    """What each system shows for examples of one skill and locale; the model's own encoder ranks where items are chosen.

    `likelihoods` are those of the systems that give any, `model` among them.
    """
    found: Work = {
        name: [Written("", likelihood=one) for one in likelihood] for name, likelihood in likelihoods.items()
    }
    if is_ranked(examples[0].skill):
        ranked = rankings(examples, training, titles, encoder)
        mine = ranked.pop("encoder", None)
        if mine:
            pairs = zip(found["model"], mine, strict=True)
            found["model"] = [replace(one, text=best[0], ranking=tuple(best)) for one, best in pairs]
        found |= {name: [Written(best[0], ranking=tuple(best)) for best in lists] for name, lists in ranked.items()}
    return found


def measured_systems(
    examples: Sequence[Example],
    training: Sequence[Example],
    titles: dict[str, list[str]],
    likelihoods: dict[str, dict[str, Likelihood]],
    encoder: Encoder,
) -> dict[str, Measured]:
    """Every system's outputs and metrics; `likelihoods` are by system and by the examples' ids."""
    taught = by_skill_and_locale(training)
    groups: dict[str, list[Group]] = {}
    for (skill, locale), here in by_skill_and_locale(examples).items():
        given = {name: [found[example.id] for example in here] for name, found in likelihoods.items()}
        for name, shown in worked(
            here, taught.get((skill, locale), []), titles.get(locale, []), given, encoder
        ).items():
            group = Group(skill, locale, here, shown, Matcher(frozenset()), masked=True)
            groups.setdefault(name, []).append(group)
    return {name: measured(found, [[{}] * len(group.examples) for group in found]) for name, found in groups.items()}


def evaluate_masked(params: Params, layout: Layout, prepared: dict[str, list[Example]]) -> None:
    """Measure the masked model in `layout.model` on the test split and write outputs, metrics and slices.

    Raises:
        UserError: there is nothing to test on, or the model cannot be used.
    """
    model, tokenizer = load_masked(layout.model, pick_device(params.runtime.device))
    size = params.evaluate.per_device_eval_batch_size
    chosen = sample(prepared["test"], params.evaluate.max_examples, params.evaluate.seed)
    examples = fitting(chosen, encode_targets(chosen, tokenizer), longest_input(model), layout.split("test"))
    encoded = encode_targets(examples, tokenizer)
    scores = {
        "model": pseudo_score(model, encoded, tokenizer, size),
        "unigram": unigram_score(encoded, encode_targets(prepared["train"], tokenizer), tokenizer),
    }
    log.info("scored %d texts, a token at a time", len(examples))
    ids = [example.id for example in examples]
    likelihoods = {name: dict(zip(ids, found, strict=True)) for name, found in scores.items()}
    encoder = Encoder(model.base_model, tokenizer, size)
    items = list(read_records(layout.items, Item))
    titles = titles_by_locale(items)
    systems = measured_systems(examples, prepared["train"], titles, likelihoods, encoder)
    ours = systems.pop("model")
    evidence = Evidence(
        objective="masked",
        test_set=fingerprint(examples),
        prepared=prepared_fingerprint(prepared, items),
        tokenizer=tokenizer_fingerprint(tokenizer),
        examples=len(examples),
        metrics=ours.metrics,
        baselines={name: one.metrics for name, one in sorted(systems.items())},
        signatures=ours.signatures,
        not_applicable=ours.not_applicable,
    )
    outputs = marked(ours.outputs, subsets_of(examples, chain.from_iterable(prepared.values()), params.evaluate))
    theirs = {name: one.outputs for name, one in systems.items()}
    write_report(layout, weighed(evidence, outputs, theirs, params.evaluate), outputs)
    log.info("measured %d examples: %s", len(examples), layout.metrics)
