"""The commands about blind studies: `ecom-llm study new`, `import` and `results`."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from flows.entering import RecipeOption, Settings, enter

app = App(name="study", help="Let people judge blind what versions write; the gate can ask for it.")

Names = Annotated[tuple[str, ...], Parameter(negative="", show_default=False)]


@app.command
def new(
    candidate: str | None = None,
    *,
    against: str = "champion",
    rate: bool = False,
    skill: Names = (),
    locale: Names = (),
    examples: int | None = None,
    raters: int | None = None,
    recipe: RecipeOption = None,
    set_: Settings = (),
) -> None:
    """Draw examples, hide whose texts they are, and write a page and a sheet for each rater.

    For example:

        ecom-llm study new --against reference
        ecom-llm study new 4 --against 3 --skill describe --locale en
        ecom-llm study new --rate --examples 40 --raters 2

    Parameters
    ----------
    candidate
        What is judged: a version's number, an alias, or a path of outputs.jsonl; without it the candidate, else the champion.
    against
        What it is compared with: one of those, `reference` for the human texts, or a baseline such as `template`.
    rate
        Rate its texts on scales instead of comparing them.
    skill
        Only this skill; may be repeated.
    locale
        Only this locale; may be repeated.
    examples
        Examples to be judged; without it as params.yaml says.
    raters
        People who judge, each of them every example; without it as params.yaml says.
    recipe
        YAML file laid over params.yaml.
    set_
        One value, `section.key=value`; may be repeated.
    """
    from flows.study.making import Wanted, made_lines, new_study

    candidate = absolute(candidate)
    against = absolute(against) or against
    given = [f"promote.study.examples={examples}"] if examples is not None else []
    if raters is not None:
        given += [f"promote.study.raters={raters}", f"promote.study.raters_per_example={raters}"]
    layout, params = enter(recipe, (*set_, *given))
    study = new_study(layout, params, Wanted(candidate, against, rate, skill, locale))
    print("\n".join(made_lines(study, layout, params)))


def absolute(name: str | None) -> str | None:
    """A path as seen from where the command was typed; other names as they are."""
    return str(Path(name).expanduser().resolve()) if name is not None and name.endswith(".jsonl") else name


@app.command(name="import")
def import_(*files: Path, keep_names: bool = False, replace: bool = False) -> None:
    """Check and keep what raters sent back: the page's file, or the sheet as CSV or Excel.

    What cannot be used is named and counted. Importing a file again changes nothing.

    For example:

        ecom-llm study import answers-*.json rater-2.xlsx

    Parameters
    ----------
    files
        Files of answers.
    keep_names
        Whether to keep the names that raters gave, instead of `rater 1`, `rater 2`.
    replace
        Whether other answers of the same rater may be replaced.
    """
    from ecom_llm.records import UserError
    from flows.study.answering import import_file, still_missing, studies

    paths = [path.expanduser().resolve() for path in files]
    layout, _ = enter()
    if not paths:
        raise UserError("study import: name the files that raters sent back.")
    known = studies(layout)
    for path in paths:
        print("\n".join(import_file(path, known, layout, keep_names, replace)))
    answered = {folder.parent.parent.name for folder in layout.studies.glob("*/answers/*.json")}
    print("\n".join(still_missing(study, layout) for name, study in known.items() if name in answered))


@app.command
def results(
    study: str | None = None,
    *,
    record: bool = False,
    exclude_failing: bool = False,
    recipe: RecipeOption = None,
    set_: Settings = (),
) -> None:
    """Show what people said: win rate or marks with intervals, agreement, and how carefully each rater judged.

    For example:

        ecom-llm study results
        ecom-llm study results --record

    Parameters
    ----------
    study
        The study's name; may be left out where there is one alone.
    record
        Store it with the version it judged, for the gate; all raters must have answered.
    exclude_failing
        Leave out raters who do not tell enough of the known-bad texts.
    recipe
        YAML file laid over params.yaml.
    set_
        One value, `section.key=value`; may be repeated.
    """
    from flows.study.answering import find_study, result_lines, verdicts_of
    from flows.study.answering import record as keep

    layout, params = enter(recipe, set_)
    found = verdicts_of(find_study(layout, study), layout, params, exclude_failing)
    print("\n".join(result_lines(found, params)))
    if record:
        print(f"\n{keep(found, layout, params)}")
