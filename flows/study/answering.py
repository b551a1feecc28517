"""`ecom-llm study import` and `results`: what raters sent back is checked, kept, counted, and stored with the version."""

from collections.abc import Sequence
from pathlib import Path

from ecom_llm.human.estimates import Precision
from ecom_llm.human.judgements import Verdicts, verdicts
from ecom_llm.human.reading import Rejected, Returned, read_returned, usable
from ecom_llm.human.results import told
from ecom_llm.human.study import (
    SHEETS,
    Answer,
    Answers,
    Study,
    answers_file,
    load_answers,
    load_record,
    load_study,
    save_record,
)
from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.promote.people import precision_of
from ecom_llm.records import UserError
from ecom_llm.registry import open_registry
from ecom_llm.registry.studies import store

SHOWN = 5
"""Rejected answers that are named one by one."""


def studies(layout: Layout) -> dict[str, Study]:
    """The studies there are, by their names."""
    folders = sorted(path.parent for path in layout.studies.glob(f"*/{SHEETS}"))
    return {folder.name: load_study(folder) for folder in folders}


def find_study(layout: Layout, name: str | None) -> Study:
    """The study of that name; without one the only one there is.

    Raises:
        UserError: there is none of that name, or more than one to choose from.
    """
    known = studies(layout)
    if not known:
        raise UserError(f"{layout.studies}: holds no study yet. Make one: ecom-llm study new")
    if name is None and len(known) > 1:
        raise UserError(f"there are several studies, name one: {', '.join(known)}.")
    if name is not None and name not in known:
        raise UserError(f"no study is called {name!r}. There are: {', '.join(known)}.")
    return known[name] if name is not None else next(iter(known.values()))


def import_file(path: Path, known: dict[str, Study], layout: Layout, keep_names: bool, replace: bool) -> list[str]:
    """Check a file of answers, keep what can be used, and say what became of it.

    Raises:
        UserError: the file as a whole cannot be used, or that rater's other answers are here already.
    """
    returned = read_returned(path, known)
    study = known[returned.study]
    sheet = study.sheet(returned.rater)
    checked = list(usable(returned, sheet)) if sheet else []
    good = [one for one in checked if isinstance(one, Answer)]
    rejected = [*returned.rejected, *(one for one in checked if isinstance(one, Rejected))]
    if not good:
        raise UserError(
            f"{path}: holds no answer that can be used. {'; '.join(rejects(rejected)) or 'It is not filled in.'}"
        )
    shown = [task.id for task in sheet.tasks] if sheet else []
    ordered = tuple(sorted(good, key=lambda one: shown.index(one.task)))
    answers = Answers(study=study.id, rater=returned.rater, name=name_of(returned, keep_names), answers=ordered)
    keep(path, answers, answers_file(layout.studies / study.id, returned.rater), replace)
    missing = len(shown) - len(good)
    line = f"{path}: study {study.id}, rater {returned.rater}: {len(good)} answers kept"
    line += f", {missing} of {missing + len(good)} tasks have none" if missing else ""
    return [line, *(f"  {one}" for one in rejects(rejected))]


def name_of(returned: Returned, keep_names: bool) -> str:
    """A pseudonym, unless names are to be kept and there is one."""
    return returned.name if keep_names and returned.name else f"rater {returned.rater}"


def keep(path: Path, answers: Answers, file: Path, replace: bool) -> None:
    """Keep a rater's answers. The same ones again change nothing; others replace them only if asked.

    The same are those that choose the same, in whatever order a spreadsheet put them; of two such files the one that gives more
    reasons stays, since a sheet has no column for them.

    Raises:
        UserError: other answers of that rater are here.
    """
    if file.exists() and not replace:
        here = load_record(file, Answers)
        if chosen(here) == chosen(answers):
            if told_beside(answers) >= told_beside(here):
                save_record(file, answers)
            return
        raise UserError(
            f"{path}: rater {answers.rater} of study {answers.study} has answered already, differently. If this file is to "
            "take its place: --replace. If it is another person's, they need a page of their own."
        )
    save_record(file, answers)


def chosen(answers: Answers) -> dict[str, tuple[str | None, dict[str, int]]]:
    """Task -> what was chosen there."""
    return {one.task: (one.choice, one.ratings) for one in answers.answers}


def told_beside(answers: Answers) -> int:
    """How many reasons and comments stand beside the choices."""
    return sum(len(one.reasons) + bool(one.comment) for one in answers.answers)


def rejects(rejected: Sequence[Rejected]) -> list[str]:
    """The rejected answers: how many, and the first few by name."""
    if not rejected:
        return []
    first = [f"{one.where}: {one.reason}" for one in rejected[:SHOWN]]
    more = [f"and {len(rejected) - SHOWN} more"] if len(rejected) > SHOWN else []
    return [f"{len(rejected)} rejected:", *first, *more]


def still_missing(study: Study, layout: Layout) -> str:
    """Whom the study still waits for, or what to do when it waits for nobody."""
    here = {answers.rater for answers in load_answers(layout.studies / study.id, study)}
    away = [str(sheet.rater) for sheet in study.sheets if sheet.rater not in here]
    if away:
        return f"Study {study.id} waits for rater {', '.join(away)}."
    return f"Study {study.id} has all {len(study.sheets)} raters: ecom-llm study results {study.id}"


def verdicts_of(study: Study, layout: Layout, params: Params, exclude_failing: bool) -> Verdicts:
    """What was said in a study.

    Raises:
        UserError: nothing was imported yet, or every rater fails the checks.
    """
    answered = load_answers(layout.studies / study.id, study)
    if not answered:
        raise UserError(f"study {study.id} has no answers yet: ecom-llm study import FILE")
    found = verdicts(study, answered, params.promote.study.min_known_bad_told, exclude_failing)
    if not found.judgements:
        raise UserError(
            f"study {study.id}: every rater fails the checks, so nothing is left. Without --exclude-failing all count."
        )
    return found


def result_lines(found: Verdicts, params: Params) -> list[str]:
    """The results in words."""
    return told(found, precision_for(params), params.promote.study.min_known_bad_told)


def precision_for(params: Params) -> Precision:
    """As the gate makes its intervals, so that both tell the same numbers."""
    return precision_of(params.promote, params.evaluate.seed)


def record(found: Verdicts, layout: Layout, params: Params) -> str:
    """Store a study with the version it judged; return what was done.

    Raises:
        UserError: raters are missing, it judged a file and no version, or the version's outputs are others.
    """
    if found.missing_raters:
        raise UserError(
            f"study {found.study} waits for rater {', '.join(map(str, found.missing_raters))}: stopping when the result "
            "pleases makes intervals untrue. Import their answers, or make a smaller study."
        )
    open_tasks = [f"{one.missing} tasks of rater {one.rater}" for one in found.raters if one.missing]
    if open_tasks:
        raise UserError(
            f"study {found.study} waits for {', '.join(open_tasks)}: stopping when the result pleases makes intervals untrue. "
            "Let them go on (their page goes on where it was closed; who cannot choose says tie) and import the file with "
            "--replace, or make a smaller study."
        )
    number = found.candidate.version
    if number is None:
        raise UserError(
            f"study {found.study} judged {found.candidate.name}, which is no registered version. Make one of a version: "
            "ecom-llm study new VERSION"
        )
    registry = open_registry(params.registry.model_name, layout)
    version = registry.version(number)
    store(registry, version, found, precision_for(params), result_lines(found, params))
    return (
        f"Stored with {version.model_name} version {number}. A rule that names it counts it: ecom-llm promote {number}"
    )
