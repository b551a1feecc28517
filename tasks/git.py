"""Snapshots of a checkout as git commits, made without touching its files, index or branch."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from ecom_llm.records import UserError

IDENTITY = {
    "GIT_AUTHOR_NAME": "ecom-llm",
    "GIT_AUTHOR_EMAIL": "ecom-llm@localhost",
    "GIT_COMMITTER_NAME": "ecom-llm",
    "GIT_COMMITTER_EMAIL": "ecom-llm@localhost",
}
"""Snapshots are made by the program, so they need no identity configured and claim nobody's."""


ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY", "GIT_PREFIX")
"""Set inside git hooks, where they name another place than the working directory."""
RUNS = "????????-??????-????"
"""What the worktrees of runs are called."""


def environment() -> dict[str, str]:
    """This process's environment, less what would point git elsewhere."""
    return {name: value for name, value in os.environ.items() if name not in ELSEWHERE}


def git(*arguments: str, cwd: Path, index: Path | None = None, text: str | None = None) -> str:
    """Run git without hooks and return what it printed, stripped of the last newline.

    Args:
        index: index file to use in place of the checkout's own.
        text: standard input.

    Raises:
        UserError: git is not installed, or refused; carries its message.
    """
    command = ["git", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=off", *arguments]
    env = environment() | IDENTITY | {"LC_ALL": "C"} | ({"GIT_INDEX_FILE": str(index)} if index else {})
    names = {"encoding": "utf-8", "errors": "surrogateescape"}  # file names may hold any byte
    try:
        done = subprocess.run(command, cwd=cwd, env=env, input=text, capture_output=True, check=False, **names)
    except FileNotFoundError as error:
        raise UserError(
            "git was not found on PATH. Every run is a snapshot made with git: install it first."
        ) from error
    if done.returncode:
        said = done.stderr.strip() or f"exit code {done.returncode}"
        raise UserError(f"{cwd}: git {arguments[0]} failed: {said}")
    return done.stdout.rstrip("\n")


def require_repository(checkout: Path) -> None:
    """Check that snapshots can be taken of the checkout.

    Raises:
        UserError: git is missing, the folder is not the top of a git repository, or there is no commit yet.
    """
    start = "git init && git add -A && git commit -m start"
    try:
        top = Path(git("rev-parse", "--show-toplevel", cwd=checkout))
    except UserError as error:
        if shutil.which("git") is None or "dubious ownership" in str(error):
            raise
        message = f"{checkout}: is not a git repository, and every run is a git snapshot. Clone it, or here: {start}"
        raise UserError(message) from error
    if top.resolve() != checkout.resolve():
        raise UserError(
            f"{checkout}: is a folder of the git repository {top}, not a repository of its own. Here: {start}"
        )
    try:
        git("rev-parse", "--verify", "HEAD^{commit}", cwd=checkout)
    except UserError as error:
        raise UserError(f"{checkout}: has no commit yet. Here: git add -A && git commit -m start") from error


@dataclass(frozen=True)
class Index:
    """A temporary index that holds every file of a checkout which git does not ignore."""

    checkout: Path
    file: Path

    def git(self, *arguments: str, text: str | None = None) -> str:
        """Run git on this index."""
        return git(*arguments, cwd=self.checkout, index=self.file, text=text)

    def read(self, name: str) -> str:
        """The text of one file, as it was when the index was made."""
        return self.git("cat-file", "blob", f":{name}") + "\n"

    def write(self, name: str, text: str) -> None:
        """Replace one file here, and only here."""
        blob = self.git("hash-object", "-w", "--stdin", text=text)
        self.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}")

    def names(self, *patterns: str) -> list[str]:
        """The files that match the patterns (all where none is given)."""
        return [name for name in self.git("ls-files", "-z", "--", *patterns).split("\0") if name]

    def ignored(self, folder: str) -> list[str]:
        """What lies in a folder of the checkout and is not in this index because git ignores it."""
        options = ("--others", "--ignored", "--exclude-standard", "--directory", "-z")
        return [name for name in self.git("ls-files", *options, "--", folder).split("\0") if name]

    def tree(self, *without: str) -> str:
        """The tree of this index, less some files: equal trees mean equal bytes."""
        if without:
            self.git("update-index", "--force-remove", "--", *without)
        return self.git("write-tree")


@contextmanager
def open_index(checkout: Path) -> Iterator[Index]:
    """Add everything to a temporary index: dirty and untracked files come along, the checkout's own stays as it is.

    Raises:
        UserError: a file cannot be read, or another of git's refusals.
    """
    with TemporaryDirectory(prefix="ecom-llm-index-") as folder:
        index = Index(checkout, Path(folder) / "index")
        own = checkout / git("rev-parse", "--git-path", "index", cwd=checkout)
        if own.exists():  # its file stats spare git from hashing every file anew
            shutil.copyfile(own, index.file)
        index.git("add", "--all")
        yield index


