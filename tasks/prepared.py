"""The prepared data of a registered version: what the checkout holds if it is the same, else from DVC's cache or remote."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, lock_key
from tasks import dvc, git
from tasks.workspace import open_worktree, run_name


@contextmanager
def prepared_data(registry: Registry, version: Version, layout: Layout) -> Iterator[Path]:
    """The folder that `prepare` wrote for a version, to read from; what was restored goes away again.

    Raises:
        UserError: the version is from another clone, or its data is neither in DVC's cache nor on its remote.
    """
    if is_here(version, layout):
        yield layout.prepared
        return
    snapshot = version.tags["snapshot"]
    if not git.has_commit(layout.workspace, snapshot):
        raise UserError(
            f"version {version.number} was made in another clone: its data is not here. To have it: git fetch, or ecom-llm run"
        )
    with TemporaryDirectory() as folder, open_worktree(layout.workspace, snapshot, run_name()) as own:
        own.layout.lock.write_bytes(registry.files(version, Path(folder)).lock.read_bytes())
        env = dvc.environment(own.layout)
        try:
            dvc.dvc("checkout", str(own.layout.prepared), cwd=own.path, env=env)
        except UserError:  # not in the cache
            dvc.dvc("pull", str(own.layout.prepared), cwd=own.path, env=env)
        yield own.layout.prepared


def is_here(version: Version, layout: Layout) -> bool:
    """Whether the checkout's results are those the version was made of."""
    return layout.prepared.is_dir() and layout.lock.exists() and lock_key(layout.lock) == version.tags.get("lock")
