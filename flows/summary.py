"""What a person reads when a run is over: the verdict, the numbers beside the baselines, two texts, and what is next."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import indent, shorten
from typing import TYPE_CHECKING

from ecom_llm.evaluate.evidence import Evidence, Output
from ecom_llm.layout import Layout
from ecom_llm.promote.decision import GateDecision
from ecom_llm.promote.gate import Entrant
from ecom_llm.promote.summary import Row, rows

if TYPE_CHECKING:
    from ecom_llm.registry import Version

TOTALS = ("bits_per_byte", "pseudo_bits_per_byte", "pseudo_perplexity")
"""Metrics of which the terminal shows the total alone."""
MAIN = (
    *TOTALS,
    "bleu",
    "attribute_coverage",
    "unsupported_rate",
    "keyword_coverage",
    "similarity",
    "hit@10",
    "ndcg@10",
)
"""The metrics of the table in the terminal; the page shows all."""


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """Columns padded to their widest cell: two on the left, numbers on the right."""
    everything = [list(head), *(list(line) for line in lines)]
    widths = [max(len(line[at]) for line in everything) for at in range(len(head))]
    aligned = (
        [
            f"{cell:<{width}}" if at < 2 else f"{cell:>{width}}"
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in everything
    )
    return "\n".join("  ".join(cells).rstrip() for cells in aligned)


def is_main(row: Row) -> bool:
    """Whether a row belongs on the terminal: the totals of likelihoods, and what judges each skill in each locale."""
    if row.metric in TOTALS:
        return (row.skill, row.locale) == ("all", "all")
    return row.metric in MAIN and "all" not in (row.skill, row.locale)


def metric_lines(evidence: Evidence) -> str:
    """The main metrics per skill and locale beside the baselines; a dash where something cannot be measured."""
    names = list(evidence.baselines)
    lines = [
        (
            f"{row.skill}/{row.locale}",
            row.metric,
            f"{row.value:.3f}",
            *(number(row.baselines.get(name)) for name in names),
        )
        for row in rows(evidence)
        if is_main(row)
    ]
    return table(("skill/locale", "metric", "model", *names), lines)


def number(value: float | None) -> str:
    """Three decimals, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def samples(outputs: Sequence[Output]) -> str:
    """One generated text per locale, of the first skill that writes, beside what it was asked."""
    first: dict[str, Output] = {}
    for output in outputs:
        if output.skill == outputs[0].skill:
            first.setdefault(output.locale, output)
    return "\n".join(
        f"{output.skill}/{output.locale}  "
        + shorten(", ".join(f"{name}: {value}" for name, value in output.attributes.items()), 150, placeholder=" ...")
        + f"\n{indent(output.text or '(nothing)', '    ')}"
        for output in list(first.values())[:2]
    )


def next_step(entrant: Entrant, recipe: Path | None, encoder: Path | None) -> str:
    """A command that works: the champion writes for a test example's attributes, or an encoder judges who writes."""
    if encoder is not None:
        settings = f"--set evaluate.use_encoder=true --set evaluate.encoder={encoder}"
        return f"It writes nothing; let its encoder judge a model that does:\n  ecom-llm run {settings}"
    first = entrant.outputs[0]
    shown = " ".join(f"--attr '{name}={value}'" for name, value in list(first.attributes.items())[:3])
    return f"Let it write:\n  ecom-llm write {first.skill} {shown} --locale {first.locale}{named(recipe)}"


def named(recipe: Path | None) -> str:
    """The option that leads a later command to the same registered model."""
    return "" if recipe is None else f" --recipe {recipe}"


def report(
    decision: GateDecision,
    entrant: Entrant,
    page: Path,
    promoted: bool,
    recipe: Path | None,
    encoder: Path | None = None,
    withheld: str = "",
) -> str:
    """The whole text.

    Args:
        entrant: the version that was judged, with its evidence and outputs.
        promoted: whether it is champion now.
        recipe: the run's, for the commands that are proposed.
        encoder: where the version's model lies, should it be masked and write nothing.
        withheld: what a person has yet to say of it or said, should they withhold it.
    """
    reasons = [line for line in decision.lines() if not line.startswith("passed")]
    if promoted:
        then = f"Version {decision.candidate} is champion. {next_step(entrant, recipe, encoder)}"
    elif decision.approved:
        then = (
            withheld or f"It was not promoted. To promote it:\n  ecom-llm promote {decision.candidate}{named(recipe)}"
        )
    else:
        where = "params.yaml" if recipe is None else f"{recipe}, or where it names none in params.yaml,"
        then = f"The champion stays as it is. The rules stand in {where} under promote."
    verdict = "\n".join([decision.verdict, *reasons])
    texts = samples(entrant.outputs) if encoder is None else ""
    parts = [metric_lines(entrant.evidence), texts, verdict, then, f"The run's page:\n  {page}"]
    return "\n\n".join(part for part in parts if part)


def told(decision: GateDecision, layout: Layout, recipe: Path | None) -> str:
    """The text about a version that was just decided on, with what the registry knows of it."""
    from ecom_llm.registry import open_registry
    from tasks.model import page_of

    registry = open_registry(decision.model_name, layout)
    version = registry.version(decision.candidate)
    promoted = registry.aliases().get("champion") == version.number
    entrant = registry.entrant(version)
    encoder = registry.model_folder(version) if entrant.evidence.objective == "masked" else None
    return report(decision, entrant, page_of(version, layout), promoted, recipe, encoder, word_of(version, recipe))


def word_of(version: "Version", recipe: Path | None) -> str:
    """What a person has yet to say of a version, or that they rejected it; empty where nobody is asked."""
    number = f"{version.number}{named(recipe)}"
    if version.awaited:
        return (
            f"It awaits a person's approval:\n  ecom-llm approve {number} --name YOUR-NAME\n"
            f"  ecom-llm reject {number} --name YOUR-NAME"
        )
    if version.rejected:
        return f"A person rejected it (`ecom-llm history` tells who). To decide anew:\n  ecom-llm promote {number}"
    return ""
