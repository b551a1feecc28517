"""Text from the champion, for the command line."""

from collections.abc import Sequence

from ecom_llm.layout import Layout
from ecom_llm.params import Params
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, open_registry
from ecom_llm.skills import skill_named


def attributes_of(pairs: Sequence[str]) -> dict[str, str]:
    """`name=value` pairs as a mapping.

    Raises:
        UserError: one is no pair, or a name comes twice.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and name and value):
            raise UserError(f"--attr {pair}: expected name=value, for example --attr colour=red.")
        if name in found:
            raise UserError(f"--attr {pair}: {name} was given twice.")
        found[name] = value
    return found


def asked_for(registry: Registry, number: str | None) -> Version:
    """The version that is to write: the champion where none is named.

    Raises:
        UserError: there is no such version, or no champion yet.
    """
    if number is not None:
        return registry.version(number)
    champion = registry.champion()
    if champion is None:
        raise UserError(
            f"{registry.model_name} has no champion yet. Run `make run` first, or name a version: --version N."
        )
    return champion


def written(layout: Layout, params: Params, skill: str, pairs: Sequence[str], locale: str, number: str | None) -> str:
    """What the champion, or the version of that number, writes.

    Raises:
        UserError: unknown skill or locale, malformed attributes, or no such version.
    """
    skill_named(skill)
    attributes = attributes_of(pairs)
    registry = open_registry(params.registry.model_name, layout)
    folder = registry.model_folder(asked_for(registry, number))
    from ecom_llm.serve.write import write  # torch takes seconds, and mistakes should be told before

    return write(folder, skill, locale, attributes, params)