def commit(checkout: Path, tree: str, name: str) -> str:
    """The commit of a snapshot: HEAD itself where nothing differs, else a new one kept alive by refs/snapshots/NAME."""
    if tree == git("rev-parse", "HEAD^{tree}", cwd=checkout):
        return git("rev-parse", "HEAD", cwd=checkout)
    sha = git("commit-tree", tree, "-p", "HEAD", "-m", f"snapshot {name}", cwd=checkout)
    git("update-ref", f"refs/snapshots/{name}", sha, cwd=checkout)
    return sha


def has_commit(checkout: Path, sha: str) -> bool:
    """Whether a commit is known here: a version may have been registered from another clone."""
    try:
        git("cat-file", "-e", f"{sha}^{{commit}}", cwd=checkout)
    except UserError:
        return False
    return True


def add_worktree(checkout: Path, path: Path, sha: str) -> None:
    """Lay a commit out in a worktree of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    git("worktree", "add", "--quiet", "--detach", str(path), sha, cwd=checkout)


def remove_worktree(checkout: Path, path: Path) -> None:
    """Remove a worktree and git's record of it, however little of it is left."""
    record = records(checkout) / path.name
    (record / "locked").unlink(missing_ok=True)  # by `worktree add` until it has ended: pruning would pass it over
    if path.exists():
        try:
            git("worktree", "remove", "--force", str(path), cwd=checkout)
        except UserError:  # half made, or git lost track of it
            shutil.rmtree(path, ignore_errors=True)
    git("worktree", "prune", cwd=checkout)
    if record.is_dir() and not path.exists():  # killed before it noted its place, which pruning asks for
        shutil.rmtree(record, ignore_errors=True)


def records(checkout: Path) -> Path:
    """Where git keeps its records of the checkout's worktrees."""
    return checkout / git("rev-parse", "--git-common-dir", cwd=checkout) / "worktrees"


def lost_worktrees(checkout: Path, folder: Path) -> list[str]:
    """The names of the worktrees that git has a record of, and that are not in the folder in which they belong."""
    try:
        known = [path for path in records(checkout).glob("*") if path.is_dir()]
    except UserError:  # no repository: it has no worktrees
        return []
    ours = [path for path in known if str(folder) in place_of(path) or (not place_of(path) and path.match(RUNS))]
    return sorted(path.name for path in ours if not (folder / path.name).exists())


def place_of(record: Path) -> str:
    """Where a record says that its worktree is; empty where it was cut off before it said so."""
    try:
        return (record / "gitdir").read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return ""


def listed(checkout: Path, sha: str) -> dict[str, str]:
    """Path -> name of the object, for every file and folder of a commit; links and submodules left out.

    Raises:
        UserError: git has not all of the commit's trees.
    """
    lines = git("ls-tree", "-r", "-t", "-z", "--full-tree", sha, cwd=checkout).split("\0")
    entries = (line.partition("\t") for line in lines if line)
    return {path: words.split()[2] for words, _, path in entries if words.split()[0] not in ("120000", "160000")}


def contents(checkout: Path, names: Iterable[str]) -> Iterator[tuple[str, str, bytes]]:
    """Name, kind and bytes of git objects, as git has them: whether an object deserves its name, git does not say.

    Raises:
        UserError: one is not there, or cannot be unpacked.
    """
    with TemporaryFile() as asked:  # a pipe both ways could fill up and wait for itself
        asked.write("".join(f"{name}\n" for name in names).encode())
        asked.seek(0)
        command = ["git", "cat-file", "--batch", "--buffer"]
        env = environment() | {"LC_ALL": "C", "GIT_NO_LAZY_FETCH": "1"}  # a partial clone would ask the network
        process = subprocess.Popen(
            command, cwd=checkout, env=env, stdin=asked, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        with process:
            for header in process.stdout:
                name, _, rest = header.decode().strip().partition(" ")
                if rest == "missing":
                    process.kill()  # it would wait for a reader of what else was asked
                    said = process.stderr.read().decode(errors="replace").partition("\n")[0]
                    raise UserError(f"git object {name} is missing or damaged ({said or 'git says no more'})")
                kind, size = rest.split()
                content = process.stdout.read(int(size) + 1)[:-1]
                yield name, kind, content
            said = process.stderr.read().decode(errors="replace").strip()
    if process.returncode:
        raise UserError(
            f"git cannot read an object of this commit: {said.splitlines()[0] if said else 'no reason given'}"
        )


def name_of(kind: str, content: bytes, like: str) -> str:
    """The name that git gives to an object of these bytes, in the hash that `like` is written in."""
    digest = hashlib.sha1 if len(like) == 40 else hashlib.sha256
    return digest(f"{kind} {len(content)}\0".encode() + content).hexdigest()
