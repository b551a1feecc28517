"""The commands that keep a checkout in order: mend what crashes have left, and free disk."""

import sys
from typing import Annotated

from cyclopts import Parameter

from flows.entering import RecipeOption, enter


def reconcile() -> None:
    """Mend what kills and crashes have left, and say what: Prefect, MLflow, DVC and the journal tell one story again.

    Runs whose process is gone end, what they left at work ends, half-registered versions are completed or removed, and a change of
    the champion that was broken off is brought to its end or taken back. Healthy runs go on. `ecom-llm run` and `ecom-llm up` do
    the same when they start.

    For example:

        ecom-llm reconcile
    """
    from flows.up import end_leftovers
    from flows.working import at_work, foreign_server
    from tasks.reconcile import reconcile as mend

    layout, _ = enter()
    with at_work():
        leftovers = ["Mended: ended the servers of an `ecom-llm up` that was killed"] if end_leftovers(layout) else []
        mended = mend(layout, foreign_server(layout))
    print("\n".join([*leftovers, *mended.lines()] or ["Nothing to mend."]))
    if mended.left:
        sys.exit(1)


def clean(
    *,
    keep: int,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
    recipe: RecipeOption = None,
) -> None:
    """Free disk: old versions with their model files, checkpoints, what dead runs left, and what DVC's cache holds for none.

    A version stays that is one of the newest, has an alias, or is named by the journal as champion, as the one before, or as what a
    candidate was compared with.

    For example:

        ecom-llm clean --keep 5 --dry-run
        ecom-llm clean --keep 5

    Parameters
    ----------
    keep
        How many of the newest versions stay.
    dry_run
        Say what would be freed, and free nothing.
    recipe
        Recipe that names the registered model.
    """
    from flows.working import at_work, foreign_server
    from tasks.cleaning import clean as free

    layout, params = enter(recipe)
    with at_work():
        for line in free(layout, params.registry.model_name, keep, foreign_server(layout), dry_run):
            print(line, flush=True)
