"""The links from the lock to where it all came from: the code in git, and the data in DVC's cache."""

from posixpath import dirname, join, normpath

import yaml

from ecom_llm.registry.signing import BrokenLink
from tasks.chain.commit import Commit
from tasks.chain.lock import Named
from tasks.chain.store import Store
from tasks.chain.version import MLFLOW, Followed


def pointed(commit: Commit, path: str) -> dict[str, str]:
    """Path -> hash of what the .dvc files of a commit name at a path, below it or above it."""
    found = {}
    for name, content in commit.kept.items():
        if name.endswith(".dvc"):
            told = yaml.safe_load(content)
            for out in told.get("outs", []):
                target = normpath(join(dirname(name), told.get("wdir", ""), out["path"]))
                if f"{target}/".startswith(f"{path}/") or f"{path}/".startswith(f"{target}/"):
                    found[target] = str(out.get("md5", ""))  # none where a cloud keeps the versions: not in any cache
    return found


def require_origin(origin: Named, commit: Commit, data: dict[str, str]) -> None:
    """Hold what a stage read against the commit.

    Raises:
        BrokenLink: the commit has it otherwise, or not at all.
    """
    found = commit.hash_of(origin.path, data)
    if found is None:
        raise BrokenLink(
            f"{origin.path}: expected MD5 {origin.md5}, found no such path in commit {commit.sha[:10]}. {MLFLOW}"
        )
    if found != origin.md5:
        raise BrokenLink(
            f"{origin.path}: expected MD5 {origin.md5} as dvc.lock has it, found {found} in commit {commit.sha[:10]}. "
            f"The lock is of other files than the commit. {MLFLOW}"
        )


def code(followed: Followed) -> str:
    """The snapshot commit is here, whole, has these params, and its files are those the stages read."""
    commit, params = followed.commit, followed.sealed.record.params
    if commit.kept.get("params.yaml") != params.read_bytes():
        raise BrokenLink(
            f"params.yaml: expected that of commit {commit.sha[:10]}, found another among the version's artifacts. {MLFLOW}"
        )
    inside = [one for one in followed.lock.origins if not one.external and not pointed(commit, one.path)]
    for origin in inside:
        require_origin(origin, commit, {})
    return f"commit {commit.sha[:10]} is whole ({len(commit.md5)} files); it has these params and what the stages read"


def data(followed: Followed) -> str:
    """Every byte that the stages read or wrote is in DVC's cache, or in a remote on this machine."""
    commit, lock, store = followed.commit, followed.lock, Store.of(followed.checkout)
    for origin in lock.origins:
        named = {} if origin.external else pointed(commit, origin.path)
        if named:
            files = [store.files(md5, path) for path, md5 in named.items()]
            require_origin(origin, commit, {path: md5 for one in files for path, md5 in one.items()})
    for path, md5 in lock.outs.items():
        store.files(md5, path)
    outside = [one.path for one in lock.origins if one.external]
    beyond = f"; external, of which no version is kept: {', '.join(outside)}" if outside else ""
    size = sum(store.seen.values()) / 1e6
    return f"{len(store.seen)} objects ({size:.1f} MB) of DVC's store are what dvc.lock and the commit name{beyond}"
