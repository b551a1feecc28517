"""Text from the champion, for the command line, and summaries of the reviews it was trained on."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ecom_llm.layout import Layout
from ecom_llm.params import Params, load_params
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, open_registry
from ecom_llm.skills import SKILLS
from flows.overrides import chosen_params

SUMMARISE = "summarise"
"""The skill that is no model's: what it shows, buyers wrote."""


def require_skill(skill: str) -> None:
    """Raise a UserError that lists the skills there are, unless this is one."""
    known = (*SKILLS, SUMMARISE)
    if skill not in known:
        raise UserError(f"no skill is called {skill!r}. There are: {', '.join(known)}.")


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


def as_served(registry: Registry, version: Version, params: Params, settings: Sequence[str]) -> Params:
    """The params with the version's own `evaluate`, under what `--set` says; today's where it was made with other keys."""
    with TemporaryDirectory() as folder:
        try:
            own = registry.params_file(version, Path(folder))
            load_params(own)
        except UserError:
            return params
        chosen = chosen_params(own, None, [one for one in settings if one.startswith("evaluate.")])
    return params.model_copy(update={"evaluate": chosen.evaluate})


def written(
    layout: Layout,
    params: Params,
    skill: str,
    pairs: Sequence[str],
    locale: str,
    number: str | None,
    as_json: bool = False,
    settings: Sequence[str] = (),
) -> str:
    """What the champion, or the version of that number, writes; as a JSON object where that is asked for.

    It writes as it is served, by the `evaluate` it was measured with; `settings` are laid over that.

    Raises:
        UserError: unknown skill or locale, malformed attributes, or no such version.
    """
    require_skill(skill)
    attributes = attributes_of(pairs)
    if skill == SUMMARISE:
        return summarised(layout, params, attributes, locale, number, as_json)
    registry = open_registry(params.registry.model_name, layout)
    version = asked_for(registry, number)
    params = as_served(registry, version, params, settings)
    folder = registry.model_folder(version)
    from ecom_llm.serve.write import write  # torch takes seconds, and mistakes should be told before

    text = write(folder, skill, locale, attributes, params)
    if not as_json:
        return text
    return json.dumps({"skill": skill, "locale": locale, "attributes": attributes, "text": text}, ensure_ascii=False)


def summarised(
    layout: Layout, params: Params, attributes: Mapping[str, str], locale: str, number: str | None, as_json: bool
) -> str:
    """The summary of a product's reviews, as they were prepared for the champion or the version of that number.

    Raises:
        UserError: as `written`, or the product has no reviews in that locale.
    """
    from ecom_llm.summarise.reviews import asked_product
    from ecom_llm.summarise.wording import wording_of

    asked_product(attributes)
    wording_of(locale)
    registry = open_registry(params.registry.model_name, layout)
    from ecom_llm.summarise.show import shown
    from ecom_llm.summarise.write import summarise
    from tasks.prepared import prepared_data

    with prepared_data(registry, asked_for(registry, number), layout) as prepared:
        summary = summarise(prepared, attributes, locale)
    return summary.model_dump_json(indent=2) if as_json else shown(summary)
