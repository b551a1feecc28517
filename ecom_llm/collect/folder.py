"""Folders and files that appear whole or not at all: written beside their place, then renamed into it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ecom_llm.records import UserError


@contextmanager
def replacing(folder: Path) -> Iterator[Path]:
    """Yield an empty sibling `NAME.partial` to write into; it takes the place of `folder` when the block ends well.

    If the block raises, the sibling is removed and `folder` stays as it was.

    Raises:
        UserError: there is no space or no right to write; names the folder.
    """
    partial = folder.with_name(folder.name + ".partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        yield partial
        if folder.exists():
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        raise not_writable(folder, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def replacing_file(path: Path, text: str) -> None:
    """Write a UTF-8 file beside its place and rename it into it, so that it is there whole or not at all.

    Raises:
        UserError: there is no space or no right to write; names the file.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, encoding="utf-8", newline="\n")
        partial.replace(path)
    except OSError as error:
        raise not_writable(path, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def not_writable(path: Path, error: OSError) -> UserError:
    """What to tell about a disk that is full or closed."""
    reason = error.strerror or str(error)
    return UserError(f"{path}: cannot be written ({reason}). Free some space or mend the rights, and run again.")
