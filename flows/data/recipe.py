"""A recipe for what was inspected: an overlay on params.yaml, validated before it is written."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote

import yaml

from ecom_llm.collect.inspect import Inspection, Proposal, Trial
from ecom_llm.params import Source, read_yaml, validate
from ecom_llm.records import UserError
from flows.overrides import laid_over

OF_STATED = 0.8
"""Share of what people's own texts state that a model has to state."""
LEAST_STATED = 0.1
"""Below it, texts do not repeat the attributes' words, and a bound on coverage would judge nothing."""
WIDE = 10_000_000
"""Characters of a line of YAML before it is broken: never, since a broken line would need its own indentation."""
Rule = tuple[str, float, str]
"""Metric, bound, and why it is that."""


def write_recipe(inspection: Inspection, path: Path, params: Path, sources: Path) -> None:
    """Write the recipe of an inspection.

    Args:
        params: params.yaml, over which the recipe must validate.
        sources: the folder of managed data, of which every checkout and snapshot has a copy.

    Raises:
        UserError: the file is there already or cannot be written, or nothing was understood that could be learned from.
    """
    require_free(path)
    text = recipe_text(inspection, path, sources)
    validate(laid_over(read_yaml(params), yaml.safe_load(text)), f"{params} with {path}")
    try:
        # "x": whoever made the file meanwhile keeps it
        with path.open("x", encoding="utf-8", newline="\n") as handle:
            handle.write(text)
    except OSError as error:
        if not isinstance(error, FileExistsError):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise UserError(
            f"--write {path}: cannot be written ({error.strerror}). Name a file in a folder of yours."
        ) from error


def require_free(path: Path) -> None:
    """Refuse a name under which no new recipe can be written, before anything is read.

    Raises:
        UserError: it is no YAML file's name, has spaces, or is taken.
    """
    if path.suffix != ".yaml" or any(letter.isspace() or letter == ":" for letter in path.stem):
        raise UserError(
            f"--write {path}: expected a name without spaces that ends in .yaml, like recipes/my-shop.yaml."
        )
    if path.exists():
        raise UserError(f"--write {path}: is there already, and is not overwritten. Remove it, or name another file.")
    if not path.parent.is_dir():
        raise UserError(f"--write {path}: there is no folder {path.parent}. Make it, or name a file in recipes.")


def recipe_name(place: Path) -> str:
    """A file name for the recipe, which is part of the registered model's name too."""
    first = place.name.split(".")[0].casefold()
    return "-".join("".join(letter if letter.isalnum() else " " for letter in first).split()) or "shop"


def recipe_text(inspection: Inspection, path: Path, sources: Path) -> str:
    """The recipe as YAML with its reasons.

    Raises:
        UserError: no source was proposed that could be learned from.
    """
    usable = [(proposal.source, trial) for proposal, trial in inspection.proposals if trial.skills]
    if not usable:
        raise UserError(
            f"{inspection.place}: nothing was understood that a model could learn from, so there is no recipe to write. "
            "`ecom-llm inspect` without --write says what is missing."
        )
    location, inside = placed(inspection.location, sources)
    if inspection.address:  # of one file, the address is the location, and the source's path is the location itself
        location, inside = inspection.address, Path()
    single = bool(inspection.address) and inspection.place.is_file()
    shown = path.relative_to(sources.parents[1]) if path.is_relative_to(sources.parents[1]) else path
    skills = tuple(dict.fromkeys(skill for _, trial in usable for skill in trial.skills))
    # one bound for all sources, so it is that of the texts that repeat least
    stated = [trial.stated for _, trial in usable if trial.stated is not None]
    lines = [
        comment(
            f"{inspection.place.resolve().name}: proposed by `ecom-llm inspect` from its first rows. Read it, then run it:"
        ),
        comment(f"ecom-llm run --recipe {quote(str(shown))}"),
        "#",
        *(line for proposal, trial in inspection.proposals if trial.skills for line in found_lines(proposal, trial)),
        "",
        "collect:",
        f"  location: {scalar(location)}",
        "  sources:",
        *(line for source, _ in usable for line in source_lines(at_location(source) if single else source, inside)),
        "",
        "promote:                          # rules for the skills that this data can teach: one that matches no slice refuses",
        *rule_lines(skills, min(stated, default=None)),
        "",
        "registry:",
        f"  model_name: {scalar(f'ecom-llm-{path.stem}')}",
    ]
    return "\n".join(lines) + "\n"


