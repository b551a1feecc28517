"""`collect.location` as a place on this machine: a folder as it lies, or what is fetched from an address while it is read."""

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ecom_llm.collect.addresses import Away, fetch, files_at, require_unchanged
from ecom_llm.params import Source
from ecom_llm.params.location import is_address, is_web
from ecom_llm.records import UserError

log = logging.getLogger(__name__)


@dataclass
class Location:
    """Where the sources' paths begin."""

    given: str
    """`collect.location`."""
    workspace: Path
    """Where a relative path stands."""
    scratch: Path
    """Folder for what is fetched; it is there only while a source is read."""
    read: list[Away] = field(default_factory=list)
    """What was fetched."""

    @contextmanager
    def place(self, source: Source) -> Iterator[Path]:
        """The file or folder of a source, for as long as the block lasts.

        Raises:
            UserError: it cannot be fetched; or what the block raises, with addresses for the paths of their copies.
        """
        if not is_address(self.given):
            yield self.workspace / self.given / source.path
            return
        address = address_of(self.given, source)
        # of a data set, folders within count too; where there is none, its path names one of the Hub
        files = files_at(address, deep=source.form == "dataset") if address else []
        if not files and source.form != "dataset":
            raise UserError(
                f"collect.sources: path {source.path!r}: {address}: there is nothing. Check location and path."
            )
        try:
            yield self.copied(files, address)
        except UserError as error:
            raise UserError(str(error).replace(str(self.scratch), address.rpartition("/")[0])) from error
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def copied(self, files: list[Away], address: str) -> Path:
        """Fetch files under the name that the end of their address has; that name's path."""
        root = self.scratch / (address.rstrip("/").rpartition("/")[2] or "nothing")
        if len(files) == 1 and files[0].address == address:
            root = self.scratch / files[0].name
            fetch(files[0], root)
        else:
            for file in files:
                fetch(file, root / file.name)
        if any(not file.version for file in files):
            log.warning(
                "%s: gives neither ETag nor Last-Modified: a change that keeps the size would go unseen.", address
            )
        self.read += files
        return root

    def require_unchanged(self) -> None:
        """Refuse to go on with what has changed at its address since it was fetched.

        Raises:
            UserError: names it.
        """
        require_unchanged(self.read)


def address_of(location: str, source: Source) -> str:
    """The address of a source; empty where it can have none, and so names a data set of the Hub.

    Raises:
        UserError: its path leads out of the location, or into what is one file.
    """
    path = PurePosixPath(source.path)
    if path.is_absolute() or ".." in path.parts:
        raise UserError(f"collect.sources: path {source.path!r}: leads out of {location}. Name what lies in it.")
    if str(path) == ".":
        return location
    if not is_web(location):
        return f"{location.rstrip('/')}/{path}"
    if source.form == "dataset":
        return ""
    raise UserError(
        f"collect.sources: path {source.path!r}: {location} is one file, since http lists no folders. The path is then '.'; "
        "for several files use s3://, or add them one by one (ecom-llm add ADDRESS)."
    )
