"""What is to be inspected, on this machine: a path as it is, or what fits of an address in a temporary folder."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ecom_llm.collect.addresses import Away, blocks, files_at
from ecom_llm.collect.files.compression import compression_of
from ecom_llm.params.location import is_address
from ecom_llm.progress import watched_bytes
from ecom_llm.records import UserError

MOST = 64_000_000
"""Bytes fetched of a file, and files fetched of a folder: inspecting looks at beginnings."""
MOST_FILES = 100
RANDOM_ACCESS = (b"PAR1", b"\xd0\xcf\x11\xe0")
"""How Parquet and old Excel files begin, whose end is needed to read them; new Excel files are zips."""


@contextmanager
def on_this_machine(place: str) -> Iterator[tuple[Path, str]]:
    """Yield a path, and the address it was fetched from or nothing; what was fetched is removed afterwards.

    Raises:
        UserError: an address has nothing or cannot be read; or what the block raises, with the address for its copy's path.
    """
    if not is_address(place):
        yield Path(place).expanduser(), ""
        return
    files = files_at(place)
    if not files:
        raise UserError(f"{place}: there is nothing. Check the address.")
    with TemporaryDirectory(prefix="ecom-llm-inspect-") as folder:
        root = Path(folder) / (place.rstrip("/").rpartition("/")[2] or "bucket")
        single = files[0].address == place
        root = Path(folder) / files[0].name if single else root
        try:
            for file in files[:MOST_FILES]:
                fetch_beginning(file, root if single else root / file.name)
            yield root, place
        except UserError as error:
            raise UserError(str(error).replace(str(root), place)) from error


def fetch_beginning(file: Away, target: Path) -> None:
    """Fetch a file, or of a large file of plain lines the beginning, up to the end of a line.

    Raises:
        UserError: it cannot be fetched, or is too large and of a kind of which a beginning cannot be read.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    head, kept = b"", 0
    with target.open("wb") as handle, closing(blocks(file)) as found:
        for block in watched_bytes(found, f"fetch {file.address}", file.size):
            head = head or block[:16]
            if kept + len(block) > MOST:
                if not is_of_lines(head):
                    raise too_large(file)
                handle.write(block[: block.rfind(b"\n") + 1])
                return
            kept += handle.write(block)


def is_of_lines(head: bytes) -> bool:
    """Whether a file that begins so can be read without its end."""
    return compression_of(head) is None and not head.startswith(RANDOM_ACCESS) and not head.lstrip().startswith(b"[")


def too_large(file: Away) -> UserError:
    """What to tell of a file that cannot be looked at in part."""
    return UserError(
        f"{file.address}: is larger than the {MOST // 10**6} MB that are fetched to look at, and of a kind (packed, Parquet, "
        "Excel or one JSON value) of which a beginning cannot be read. Download it, and inspect the file."
    )