def comment(text: str) -> str:
    """A YAML comment; names of files and columns in it may hold anything, and must not end the line."""
    return "# " + "".join(letter if letter.isprintable() else " " for letter in text)


def found_lines(proposal: Proposal, trial: Trial) -> Iterator[str]:
    """What was understood of one source, as comments."""
    counts = ", ".join(f"{count:,} {table}" for table, count in trial.records.items())
    part = "all of it" if trial.whole else "its beginning"
    for text in (
        f"{proposal.source.path}: {proposal.why}",
        f"{part} gave {counts}; {trial.rejected.total():,} rejected",
    ):
        yield comment(text)


def placed(location: Path, sources: Path) -> tuple[str, Path]:
    """`collect.location`, and where the data lies below it: managed data is named as every snapshot finds it."""
    # a snapshot has its own copy of managed data; an absolute path would lead it back to the checkout's
    location, sources = location.resolve(), sources.resolve()
    if location.is_relative_to(sources):
        return str(Path(*sources.parts[-2:])), location.relative_to(sources)
    return str(location), Path()


def at_location(source: Source) -> Source:
    """The source whose file is `collect.location` itself."""
    return source.model_copy(update={"path": "."})


def dumped(value: str | dict[str, str]) -> list[str]:
    """A text, or names with texts, as lines of YAML; quoted where they have to be."""
    plain = "".join([value] if isinstance(value, str) else [*value, *value.values()]).isprintable()
    # only the double-quoted style spells every character, and keeps a text with line breaks on one line
    spelt = yaml.safe_dump(
        value, allow_unicode=plain, sort_keys=False, width=WIDE, default_style=None if plain else '"'
    )
    lines = spelt.splitlines()
    return lines[:-1] if lines[-1] == "..." else lines


def scalar(text: str) -> str:
    """A text as YAML on one line."""
    return dumped(text)[0]


def source_lines(source: Source, inside: Path) -> Iterator[str]:
    """One entry of `collect.sources`."""
    yield f"    - form: {source.form}"
    yield f"      path: {scalar((inside / source.path).as_posix())}"
    yield f"      locale: {source.locale}"
    yield (
        f"      weight: {source.weight:g}" if source.weight != int(source.weight) else f"      weight: {source.weight}"
    )
    if not source.columns:
        yield "      columns: {}"
        return
    yield "      columns:"
    yield from (f"        {line}" for line in dumped(source.columns))


def rules_of(skill: str, stated: float | None) -> tuple[Rule, ...]:
    """Thresholds of one skill; coverage only where people's own texts state what they were given."""
    if skill == "recommend":
        return (
            ("hit@10", 0.05, "share of next purchases among ten proposals; popularity alone is the baseline to beat"),
        )
    if skill in ("describe", "advertise") and stated is not None and stated >= LEAST_STATED:
        least = round(OF_STATED * stated, 2)
        return (
            ("attribute_coverage", least, f"people's own texts state {stated:.2f} of the values word for word"),
            ("unsupported_rate", 0.2, "share of the stated values that are not the product's own"),
        )
    return (("bits_per_byte", 3.0, "8 is guessing, and about 4 is English letters by their frequency alone"),)


def rule_lines(skills: Sequence[str], stated: float | None) -> Iterator[str]:
    """`thresholds` and `regressions` for each skill there is."""
    rules = [(skill, *rule) for skill in skills for rule in rules_of(skill, stated)]
    yield "  thresholds:"
    for skill, metric, bound, why in rules:
        yield f"    # {why}"
        yield f"    - {{{slice_of(metric, skill)}, threshold: {bound}, greater_is_better: {better(metric)}}}"
    yield "  regressions:"
    for skill, metric, _, _ in rules:
        yield f"    - {{{slice_of(metric, skill)}, max_regression: 0.05, greater_is_better: {better(metric)}}}"


def slice_of(metric: str, skill: str) -> str:
    return f'metric: {metric}, skill: {skill}, locale: "*"'


def better(metric: str) -> str:
    """Whether more is better, as YAML."""
    return "false" if metric in ("unsupported_rate", "bits_per_byte") else "true"
