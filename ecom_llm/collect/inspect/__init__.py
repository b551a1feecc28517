"""What was understood of a shop's file or folder: shape, columns, problems, and the sources of a recipe for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ecom_llm.collect.forms.dataset import is_saved
from ecom_llm.collect.forms.origins import is_data
from ecom_llm.collect.inspect.columns import plain
from ecom_llm.collect.inspect.fields import Match
from ecom_llm.collect.inspect.language import guess
from ecom_llm.collect.inspect.problems import Problem, is_headless, listed, problems_of, repeated
from ecom_llm.collect.inspect.propose import Proposal, mapped, published, specified, tables_of
from ecom_llm.collect.inspect.recognise import Recognised, file_form, folder_form
from ecom_llm.collect.inspect.sample import Sample, spellable, tried
from ecom_llm.collect.inspect.trial import Trial, try_source
from ecom_llm.records import LOCALE, UserError

__all__ = ["SAMPLE_ROWS", "Inspection", "Match", "Problem", "Proposal", "Sample", "Trial", "inspect"]

SAMPLE_ROWS = 2_000
"""Rows of a file that are looked at, unless someone asks for more: no run depends on it."""
TRIED = 10
"""Records read through a form for each row of the sample: a folder's products come before its purchases."""
Proposed = tuple[Proposal, Sample | None]
"""A proposal, and the rows to try it on where its form is given them."""
MOST_FILES = 100
"""Files of a folder that are looked at."""


@dataclass(frozen=True)
class Inspection:
    """Everything that is known of a place after looking at the beginning of each file."""

    place: Path
    location: Path
    """The folder that `collect.location` is to name."""
    samples: dict[str, Sample]
    """File name -> its first rows."""
    unread: dict[str, str]
    """File name -> why it could not be looked at, or is no data."""
    problems: dict[str, tuple[Problem, ...]]
    """File name -> what is wrong with its sample."""
    locale: str
    locale_why: str
    proposals: tuple[tuple[Proposal, Trial], ...]
    address: str
    """Where the place was fetched from; empty where it lies on this machine."""


def inspect(place: Path, limit: int, locale: str | None, address: str = "") -> Inspection:
    """Look at the first `limit` rows of a file, or of each file of a folder, and propose how to read it.

    Args:
        locale: BCP 47 tag of the texts; None guesses it from their script.
        address: where the place was fetched from.

    Raises:
        UserError: there is no such place, it cannot be read, or it holds no file.
    """
    if locale is not None and not re.fullmatch(LOCALE, locale):
        raise UserError(f"--locale {locale}: is no language tag. Expected one such as en, zh or zh-TW.")
    if limit < 1:
        raise UserError(f"--rows {limit}: expected at least 1.")
    files = files_of(place)
    found = {name: tried(path, limit) for name, path in islice(files.items(), MOST_FILES)}
    samples = {name: sample for name, sample in found.items() if isinstance(sample, Sample)}
    unread = {name: str(error) for name, error in found.items() if isinstance(error, UserError)}
    if len(files) > len(found):
        unread[f"{len(files) - len(found):,} more files"] = f"only the first {len(found)} are looked at"
    known = recognised(place, samples)
    # RNNLG's lists are no rows of columns: their form knows better than the reader of rows
    unread = {name: why for name, why in unread.items() if not any(name in one.files for one in known)}
    if place.is_file() and unread:
        raise UserError(unread[place.name])
    for one in known:
        if one.folder and place.is_dir():
            unread |= {name: f"the form {one.form} does not read it" for name in found if name not in one.files}
            samples = {name: sample for name, sample in samples.items() if name in one.files}
    spoken, why = (locale, "as you said") if locale else guess(texts_of(samples, known))
    location = (place if place.is_dir() else place.parent).resolve()
    proposals = propose(samples, known, spoken, all_read=not unread.keys() & found.keys())
    return Inspection(
        place=place,
        location=location,
        samples=samples,
        unread=unread,
        problems={name: problems(name, sample, proposals) for name, sample in samples.items()},
        locale=spoken,
        locale_why=why,
        proposals=tuple((one, try_source(location, one.source, read, limit * TRIED)) for one, read in proposals),
        address=address,
    )


