"""A file that needs random access, out of a compressed one: unpacked to a temporary file for as long as it is read."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ecom_llm.collect.files import limits
from ecom_llm.collect.files.compression import chunks
from ecom_llm.records import UserError


@contextmanager
def spooled(path: Path, compression: str | None) -> Iterator[Path]:
    """Yield the path itself where it is plain, or else that of its unpacked content.

    Raises:
        UserError: the content is damaged, a bomb, larger than `limits.SPOOL`, or there is no space for it.
    """
    if compression is None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="ecom-llm-") as folder:
        # The name of the original stands in messages about the copy
        copy = Path(folder) / f"unpacked-{path.name[:100]}"
        with copy.open("wb") as handle:
            for chunk in chunks(path, compression):
                if handle.tell() + len(chunk) > limits.SPOOL:
                    raise UserError(
                        f"{path}: unpacks to more than {limits.SPOOL} bytes. Unpack it yourself, and name that file."
                    )
                handle.write(chunk)
        yield copy
