"""The commands `ecom-llm approve` and `ecom-llm reject`."""

from pathlib import Path

from flows.entering import RecipeOption, enter, require_servers


def approve(version: str, *, name: str, comment: str = "", recipe: RecipeOption = None) -> None:
    """Approve a version that the gate approved and that waits for a person; it becomes champion.

    The gate's decision must still hold: the same rules, the same champion. The journal keeps name and comment.

    For example:

        ecom-llm approve 3 --name Ann
        ecom-llm approve 3 --name Ann --comment "read fifty texts"

    Parameters
    ----------
    version
        Number of the version, as `ecom-llm status` shows it.
    name
        Who approves.
    comment
        Why, for the journal, which forgets nothing: no secrets.
    recipe
        Recipe that names the registered model and its rules.
    """
    answer(version, True, name, comment, recipe)
    print(f"\nVersion {version} is champion.")


def reject(version: str, *, name: str, comment: str = "", recipe: RecipeOption = None) -> None:
    """Reject a version that the gate approved: it does not become champion unless somebody promotes it by hand.

    For example:

        ecom-llm reject 3 --name Ann --comment "too many superlatives"

    Parameters
    ----------
    version
        Number of the version, as `ecom-llm status` shows it.
    name
        Who rejects.
    comment
        Why, for the journal, which forgets nothing: no secrets.
    recipe
        Recipe that names the registered model and its rules.
    """
    answer(version, False, name, comment, recipe)
    from flows.summary import named

    print(f"\nVersion {version} is rejected. To decide anew: ecom-llm promote {version}{named(recipe)}")


def answer(version: str, approved: bool, name: str, comment: str, recipe: Path | None) -> None:
    """Check the answer before a server is started for it, then give it in a flow."""
    from ecom_llm.promote.decision import rules_key
    from ecom_llm.registry import open_registry
    from ecom_llm.registry.approvals import answer_by, require_open
    from flows.working import at_work, beginning_flows, mend_first

    given = answer_by(approved, name, comment)
    layout, params = enter(recipe)
    require_servers(layout, params)
    with at_work():
        mend_first(layout)
        registry = open_registry(params.registry.model_name, layout)
        require_open(registry, registry.version(version), rules_key(params.promote))
        from flows.approval.flow import approval

        with beginning_flows():
            approval(version, given, params)