def files_of(place: Path) -> dict[str, Path]:
    """Name -> the file itself, or the data files of a folder; shards in its `data` count as its own, as on the Hub."""
    if place.is_file():
        return {place.name: place}
    if is_saved(place):
        raise UserError(
            f"{place}: is a data set that `save_to_disk` wrote, whose files are not looked at here. The form dataset reads it by "
            "`columns` that you write; or write it anew, and inspect that: part.to_parquet('NAME.parquet') for each split."
        )
    try:
        inside = sorted(path for path in place.iterdir() if path.is_file() and is_data(path.name))
    except OSError as error:
        raise UserError(f"{place}: cannot be read ({error.strerror}). Give the path of a file or folder.") from error
    inside += sorted((place / "data").glob("*.parquet"))
    if not inside:
        raise UserError(
            f"{place}: holds no data file{folders_in(place)}. Give a file, or the folder that holds your files."
        )
    odd = next((path for path in inside if not spellable(path.name)), None)
    if odd is not None:
        raise UserError(f"{place}: the file name {odd.name!a} is no UTF-8, so no recipe can hold it. Rename the file.")
    return {path.relative_to(place).as_posix(): path for path in inside}


def folders_in(place: Path) -> str:
    """The folders of a place that holds nothing else: one of them may be meant."""
    names = sorted(path.name for path in place.iterdir() if path.is_dir() and not path.name.startswith("."))
    return f", only the folder{'s' * (len(names) > 1)} {listed(names)}" if names else ""


def recognised(place: Path, samples: dict[str, Sample]) -> list[Recognised]:
    """The published forms in a place; a file is asked for with its neighbours, which its form may need."""
    folder = place if place.is_dir() else place.parent
    whole = folder_form(folder, samples)
    if whole is not None and (place.is_dir() or place.name in whole.files):
        return [whole]
    return [form for sample in samples.values() if (form := file_form(sample)) is not None]


def texts_of(samples: dict[str, Sample], known: list[Recognised]) -> Iterator[str]:
    """Cells to guess the language from: those of the files that a form reads, else of all."""
    read = {name for one in known for name in one.files} & set(samples)
    for name in sorted(read) or samples:
        told = [one.name for one in samples[name].columns if one.kind in ("text", "category", "object", "list")]
        yield from (plain(row.get(column)) for _, row in samples[name].rows for column in told)


def propose(samples: dict[str, Sample], known: list[Recognised], locale: str, all_read: bool) -> list[Proposed]:
    """Published forms first; what they leave over is mapped by its columns, files of equal columns as one.

    Args:
        all_read: whether a source that names the folder would meet no file that cannot be read.
    """
    found = [one for form in known if (one := for_form(form, samples, locale)) is not None]
    read = {name for one in known for name in one.files}
    # what else lies in a published folder (a licence, a scoring table) is not the shop's
    if any(one.folder for one in known):
        return found
    left = {name: sample for name, sample in samples.items() if name not in read and sample.shape.kind != "lines"}
    alike = {tuple(column.name for column in sample.columns) for sample in left.values()}
    # one source for the folder is shorter, and next month's export is read without a new recipe
    if all_read and len(left) == len(samples) > 1 == len(alike):
        first = next(iter(left.values()))
        one = mapped(first, ".", locale, "mapped")
        return [(one, first)] if one else []
    pairs = [(mapped(sample, name, locale, "mapped"), sample) for name, sample in left.items()]
    return [*found, *((one, sample) for one, sample in pairs if one is not None)]


def for_form(known: Recognised, samples: dict[str, Sample], locale: str) -> Proposed | None:
    """The proposal for a published form, with the sample to try it on where it is read by a mapping."""
    first, path = known.files[0], "." if known.folder else known.files[0]
    if known.form == "dataset":
        one = mapped(samples[first], path, locale, "dataset")
        return (replace(one, why=f"{known.why}; {one.why}"), samples[first]) if one else None
    if known.hashes is not None:
        one = specified(samples[first], path, locale, known.hashes, known.why)
        return (one, samples[first]) if one else None
    return published(known.form, path, locale, known.why), None


def problems(name: str, sample: Sample, proposals: list[Proposed]) -> tuple[Problem, ...]:
    """What is wrong with one sample; ids may repeat only where a row is more than a product of its own."""
    found = problems_of(sample.rows, sample.columns, sample.faults)
    if sample.shape.kind == "csv" and is_headless(sample.shape.columns):
        found = (
            Problem("the first line holds values: is the line with the names of the columns missing?", 1, 1),
            *found,
        )
    for proposal, _ in proposals:
        columns = proposal.source.columns
        if proposal.source.path == name and tables_of(columns) == ["products"]:
            again = repeated(columns["products.id"], sample.rows)
            return (*found, again) if again else found
    return found
