"""Name of a metric -> how a group is measured by it."""

from collections.abc import Callable
from functools import partial

from ecom_llm.evaluate.group import PLACES, Group, asked_stars, evidence
from ecom_llm.evaluate.matching import all_members
from ecom_llm.evaluate.metrics import (
    AGREEMENT,
    CHATGLM,
    AbstentionRate,
    AbstentionShare,
    AttributeCoverage,
    BitsPerByte,
    Bleu,
    ChatGLM,
    ChrF,
    DistinctN,
    Groundedness,
    HitAtK,
    KeywordCoverage,
    LengthRatio,
    LongestOverlap,
    MrrAtK,
    NdcgAtK,
    OfflineMetric,
    Perplexity,
    PseudoBitsPerByte,
    PseudoLogLikelihood,
    PseudoPerplexity,
    RepetitionN,
    Result,
    Rouge,
    SelfBleu,
    StarAgreement,
    UnsupportedRate,
    abstains,
    not_applicable,
)
from ecom_llm.evaluate.ngrams import OVERLAPS, copied_whole, language
from ecom_llm.skills import SKILLS
from ecom_llm.skills.answer import question


def by_text(group: Group, metric: OfflineMetric, **options: object) -> Result:
    """What a metric says of the texts alone."""
    return metric.compute(predictions=group.texts, locale=group.locale, **options)


def by_reference(group: Group, metric: OfflineMetric, **options: object) -> Result:
    """What a metric says of the texts beside their references."""
    return metric.compute(predictions=group.texts, references=group.targets, **options)


def in_locale(group: Group, metric: OfflineMetric, **options: object) -> Result:
    """`by_reference`, for a metric that reads each locale its own way."""
    return by_reference(group, metric, locale=group.locale, **options)


def chatglm(group: Group, name: str) -> Result:
    if language(group.locale) != "zh":
        return not_applicable("the protocol is for Chinese texts")
    return by_reference(group, ChatGLM(), name=name)


def coverage(group: Group) -> Result:
    expected = [sorted(all_members(SKILLS[group.skill].facts(example))) for example in group.examples]
    return AttributeCoverage().compute(predictions=group.texts, references=expected, matcher=group.matcher)


def unsupported(group: Group) -> Result:
    own = [sorted(all_members(example.attributes)) for example in group.examples]
    return UnsupportedRate().compute(predictions=group.texts, references=own, matcher=group.matcher)


def longest_overlap(group: Group, value: str) -> Result:
    if not group.overlaps:
        return not_applicable("there are no training texts in this locale to be copied from")
    found = group.overlaps
    if value == "_whole":
        pairs = zip(group.texts, found, strict=True)
        found = [copied_whole(text, overlap, group.locale) for text, overlap in pairs]
    return LongestOverlap().compute(predictions=found, locale=group.locale, value=value)


def agreement(group: Group, name: str) -> Result:
    judge = group.taught.judge
    if judge is None:
        return not_applicable("no judge: the locale's training reviews have fewer than two different stars")
    pairs = [
        (heard, stars) for heard, one in zip(group.judged, group.examples, strict=True) if (stars := asked_stars(one))
    ]
    if len(pairs) < len(group.examples):
        return not_applicable("an example asks for no stars")
    heard, asked = zip(*pairs, strict=True)
    return StarAgreement().compute(predictions=heard, references=asked, judge=judge, name=name)


def groundedness(group: Group) -> Result:
    known = [evidence(example, group.earlier.get(example.id, ())) for example in group.examples]
    asked = [question(example) for example in group.examples]
    return Groundedness().compute(predictions=group.texts, evidence=known, questions=asked, locale=group.locale)


def abstention(group: Group, answerable: bool) -> Result:
    """A question counts as unanswerable where its reference says that it is."""
    known = [not abstains(target, group.locale) for target in group.targets]
    return AbstentionRate().compute(
        predictions=group.texts, references=known, locale=group.locale, answerable=answerable
    )


def abstention_recall(group: Group) -> Result:
    """Of the answers given when evidence is another product's."""
    texts = [written.elsewhere for written in group.written]
    asked = [text is not None for text in texts]
    return AbstentionShare().compute(
        predictions=[text or "" for text in texts], references=asked, locale=group.locale, name="abstention_recall"
    )


def false_abstention(group: Group) -> Result:
    """Of the answers to questions with earlier answers about their own product."""
    held = [bool(group.earlier.get(example.id)) for example in group.examples]
    return AbstentionShare().compute(
        predictions=group.texts, references=held, locale=group.locale, name="false_abstention"
    )


def by_ranking(group: Group, metric: OfflineMetric) -> Result:
    return metric.compute(predictions=group.rankings, references=group.targets, k=PLACES)


def per_token(group: Group, metric: OfflineMetric) -> Result:
    found = group.likelihoods
    return metric.compute(predictions=[one.nats for one in found], references=[one.tokens for one in found])


def per_byte(group: Group, metric: OfflineMetric) -> Result:
    size = [len(target.encode()) for target in group.targets]
    return metric.compute(predictions=[one.bits for one in group.likelihoods], references=size)


def pseudo_log_likelihood(group: Group) -> Result:
    return PseudoLogLikelihood().compute(predictions=[one.nats for one in group.likelihoods])


METRICS: dict[str, Callable[[Group], Result]] = {
    "bleu": lambda group: in_locale(group, Bleu()),
    "chrf": lambda group: by_reference(group, ChrF()),
    **{name: partial(in_locale, metric=Rouge(), rouge_type=name) for name in ("rouge1", "rouge2", "rougeL")},
    **{name: partial(chatglm, name=name) for name in CHATGLM},
    "attribute_coverage": coverage,
    "unsupported_rate": unsupported,
    "keyword_coverage": lambda group: in_locale(group, KeywordCoverage()),
    "distinct_4": lambda group: by_text(group, DistinctN(), n=4),
    "self_bleu": lambda group: by_text(group, SelfBleu()),
    "seq_rep_4": lambda group: by_text(group, RepetitionN(), n=4),
    "length_ratio": lambda group: in_locale(group, LengthRatio()),
    **{f"longest_overlap{value}": partial(longest_overlap, value=value) for value in OVERLAPS},
    **{name: partial(agreement, name=name) for name in AGREEMENT},
    "groundedness": groundedness,
    "abstention_answerable": partial(abstention, answerable=True),
    "abstention_unanswerable": partial(abstention, answerable=False),
    "abstention_recall": abstention_recall,
    "false_abstention": false_abstention,
    "hit@10": lambda group: by_ranking(group, HitAtK()),
    "ndcg@10": lambda group: by_ranking(group, NdcgAtK()),
    "mrr@10": lambda group: by_ranking(group, MrrAtK()),
    "perplexity": lambda group: per_token(group, Perplexity()),
    "bits_per_byte": lambda group: per_byte(group, BitsPerByte()),
    "pseudo_perplexity": lambda group: per_token(group, PseudoPerplexity()),
    "pseudo_log_likelihood": pseudo_log_likelihood,
    "pseudo_bits_per_byte": lambda group: per_byte(group, PseudoBitsPerByte()),
}
"""Published name -> how it is computed; a skill names those that judge it."""

OF_REFERENCES = frozenset(
    {
        "attribute_coverage",
        "unsupported_rate",
        "distinct_4",
        "self_bleu",
        "seq_rep_4",
        "groundedness",
        "false_abstention",
        *AGREEMENT,
    }
    | {name for name in METRICS if name.startswith(("longest_overlap", "abstention"))}
)
"""What references are measured by themselves, for the model's to be read beside: they agree with themselves in the rest."""
