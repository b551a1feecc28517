"""Adding data from an address: fetched under data/sources, and DVC keeps the address, so that `dvc update` fetches it again."""

from functools import partial
from pathlib import Path

import yaml

from ecom_llm.collect.addresses import Away, fetch, files_at, require_unchanged
from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from flows.data.adding import Added, push, require_replaceable, taking_the_place
from tasks import dvc


def add_address(address: str, layout: Layout) -> Added:
    """Fetch a file or folder into data/sources, hand it to DVC with its address, and push it.

    The download is ours, for its progress and for what it says when it breaks off; the `.dvc` file is that of `dvc import-url`.

    Raises:
        UserError: the address has nothing, does not answer or may not be read; the download broke off; something of that name
            is there that DVC does not know or that was edited; or DVC refused. Then everything is as it was.
    """
    files = files_at(address, deep=True)
    if not files:
        raise UserError(f"{address}: there is nothing. Check the address.")
    name = files[0].name if files[0].address == address else address.rstrip("/").rpartition("/")[2]
    if name.startswith(".") or name.endswith(".dvc"):
        raise UserError(
            f"{address}: the name {name} is one of git's or DVC's own. Download it under another, and add that."
        )
    target = layout.sources / name
    pointer = target.with_name(f"{name}.dvc")
    before = pointer.read_text(encoding="utf-8") if pointer.exists() else ""
    require_replaceable(target, bool(before), address, layout)
    with taking_the_place(partial(fetch_all, files, address), target):
        version_imported(target, address, layout)
        require_unchanged(files)
    # the sums of the data, not the text: `dvc update` writes the same in another order
    changed = outs(pointer.read_text(encoding="utf-8")) != outs(before)
    return Added(target, changed, bool(before), push([pointer], layout), address)


def outs(pointer: str) -> object:
    """What a `.dvc` file says of the data itself."""
    return (yaml.safe_load(pointer) or {}).get("outs")


def fetch_all(files: list[Away], address: str, target: Path) -> None:
    """Fetch the one file of an address to `target`, or the files of its folder into it.

    Raises:
        UserError: the download broke off, or it cannot be written.
    """
    try:
        for file in files:
            fetch(file, target if file.address == address else target / file.name)
    except OSError as error:
        raise UserError(f"{error.filename or target}: cannot be written ({error.strerror}).") from error


def version_imported(target: Path, address: str, layout: Layout) -> None:
    """Make the `.dvc` file that `dvc import-url` would make, of data that is there already.

    Raises:
        UserError: DVC refused.
    """
    aside = target.with_name(f".{target.name}.aside.partial")
    target.rename(aside)  # DVC would put the import into a folder that is there
    try:
        dvc.dvc("import-url", "--no-exec", "--force", address, str(target), cwd=layout.workspace)
    finally:
        aside.rename(target)
    dvc.dvc("commit", "--force", str(target.with_name(f"{target.name}.dvc")), cwd=layout.workspace)
