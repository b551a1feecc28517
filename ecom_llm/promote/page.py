"""The page of a run: one HTML file without outside resources that shows what was learned, measured and decided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import BaseModel

from ecom_llm.evaluate.evidence import Evidence, Output, read_evidence
from ecom_llm.human.judgements import Verdicts
from ecom_llm.human.results import agreements, results, shown
from ecom_llm.layout import Layout
from ecom_llm.params import Params, Promote
from ecom_llm.promote.charts import bars, loss_curve, spoken
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.people import precision_of
from ecom_llm.promote.summary import Row, rows
from ecom_llm.promote.texts import texts
from ecom_llm.records import read_jsonl

CHARTED = {
    "bits_per_byte": "Bits per byte of the reference text: lower is better",
    "pseudo_bits_per_byte": "Pseudo-log-likelihood in bits per byte of the text: lower is better",
    "pseudo_perplexity": "Pseudo-perplexity: lower is better",
    "similarity": "Cosine between the text's vector and the reference's: higher is better, beside the baselines'",
    "bleu": "BLEU: higher is better",
    "attribute_coverage": "Share of the attributes' values that the text states: higher is better",
    "unsupported_rate": "Share of the stated values that are not the product's: lower is better",
    "keyword_coverage": "Share of the reference's keywords that the text holds: higher is better",
    "star_agreement": "Share of reviews in which a judge, who learned from the neighbours, hears the stars asked for: beside the reference",
    "groundedness": "Share of an answer's keywords and numbers that its evidence holds: higher is better",
    "distinct_4": "Share of distinct 4-grams: higher is more varied",
    "hit@10": "Share of shoppers whose next purchase is among the ten recommended: higher is better",
    "ndcg@10": "NDCG@10 of the recommendations: higher is better",
}
"""The charts, in this order; what else was measured stands in the table."""


@dataclass(frozen=True)
class Chart:
    """A metric's bars."""

    metric: str
    meaning: str
    image: str


def charts(measured: Sequence[Row]) -> Iterator[Chart]:
    """Bars of every charted metric, over the skills and locales it was measured on."""
    for metric, meaning in CHARTED.items():
        chosen = [row for row in measured if row.metric == metric and "all" not in (row.skill, row.locale)]
        if chosen:
            yield Chart(metric, meaning, bars(chosen))


@dataclass(frozen=True)
class Opinions:
    """What people said in one study, as the page shows it."""

    study: str
    against: str
    charts: tuple[Chart, ...]
    lines: tuple[tuple[str, str, str, str], ...]
    """(skill/locale, metric, value with interval, how many judged)."""
    agreement: tuple[tuple[str, str, str], ...]
    """(skill/locale, metric, Krippendorff's alpha with interval)."""


def opinions(verdicts: Verdicts, rules: Promote, seed: int) -> Opinions:
    """A study as bars and lines; raters stay unnamed."""
    precision = precision_of(rules, seed)
    found = list(results(verdicts, precision))
    form = ".3g" if verdicts.other else ".2f"
    bared = [
        Row(one.skill, one.locale, one.metric, one.estimate.value, {}, {"model": (one.estimate.low, one.estimate.high)})
        for one in found
        if one.estimate.low is not None and one.estimate.high is not None
    ]
    metrics = dict.fromkeys(row.metric for row in bared)
    return Opinions(
        study=verdicts.study,
        against=f"against {verdicts.other.name}" if verdicts.other else "marks from 1 to 5",
        charts=tuple(Chart(name, "", bars([row for row in bared if row.metric == name])) for name in metrics),
        lines=tuple(
            (
                f"{one.skill}/{one.locale}",
                one.metric,
                shown(one.estimate, form, precision.min_examples),
                f"{one.estimate.judgements} of {one.estimate.examples} examples",
            )
            for one in found
        ),
        agreement=tuple(
            (f"{skill}/{locale}", metric, shown(alpha, ".2f", precision.min_examples))
            for (metric, skill, locale), alpha in agreements(verdicts, precision).items()
        ),
    )


def identity(layout: Layout, decision: GateDecision, evidence: Evidence, snapshot: str) -> dict[str, str]:
    """What this page is about, by names that cannot be mistaken."""
    return {
        "Model version": f"{decision.model_name} {decision.candidate}",
        "Compared with": f"{decision.model_name} {decision.compared_with}" if decision.compared_with else "nothing",
        "Snapshot commit": snapshot,
        "SHA-256 of dvc.lock": sha256(layout.lock.read_bytes()).hexdigest(),
        "Test set": f"{evidence.test_set} ({evidence.examples} examples)",
        "Tokenizer": evidence.tokenizer,
    }


def protocols(evidence: Evidence) -> list[tuple[str, str, str]]:
    """(metric, locales, signature), a row for each different signature of a metric."""
    found: dict[tuple[str, str], list[str]] = {}
    for metric, locales in evidence.signatures.items():
        for locale, signature in locales.items():
            found.setdefault((metric, signature), []).append(locale)
    return [(metric, ", ".join(locales), signature) for (metric, signature), locales in found.items()]


def unmeasured(evidence: Evidence) -> list[tuple[str, str, str]]:
    """(skill/locale, metrics, reason) of what could not be computed."""
    found: dict[tuple[str, str], list[str]] = {}
    for skill, locales in evidence.not_applicable.items():
        for locale, reasons in locales.items():
            for metric, reason in reasons.items():
                found.setdefault((f"{skill}/{locale}", reason), []).append(metric)
    return [(where, ", ".join(metrics), reason) for (where, reason), metrics in found.items()]


def parameters(params: Params) -> dict[str, dict[str, str]]:
    """Section -> parameter -> value as shown."""

    def shown(value: object) -> str:
        if isinstance(value, tuple):
            return "\n".join(shown(rule) for rule in value)
        if isinstance(value, BaseModel):
            return ", ".join(f"{name}: {part}" for name, part in value)
        return str(value)

    return {section: {name: shown(value) for name, value in values} for section, values in params}


def render_page(
    layout: Layout,
    params: Params,
    decision: GateDecision,
    snapshot: str,
    champion: Mapping[str, str],
    studies: Sequence[Verdicts],
) -> str:
    """The page of a finished workspace and the decision that was made on it.

    Args:
        layout: where the reports and dvc.lock lie.
        params: those of the run.
        decision: the gate's, as it was made.
        snapshot: the commit the run worked on.
        champion: test example -> the champion's text for it; empty where there is no other champion.
        studies: what people said of the version so far.

    Raises:
        UserError: a report is missing or malformed.
    """
    evidence = read_evidence(layout.metrics)
    measured = rows(evidence)
    writes = evidence.objective == "causal"  # of a masked model there are the items its encoder proposes, if any
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,  # texts and attributes are other people's words
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("page.html.jinja").render(
        decision=decision,
        identity=identity(layout, decision, evidence, snapshot),
        curve=loss_curve(layout.curve),
        charts=list(charts(measured)),
        rows=measured,
        method=evidence.method,
        subsets=evidence.subsets,
        baselines=list(evidence.baselines),
        protocols=protocols(evidence),
        unmeasured=unmeasured(evidence),
        shown=list(texts([one for one in read_jsonl(layout.outputs, Output) if writes or one.text], champion)),
        champion=decision.compared_with if champion else None,
        people=[opinions(one, params.promote, params.evaluate.seed) for one in studies],
        parameters=parameters(params),
        spoken=spoken,
    )
