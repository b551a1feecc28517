"""Files at an address (a URL): found, and fetched block by block; fsspec speaks to the place."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from ecom_llm.collect.faults import is_missing, reason_of, spoken_of
from ecom_llm.params.location import WEB, file_name, is_web, require_readable_kind
from ecom_llm.progress import watched_bytes
from ecom_llm.records import UserError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

BLOCK = 4 * 2**20
"""Bytes that stand in memory at a time."""
CONNECT, SILENCE = 20, 60
"""Seconds to wait for a connection, and for the next bytes of one."""
FSSPEC_NAMES = {"azure": "az"}
"""Schemes that fsspec calls otherwise than DVC."""
PACKAGES = {
    "s3": "pip install -c constraints.txt -e '.[s3]'",
    "gs": "pip install dvc-gs",
    "azure": "pip install dvc-azure",
}
"""How to install what a scheme needs, for DVC and for fsspec at once."""
VERSION_KEYS = ("ETag", "etag", "Content-MD5", "md5Hash", "Last-Modified", "LastModified", "last_modified", "updated")
"""Where places say what version a content is, the surest first."""
About = dict[str, str | int | None]
"""What fsspec says of a place."""


@dataclass(frozen=True)
class Away:
    """A file at an address."""

    address: str
    name: str
    """Relative to the folder that was asked for; of a single file, its own name."""
    path: str
    """As fsspec spells the address."""
    size: int | None
    """Bytes, where the place says so."""
    version: str
    """What the place says of this version of the content, or nothing."""


def connect(address: str) -> "tuple[AbstractFileSystem, str]":
    """The file system an address belongs to, and the address as it spells it. Nothing is asked of the place yet.

    Raises:
        UserError: the address is of a kind that is not read, tells a secret, or needs a package that is not installed.
    """
    require_readable_kind(address)
    # their imports take half a second, which data on this machine should not pay for
    import fsspec

    scheme, _, rest = address.partition("://")
    name = FSSPEC_NAMES.get(scheme, scheme)
    try:
        if scheme in PACKAGES:
            importlib.import_module(f"dvc_{scheme}")  # DVC hashes what is read
        system = fsspec.filesystem(name, **options(scheme))
    except ImportError as error:
        raise UserError(
            f"{address}: the package for {scheme}:// is not installed ({error}). To install it: {PACKAGES[scheme]}"
        ) from error
    return system, address if scheme in WEB else system._strip_protocol(f"{name}://{rest}")


def options(scheme: str) -> dict[str, object]:
    """What a file system is opened with; none is a credential, which libraries find in the environment."""
    if scheme in WEB:
        import aiohttp

        # aiohttp's own bound is five minutes for the whole of a file, however large
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT, sock_read=SILENCE)
        # trust_env: proxies, and names with passwords in ~/.netrc. The bytes are wanted as they lie there
        return {
            "client_kwargs": {"timeout": timeout, "trust_env": True},
            "headers": {"Accept-Encoding": "identity"},
        }
    if scheme == "s3":
        patience = {"connect_timeout": CONNECT, "read_timeout": SILENCE, "retries": {"max_attempts": 2}}
        return {"config_kwargs": patience, "use_listings_cache": False}
    return {}


def look(address: str) -> "tuple[AbstractFileSystem, About | None]":
    """What stands at an address; None where there is nothing.

    Raises:
        UserError: the place does not answer or refuses, or http leads to a folder or to a page for a browser.
    """
    system, path = connect(address)
    with spoken_of(address):
        system.invalidate_cache()
        try:
            about: About = system.info(path)
        except FileNotFoundError as error:
            if is_web(address) and not is_missing(error):  # fsspec's word for every failure of http
                raise
            return system, None
        if is_web(address):
            require_file(address, about)
        return system, about


def require_there(address: str) -> None:
    """Refuse an address at which nothing can be read, before anything else is begun.

    Raises:
        UserError: as `look`, or there is nothing.
    """
    if look(address)[1] is None:
        raise UserError(f"{address}: there is nothing. Check the address.")


def files_at(address: str, deep: bool = False) -> list[Away]:
    """The file at an address, or the files of the folder there, sorted by name; none where there is nothing.

    Args:
        deep: whether those in its folders come, too.

    Raises:
        UserError: as `look`.
    """
    system, about = look(address)
    if about is None:
        return []
    if about["type"] != "directory":
        name = file_name(address) if is_web(address) else address.rpartition("/")[2]
        return [away(address, name, about)]
    root = about["name"].rstrip("/") + "/"
    with spoken_of(address):
        inside = system.find(root, maxdepth=None if deep else 1, detail=True)
    return [
        away(f"{address.rstrip('/')}/{path.removeprefix(root)}", path.removeprefix(root), found)
        for path, found in sorted(inside.items())
    ]


def away(address: str, name: str, about: About) -> Away:
    """A file from what fsspec says about it.

    Raises:
        UserError: its name leads out of the folder.
    """
    if ".." in PurePosixPath(name).parts or name.startswith("/"):
        raise UserError(f"{address}: leads out of its folder. Rename it, or name the files you mean one by one.")
    return Away(address, name, about["name"], about["size"], version_of(about))


def version_of(about: About) -> str:
    """The sum or the time that the place gives for a content; empty where it gives none."""
    return next((str(about[key]) for key in VERSION_KEYS if about.get(key)), "")


def require_file(address: str, about: About) -> None:
    """Refuse an http address that leads to no file of rows.

    Raises:
        UserError: it is a folder, or a page for a browser.
    """
    folder = not file_name(address) or str(about.get("url", "")).partition("?")[0].endswith("/")
    if folder or about.get("mimetype") in ("text/html", "application/xhtml+xml"):
        kind = "leads to a folder, which http cannot list" if folder else "is a web page (perhaps of a login)"
        raise UserError(
            f"{address}: {kind}. Expected the address of one file of rows, such as https://host/reviews.csv.gz"
        )


def blocks(file: Away) -> Iterator[bytes]:
    """The bytes of a file, at most BLOCK at a time.

    Raises:
        UserError: the place does not answer or refuses, or the connection broke before the file's end.
    """
    system, _ = connect(file.address)
    # objects are asked for in ranges, each of which costs a round trip; http comes as one stream
    streamed = {"block_size": 0} if is_web(file.address) else {"block_size": 4 * BLOCK, "cache_type": "readahead"}
    came = 0
    with spoken_of(file.address), system.open(file.path, "rb", **streamed) as handle:
        while block := read_block(handle, file, came):
            came += len(block)
            yield block
    if file.size is not None and came != file.size:
        raise broken(file, came, "its length is another")


def read_block(handle: BinaryIO, file: Away, came: int) -> bytes:
    """The next bytes.

    Raises:
        UserError: the connection broke.
    """
    try:
        return handle.read(BLOCK)
    except Exception as error:  # each place has its own kinds
        raise broken(file, came, reason_of(error)) from None


def broken(file: Away, came: int, why: str) -> UserError:
    """What to tell of a file of which only a part came."""
    of = "" if file.size is None else f" of {file.size:,}"
    return UserError(
        f"{file.address}: the download broke off after {came:,}{of} bytes ({why}). Run again; nothing was kept."
    )


def fetch(file: Away, target: Path) -> None:
    """Fetch a file, with progress; where that fails, nothing is left of it.

    Raises:
        UserError: as `blocks`.
        OSError: it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(".fetched.partial")
    try:
        with partial.open("wb") as handle:
            for block in watched_bytes(blocks(file), f"fetch {file.address}", file.size):
                handle.write(block)
        partial.rename(target)
    finally:
        partial.unlink(missing_ok=True)


def require_unchanged(files: list[Away]) -> None:
    """Refuse a result of files that are others by now: DVC hashes them after they were read.

    Raises:
        UserError: names the first one.
    """
    for file in files:
        _, about = look(file.address)
        if about is None or (about["size"], version_of(about)) != (file.size, file.version):
            raise UserError(f"{file.address}: changed while it was read. Run again when it is whole.")
