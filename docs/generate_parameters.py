"""Write docs/parameters.md from Params and params.yaml: python docs/generate_parameters.py."""

import typing
from pathlib import Path

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ecom_llm.params import Params, read_yaml

REPO = Path(__file__).parents[1]
SIGNS = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}


def allowed(field: FieldInfo) -> str:
    """The type of a field and its bounds, for people."""
    if typing.get_origin(field.annotation) is typing.Literal:
        return ", ".join(f"`{value}`" for value in typing.get_args(field.annotation))
    kind = getattr(field.annotation, "__name__", str(field.annotation))
    if typing.get_origin(field.annotation) is tuple:
        inner = typing.get_args(field.annotation)[0]
        named = inner.__name__ if isinstance(inner, type) else ", ".join(f"`{one}`" for one in typing.get_args(inner))
        kind = f"list of {named}"
    bounds = [
        f"{sign} {getattr(mark, name)}"
        for mark in field.metadata
        for t, (sign, name) in SIGNS.items()
        if type(mark) is t
    ]
    return " ".join([kind, *bounds])


def table(model: type[BaseModel], prefix: str, values: dict[str, object]) -> list[str]:
    """A Markdown table of a section's fields."""
    rows = ["| parameter | value in params.yaml | may be | meaning |", "|---|---|---|---|"]
    for name, field in model.model_fields.items():
        value = values.get(name) if values else None
        shown = "" if value is None or isinstance(value, list | dict) else f"`{value}`"
        rows.append(
            f"| `{prefix}{name}` | {shown} | {allowed(field)} | {' '.join((field.description or '').split())} |"
        )
    return rows


def nested_in(model: type[BaseModel]) -> list[tuple[str, type[BaseModel]]]:
    """The models that a section's fields hold, by their names, each once and with the field that holds it."""
    found = {
        one: name
        for name, field in model.model_fields.items()
        for one in (field.annotation, *typing.get_args(field.annotation))
        if isinstance(one, type) and issubclass(one, BaseModel)
    }
    return sorted(((name, one) for one, name in found.items()), key=lambda pair: pair[1].__name__)


def document() -> str:
    """The whole page."""
    values = read_yaml(REPO / "params.yaml")
    page = [
        "# Parameters",
        "",
        "Generated from `ecom_llm/params/` and `params.yaml` by `python docs/generate_parameters.py`.",
        "",
    ]
    for section, field in Params.model_fields.items():
        model = field.annotation
        page += [
            f"## {section}",
            "",
            (model.__doc__ or "").strip(),
            "",
            *table(model, f"{section}.", values[section]),
            "",
        ]
        for name, one in nested_in(model):
            told, given = (one.__doc__ or "").strip(), values[section].get(name)
            own = (f"{section}.{name}.", given) if isinstance(given, dict) else ("", {})
            page += [f"### {one.__name__}", "", told, "", *table(one, *own), ""]
    return "\n".join(page).rstrip() + "\n"


if __name__ == "__main__":
    (REPO / "docs" / "parameters.md").write_text(document(), encoding="utf-8")
