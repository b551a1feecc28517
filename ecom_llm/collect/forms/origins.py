"""Where a source's rows stand: its files, the name each record carries, and rows that are refused."""

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ecom_llm.collect.files import Fault, Row, read_rows
from ecom_llm.collect.rejected import Rejected, content_of
from ecom_llm.params import Source
from ecom_llm.records import UserError

BESIDE_DATA = ("readme", "license", "licence")
"""Files that publishers put beside their data, told by the beginning of their names."""


class Origin(NamedTuple):
    """A row's place in its source: the file's name, and the 1-based row or line in it.

    The stage puts the source's path before the name, and its weight on the records.
    """

    source: str
    row: int

    def rejected(self, table: str, reason: str, content: object) -> Rejected:
        """This row, left out of `table`; the content is spelt as JSON."""
        # a Parquet cell may be a date or bytes, which JSON spells only as text
        spelt = json.loads(json.dumps(content, default=str))
        return Rejected(source=self.source, row=self.row, table=table, reason=reason, content=content_of(spelt))

    def unreadable(self, table: str, fault: Fault) -> Rejected:
        """This row, which the reader could not read."""
        return Rejected(
            source=self.source, row=self.row, table=table, reason=f"row: {fault.reason}", content=fault.content
        )


def files_of(place: Path, source: Source) -> list[Path]:
    """The data files of a source, sorted: the file itself, or those of the folder that are no licence or hidden file.

    Raises:
        UserError: there is nothing to read; names the path and what stands beside it.
    """
    if place.is_file():
        return [place]
    if not place.is_dir():
        # the nearest folder that exists: what it holds shows whether the path or the location is mistaken
        folder = next((parent for parent in place.parents if parent.is_dir()), place.parent)
        raise UserError(
            f"collect.sources: path {source.path!r}: {place} does not exist. {folder} holds {there(folder)}. "
            "Paths are relative to collect.location: mend one of the two."
        )
    files = [path for path in sorted(place.iterdir()) if path.is_file() and is_data(path.name)]
    if not files:
        raise UserError(
            f"collect.sources: path {source.path!r}: {place} holds no data file: found {there(place)}. "
            "Give the path of the file or folder that holds your rows."
        )
    return files


def is_data(name: str) -> bool:
    """Whether a file in a folder of data is one of rows; `.dvc` files only name what DVC keeps, Spark adds `_SUCCESS`."""
    return not name.startswith((".", "_")) and not name.endswith(".dvc") and not name.lower().startswith(BESIDE_DATA)


def there(folder: Path) -> str:
    """What a folder holds, in a few words."""
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        return f"nothing that can be read ({error.strerror})"
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") if names else "nothing"


def rows_of(place: Path, source: Source) -> Iterator[tuple[Origin, Row | Fault]]:
    """The rows of all files of a source, each with its origin."""
    for path in files_of(place, source):
        for number, row in read_rows(path):
            yield Origin(path.name, number), row


def row_id(origin: Origin, source: Source) -> str:
    """An id for what has none of its own, such as `advertisegen/train.json:17`; no other source's row has it."""
    place = PurePosixPath(source.path)
    name = place if place.name == origin.source else place / origin.source
    return f"{name}:{origin.row}"


def file_in(place: Path, name: str, source: Source) -> Path:
    """A file that a published form has under a fixed name.

    Raises:
        UserError: it is not there; names the folder and what it holds.
    """
    path = place / name
    if not path.is_file():
        raise UserError(
            f"collect.sources: path {source.path!r}: {path} is missing, which the form {source.form} needs. "
            f"{place} holds {there(place)}. Give the folder that holds {name}."
        )
    return path


def without_columns(source: Source, allowed: tuple[str, ...] = ()) -> None:
    """Refuse `columns` that a published form would not read, since a mapping without effect misleads.

    Raises:
        UserError: names the first such key.
    """
    idle = [key for key in source.columns if key not in allowed]
    if idle:
        raise UserError(
            f"collect.sources: path {source.path!r}: columns: found {idle[0]!r}, but the form {source.form} knows its own "
            f"columns{' but for ' + ', '.join(allowed) if allowed else ''}. Remove the key, or use the form mapped."
        )
