"""A snapshot commit, read from git with every object held against its name."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ecom_llm.records import UserError
from ecom_llm.registry.signing import BrokenLink
from tasks import git
from tasks.chain.hashes import FOLDER, listing_md5

FETCH = "Fetch it from where it is (`git fetch --unshallow`, or `git fetch CLONE 'refs/snapshots/*:refs/snapshots/*'`)."


@dataclass(frozen=True)
class Commit:
    """The files of a commit."""

    sha: str
    md5: Mapping[str, str]
    """Path -> MD5 of its bytes."""
    kept: Mapping[str, bytes]
    """The bytes of params.yaml, and of the .dvc files."""

    def entries(self, path: str) -> dict[str, str]:
        """Relative path -> MD5 of the files in a folder, less what .dvcignore leaves out."""
        start = f"{path}/"
        found = {name.removeprefix(start): md5 for name, md5 in self.md5.items() if name.startswith(start)}
        return {name: md5 for name, md5 in found.items() if not name.endswith(".pyc") and "__pycache__" not in name}

    def hash_of(self, path: str, data: Mapping[str, str]) -> str | None:
        """A path's hash as DVC has it; None where neither the commit nor the data knows it.

        Args:
            data: path -> hash of what the commit's .dvc files name, folders and the files in them.
        """
        if found := self.md5.get(path) or data.get(path):
            return found
        start = f"{path}/"
        files = {name: md5 for name, md5 in data.items() if not md5.endswith(FOLDER)}
        below = {name.removeprefix(start): md5 for name, md5 in files.items() if name.startswith(start)}
        entries = self.entries(path) | below
        return listing_md5(entries) if entries else None


def read_commit(checkout: Path, sha: str) -> Commit:
    """Read a commit's files.

    Raises:
        BrokenLink: the commit is not here, or an object of it is missing, damaged or not what its name says.
    """
    if not sha or not git.has_commit(checkout, sha):
        raise BrokenLink(
            f"{checkout}: expected commit {sha or '(no tag says which)'}, found no such commit in this repository. {FETCH}",
            absent=True,
        )
    try:
        paths = git.listed(checkout, sha)
        top = git.git("rev-parse", f"{sha}^{{tree}}", cwd=checkout)
        return commit_of(checkout, sha, paths, top)
    except UserError as error:
        if isinstance(error, BrokenLink):
            raise
        raise BrokenLink(f"{checkout}: expected all of commit {sha}, found that {error}. {FETCH}") from error


def commit_of(checkout: Path, sha: str, paths: dict[str, str], top: str) -> Commit:
    """Read the objects of a commit and hold each against its name; raises as `read_commit`."""
    named = {name: path for path, name in paths.items()}
    wanted = {name for path, name in paths.items() if path == "params.yaml" or path.endswith(".dvc")}
    md5: dict[str, str] = {}
    content: dict[str, bytes] = {}
    for name, kind, found in git.contents(checkout, [sha, top, *named]):
        is_named = git.name_of(kind, found, like=name)
        if is_named != name:
            raise BrokenLink(
                f"{named.get(name, kind)} in commit {sha[:10]}: expected git object {name}, found {is_named}. "
                f"git's store is damaged; clone anew. {FETCH}"
            )
        if kind == "blob":
            md5[name] = hashlib.md5(found).hexdigest()
            if name in wanted:
                content[name] = found
    kept = {path: content[name] for path, name in paths.items() if name in content}
    return Commit(sha, {path: md5[name] for path, name in paths.items() if name in md5}, kept)
