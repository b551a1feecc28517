"""Following a version's chain, link by link, up to the first that does not hold."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from ecom_llm.registry import Registry, Version
from ecom_llm.registry.signing import BrokenLink
from tasks.chain.origin import code, data
from tasks.chain.own import lock, params, record, weights
from tasks.chain.told import decision, journal
from tasks.chain.version import Followed, opened
from tasks.logs import run_logger

Link = Callable[[Followed], str]
"""Checks one link and says in words what holds; raises a BrokenLink."""
ITSELF: Mapping[str, Link] = MappingProxyType(
    {"weights": weights, "record": record, "lock": lock, "params": params, "code": code}
)
"""What a version is: enough to go back to it, in the time it takes to read its weights."""
WHOLE: Mapping[str, Link] = MappingProxyType({**ITSELF, "data": data, "journal": journal, "decision": decision})
"""And where it came from, and what was told of it."""


def follow(followed: Followed, links: Mapping[str, Link]) -> Iterator[tuple[str, str | BrokenLink]]:
    """Each link's name with what holds, or with how it is broken, in one line that names version and link."""
    for name, link in links.items():
        try:
            yield name, link(followed)
        except BrokenLink as error:
            number = followed.version.number
            verdict = "cannot be proved" if error.absent else "is broken"
            line = f"{followed.version.model_name} version {number} {verdict} at its {name}: {error}"
            yield name, BrokenLink(line, absent=error.absent)


def require(registry: Registry, version: Version, checkout: Path, links: Mapping[str, Link]) -> None:
    """Refuse a version with a broken link; of what is not here (any more) the log tells.

    Raises:
        BrokenLink: says what, where, expected, found and what to do.
    """
    with opened(registry, version, checkout) as followed:
        for _, found in follow(followed, links):
            if isinstance(found, BrokenLink):
                if not found.absent:
                    raise found
                run_logger().warning("%s It is not refused for that: nothing speaks against it.", found)
