"""The model card of a version (Mitchell et al. 2019, "Model Cards for Model Reporting"), in the Hugging Face Hub's form.

What it says is read from the files that the stages left, nothing of it is written by hand.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from html import escape
from math import prod
from pathlib import Path

from ecom_llm.evaluate.evidence import Evidence, Subset
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.prepare.card.card import Card, read_card
from ecom_llm.promote.summary import Row, rows

TEMPLATE = Path(__file__).with_name("model_card.md.jinja")
LONGEST = 5000
"""Characters that MLflow's table of versions has for a description; SQLite alone takes more."""
MOST = (60, 40, 20, 10, 5, 0)
"""Rows of a table that are tried until a description is short enough."""


@dataclass(frozen=True)
class Scored:
    """A metric that a rule of the gate names, on one slice."""

    row: Row
    greater_is_better: bool
    weakest: Subset | None
    """The category or source on which it is worst."""

    @property
    def people(self) -> str:
        """What people's own texts have."""
        found = self.row.baselines.get("reference")
        return "" if found is None else f"{found:.4g}"

    @property
    def rival(self) -> str:
        """The best baseline."""
        others = {name: value for name, value in self.row.baselines.items() if name != "reference"}
        if not others:
            return ""
        name = (max if self.greater_is_better else min)(others, key=lambda one: others[one])
        return f"{others[name]:.4g} ({name.replace('_', ' ')})"

    @property
    def weak(self) -> str:
        """Where it is weakest, in words."""
        one, metric = self.weakest, self.row.metric
        if one is None:
            return ""
        low, high = one.intervals.get(metric, (None, None))
        sure = "" if low is None else f" ({low:.4g} to {high:.4g})"
        return f"{one.name}: {one.metrics[metric]:.4g}{sure}, {one.examples} examples"


def scored(evidence: Evidence, params: Params) -> Iterator[Scored]:
    """The metrics that the gate asks for, on every skill and locale and on the primary slice."""
    promote = params.promote
    rules = (promote.primary, *promote.thresholds, *promote.regressions)
    directions = {rule.metric: rule.greater_is_better for rule in rules}
    primary = (promote.primary.skill, promote.primary.locale, promote.primary.metric)
    for row in rows(evidence):
        if row.metric not in directions or ("all" in (row.skill, row.locale) and place(row) != primary):
            continue
        better = directions[row.metric]
        parts = [one for one in evidence.subsets if place(row)[:2] == (one.skill, one.locale)]
        parts = [one for one in parts if row.metric in one.metrics]
        worst = (min if better else max)(parts, key=lambda one: one.metrics[row.metric], default=None)
        yield Scored(row, better, worst)


def cell(text: str) -> str:
    """A shop's own words in a cell of a Markdown table: what would end it, or pass for HTML, does not."""
    return escape(" ".join(text.split()), quote=False).replace("|", "\\|")


def place(row: Row) -> tuple[str, str, str]:
    return row.skill, row.locale, row.metric


def weights(model: Path) -> int:
    """Parameters in a folder's safetensors, by their headers."""
    from safetensors import safe_open

    total = 0
    for path in sorted(model.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as held:
            total += sum(prod(held.get_slice(name).get_shape()) for name in held.keys())  # noqa: SIM118 no mapping
    return total


@dataclass(frozen=True)
class Described:
    """All that a card says."""

    params: Params
    evidence: Evidence
    data: Card
    parameters: int
    snapshot: str
    lock: str
    """SHA-256 of dvc.lock."""

    @property
    def name(self) -> str:
        return self.params.registry.model_name

    @property
    def writes(self) -> bool:
        return self.evidence.objective == "causal"

    @property
    def skills(self) -> list[str]:
        return list(dict.fromkeys(one.skill for one in self.data.slices))

    @property
    def locales(self) -> list[str]:
        return sorted({one.locale for one in self.data.slices})

    @property
    def origin(self) -> str:
        """What training began with."""
        train = self.params.train
        return "from scratch" if train.init == "scratch" else f"from the checkpoint {Path(train.base_model).name}"

    @cached_property
    def scores(self) -> list[Scored]:
        return list(scored(self.evidence, self.params))

    def text(self, most: int | None = None) -> str:
        """The card's body; of each table at most so many rows."""
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        environment = Environment(
            loader=FileSystemLoader(TEMPLATE.parent), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters["cell"] = cell
        return environment.get_template(TEMPLATE.name).render(
            card=self, most=most, weak=[s for s in self.scores if s.weak]
        )


def described(layout: Layout, params: Params, evidence: Evidence, snapshot: str, lock: str) -> Described:
    """Read what a finished workspace says of its model.

    Raises:
        UserError: there is no data card.
    """
    return Described(params, evidence, read_card(layout.card), weights(layout.model), snapshot, lock)


def model_card(found: Described) -> str:
    """The whole card: the Hub's metadata, with every score that the gate asks for, and the body."""
    from huggingface_hub import EvalResult, ModelCard, ModelCardData

    task = "text-generation" if found.writes else "fill-mask"
    results = [
        EvalResult(
            task_type=task,
            dataset_type=one.row.skill,
            dataset_name=f"{one.row.skill}/{one.row.locale}, test split",
            dataset_revision=found.evidence.test_set,
            metric_type=one.row.metric,
            metric_value=one.row.value,
        )
        for one in found.scores
    ]
    data = ModelCardData(
        model_name=found.name,
        language=found.locales,
        library_name="transformers",
        pipeline_tag=task,
        base_model=None if found.params.train.init == "scratch" else Path(found.params.train.base_model).name,
        tags=["ecom-llm", *found.skills],
        eval_results=results or None,
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{found.text()}"))


def description(found: Described) -> str:
    """The card's body, with tables short enough for MLflow's field."""
    for most in MOST:
        text = found.text(most)
        if len(text) <= LONGEST:
            break
    return text[:LONGEST]
