"""Data outside the project: asked for before a run begins, and the run says that it cannot be restored."""

from pathlib import Path

from ecom_llm.collect.addresses import require_there
from ecom_llm.layout import Layout
from ecom_llm.params import load_params
from ecom_llm.params.location import is_address
from ecom_llm.records import UserError
from tasks import dvc


def ask_external(layout: Layout) -> str:
    """What it means that a workspace's `collect.location` is external; empty where it is not. An address is asked first.

    DVC would ask it too, but says of whatever is wrong that it does not exist.

    Raises:
        UserError: an address does not answer, may not be read, needs a package, or has nothing.
    """
    location = load_params(layout.params).collect.location
    if is_address(location):
        require_there(location)
        bring_collected(layout)
    elif not Path(location).is_absolute():
        return ""
    return (
        f"collect.location: {location} is external: it is hashed, so that a change is seen, but no version of it is kept. "
        f"What changes or goes there cannot be restored. To keep versions of it: ecom-llm add {location}"
    )


def bring_collected(layout: Layout) -> None:
    """Lay out what was collected last, so that an address that has not changed since is not fetched again.

    DVC's run cache leaves out stages that rest on an address; `dvc repro` then still decides whether the lock holds.
    """
    try:
        dvc.dvc("checkout", "collect", cwd=layout.workspace, env=dvc.environment(layout))
    except UserError:
        return  # there is no lock yet, or the cache lacks it: it is collected again
