"""`ecom-llm study new`: the study is made, its pages and sheets are written, and what it can tell is said."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.evaluate.evidence import Output
from ecom_llm.human.advice import advice
from ecom_llm.human.making import make_study
from ecom_llm.human.page import render_sheet
from ecom_llm.human.sheet import write_sheet
from ecom_llm.human.study import Study, save_study
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import UserError
from ecom_llm.registry import open_registry
from flows.study.sides import default_candidate, opponent, side_of

EXPORT = "export"
"""Folder of a study with what raters get, and nothing else."""


@dataclass(frozen=True)
class Wanted:
    """What a person asks for."""

    candidate: str | None
    against: str
    rate: bool
    skills: Sequence[str]
    locales: Sequence[str]


def chosen(outputs: Sequence[Output], wanted: Wanted) -> list[Output]:
    """The outputs of the skills and locales asked for.

    Raises:
        UserError: there is none; names what there is.
    """
    found = [
        output
        for output in outputs
        if (not wanted.skills or output.skill in wanted.skills)
        and (not wanted.locales or output.locale in wanted.locales)
    ]
    if not found:
        there = ", ".join(sorted({f"{output.skill}/{output.locale}" for output in outputs}))
        raise UserError(
            f"--skill {' '.join(wanted.skills)} --locale {' '.join(wanted.locales)}: there is only {there}."
        )
    return found


def new_study(layout: Layout, params: Params, wanted: Wanted) -> Study:
    """Make a study and write everything of it.

    Raises:
        UserError: a side is not there, or there is nothing to judge.
    """
    registry = open_registry(params.registry.model_name, layout)
    candidate = side_of(registry, wanted.candidate or default_candidate(registry))
    outputs = chosen(candidate.outputs, wanted)
    other, texts = (None, None) if wanted.rate else opponent(registry, wanted.against, candidate)
    left = {(one.skill, one.locale) for one in candidate.outputs} - {(one.skill, one.locale) for one in outputs}
    study = make_study(candidate.side, outputs, other, texts, params.promote.study, left)
    folder = layout.studies / study.id
    save_study(folder, study)
    export(folder / EXPORT, study)
    return study


def export(folder: Path, study: Study) -> None:
    """Write each rater's page and sheet: files that can be sent, and that do not tell whose texts they show."""
    folder.mkdir(parents=True, exist_ok=True)
    for sheet in study.sheets:
        (folder / f"rater-{sheet.rater}.html").write_text(render_sheet(sheet), encoding="utf-8", newline="\n")
        write_sheet(folder / f"rater-{sheet.rater}.csv", sheet)


def load(study: Study) -> str:
    """How much each rater has to do."""
    longest = max(len(sheet.tasks) for sheet in study.sheets)
    counts = Counter((entry.rater, entry.kind) for entry in study.key.entries)
    repeats, checks = (max(counts[sheet.rater, kind] for sheet in study.sheets) for kind in ("repeat", "known_bad"))
    said = (
        f"{len(study.sheets)} raters, at most {longest} tasks each; {repeats} of them repeats, {checks} known-bad texts"
    )
    if not checks:
        said += " (they are made of examples that are not judged: ask for fewer with --examples to have some)"
    return said


def made_lines(study: Study, layout: Layout, params: Params) -> list[str]:
    """What was made, what it can tell, and what comes next."""
    settings, key = params.promote.study, study.key
    judged = sum(one.judged for one in key.drawn)
    against = f"{key.candidate.name} against {key.other.name}" if key.other else f"{key.candidate.name}, rated"
    lines = [f"Study {study.id}: {against}"]
    for one in key.drawn:
        same = f", {one.identical} are the same and are not shown" if key.other else ""
        lines.append(f"  {one.skill}/{one.locale}: {one.judged} of {one.differing} examples{same}")
    lines.append(f"  {load(study)}")
    if key.other:
        lines += ["", *advice(judged, min(settings.raters_per_example, len(study.sheets)), params.promote.confidence)]
    return [
        *lines,
        "",
        "Send each rater one page (or one sheet for a spreadsheet) and nothing else:",
        f"  {layout.studies / study.id / EXPORT}",
        "Then:",
        "  ecom-llm study import ANSWERS...",
        f"  ecom-llm study results {study.id}",
    ]
