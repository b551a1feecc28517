"""The roll-back itself. It loads no Prefect, which takes seconds that a shop with a bad model should not wait."""

from concurrent.futures import ThreadPoolExecutor

from ecom_llm.layout import Layout
from ecom_llm.records import UserError
from ecom_llm.registry import Registry, Version, open_registry, rollback
from ecom_llm.registry.champions import note_fault
from ecom_llm.registry.signing import BrokenLink
from tasks.chain.follow import ITSELF, require
from tasks.events import ROLLED_BACK, tell_champion
from tasks.smoke import question, unfit


def go_back(model_name: str, to: str | None = None) -> tuple[Version, Version]:
    """Give `champion` back to the version before, or to the earlier champion `to`; return (from, to).

    Its data is not read for that, nor does a damaged journal stand in the way.

    Raises:
        UserError: that one is not what it was; or it was given back, and does not write or cannot be tried, which the message begins with.
    """
    layout = Layout.here()
    registry = open_registry(model_name, layout)

    def check(back: Version) -> None:
        try:
            require(registry, back, layout.workspace, ITSELF)
        except BrokenLink as error:
            registry.note("barred", back.number, why=f"{error}")  # the journal is held by the roll-back
            further = "To go further back: `ecom-llm rollback --to NUMBER`; `ecom-llm history` tells who was champion."
            raise UserError(f"{error} {further}") from error

    now, back = rollback(registry, to, check)
    done = f"{model_name} version {back.number} is champion again"
    try:
        why = tried_while_told(registry, now, back)
    except (UserError, OSError) as error:
        # who reads of this alone would go back once more, past the one that is wanted
        raise UserError(f"{done}, but whether it writes could not be tried, or not be kept: {error}") from error
    if why:
        raise UserError(
            f"{done}, but failed its smoke test: {why}. To go further back: "
            "`ecom-llm rollback`, or `--to NUMBER`; `ecom-llm history` tells who was champion."
        )
    return now, back


def tried_while_told(registry: Registry, now: Version, back: Version) -> str:
    """Let the version that was given back write, and tell of it meanwhile; why it is not fit, empty if it is.

    Raises:
        UserError, OSError: it cannot be asked, or what came of it not be kept; Prefect was told all the same.
    """
    with ThreadPoolExecutor(1) as beside:
        try:
            trial = beside.submit(unfit, question(registry, back))
        finally:
            tell_champion(ROLLED_BACK, back, now.number)  # which may load Prefect, while the version writes
    why = trial.result()
    registry.keep_trial(back, passed=not why)
    if why:
        note_fault(registry, "unfit", back, why)
    return why
