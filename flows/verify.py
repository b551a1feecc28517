"""A version's chain in words: each link with what holds, up to the first that does not."""

from collections.abc import Iterator

from ecom_llm.layout import Layout
from ecom_llm.registry import Registry
from ecom_llm.registry.signing import BrokenLink
from tasks.chain.follow import WHOLE, follow
from tasks.chain.version import opened


def chain_lines(registry: Registry, asked: str, layout: Layout) -> Iterator[str]:
    """The chain of a version, line by line.

    Args:
        asked: number of the version, or an alias.

    Raises:
        UserError: there is no such version.
        BrokenLink: the first link that does not hold, after the lines of those that do.
    """
    version = registry.named(asked)
    with opened(registry, version, layout.workspace) as followed:
        for name, found in follow(followed, WHOLE):
            if isinstance(found, BrokenLink):
                raise found
            yield f"{name:<9} {found}"
    yield f"{registry.model_name} version {version.number} is whole: {len(WHOLE)} links."
