"""Where DVC keeps the bytes behind its hashes: the cache, and remotes that are folders of this machine."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ecom_llm.registry.signing import BrokenLink
from tasks import dvc
from tasks.chain.hashes import FOLDER, file_md5


@dataclass
class Store:
    """DVC's cache of a checkout, read object by object."""

    checkout: Path
    cache: Path
    seen: dict[str, int] = field(default_factory=dict)
    """Hash -> size of the objects that were held against their hash."""

    @classmethod
    def of(cls, checkout: Path) -> "Store":
        """The store of a checkout, wherever its settings have it."""
        return cls(checkout, (checkout / dvc.dvc("cache", "dir", cwd=checkout)).resolve())

    def remotes(self) -> list[Path]:
        """The remotes that are folders of this machine: nothing else is asked."""
        # `dvc remote list` breaks long lines
        settings = (line.partition("=") for line in dvc.dvc("config", "--list", cwd=self.checkout).splitlines())
        addresses = (value for name, _, value in settings if name.startswith("remote.") and name.endswith(".url"))
        folders = (self.checkout / ".dvc" / address for address in addresses)
        return [folder for folder in folders if folder.is_dir()]

    def places(self, md5: str) -> Iterator[Path]:
        """Where an object may lie, the cache first; remotes are looked up where that has not got it."""
        name = Path("files") / "md5" / md5[:2] / md5[2:]
        yield self.cache / name
        yield from (folder / name for folder in self.remotes())

    def check(self, md5: str, what: str) -> Path:
        """Hold an object against its hash; return where it lies.

        Raises:
            BrokenLink: it is nowhere on this machine, or its bytes are others.
        """
        place = next((place for place in self.places(md5) if place.is_file()), None)
        if place is None:
            raise BrokenLink(
                f"{what}: expected MD5 {md5}, found nothing in DVC's cache at {self.cache} nor in a remote on this machine. "
                "`dvc gc` may have dropped it, or a disk lost it: `dvc fetch`, or restore the cache from a backup.",
                absent=True,
            )
        if md5 not in self.seen:
            found = file_md5(place)
            if found != md5.removesuffix(FOLDER):
                raise BrokenLink(
                    f"{what}: expected MD5 {md5.removesuffix(FOLDER)}, found {found} at {place}. It was changed or damaged "
                    "there: remove that file, then `dvc fetch`, or restore it from a backup."
                )
            self.seen[md5] = place.stat().st_size
        return place

    def files(self, md5: str, path: str) -> dict[str, str]:
        """Path -> hash of what lies behind the hash of `path`: itself, and where that is a folder the files in it.

        Raises:
            BrokenLink: as `check`, for it and for each of them.
        """
        place, files = self.check(md5, path), {path: md5}
        if md5.endswith(FOLDER):
            for entry in json.loads(place.read_bytes()):
                name = f"{path}/{entry['relpath']}"
                self.check(entry["md5"], name)
                files[name] = entry["md5"]
        return files
