"""Entering a checkout: what every command does first."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ecom_llm.records import UserError

if TYPE_CHECKING:
    from ecom_llm.layout import Layout
    from ecom_llm.params import Params

RecipeOption = Annotated[Path | None, Parameter(name="--recipe")]
Settings = Annotated[tuple[str, ...], Parameter(name="--set", negative="", show_default=False)]


def enter(recipe: Path | None = None, settings: Sequence[str] = ()) -> tuple["Layout", "Params"]:
    """Go to the checkout, choose the params, and set the environment that Prefect and MLflow will read."""
    from ecom_llm.layout import Layout
    from flows.checkout import enter_checkout
    from flows.overrides import chosen_params
    from flows.settings import prepare, require_state

    given = recipe.resolve() if recipe is not None and recipe.exists() else recipe
    layout: Layout = enter_checkout()
    params = chosen_params(layout.params, given, settings)
    require_state(layout)
    prepare(layout, params.runtime.log_level)
    return layout, params


def forgo_prefect() -> None:
    """Go on without a Prefect server that does not answer, and say so."""
    from flows.settings import require_prefect

    try:
        require_prefect()
    except UserError as error:
        print(f"Prefect will not be told of this. {error}", file=sys.stderr)
        del os.environ["PREFECT_API_URL"]


def require_servers(layout: "Layout", params: "Params") -> None:
    """Ask both servers before hours of work, not after."""
    from ecom_llm.registry import open_registry
    from flows.settings import quiet_mistakes, require_prefect

    require_prefect()
    open_registry(params.registry.model_name, layout)
    quiet_mistakes()
