"""One story: what dead processes have left in Prefect, MLflow, DVC and git is ended, completed or removed.

Whether a process is dead is asked of the kernel: a living one holds a lock. So it is safe beside healthy runs, and to do it twice
is to do nothing.
"""

from collections.abc import Iterator
from functools import partial

from ecom_llm.layout import Layout
from ecom_llm.params.location import HIDDEN, masked_address
from ecom_llm.records import Record, UserError
from ecom_llm.registry import Registry, embedded_uri, open_registry
from ecom_llm.registry.agreeing import agree
from ecom_llm.registry.connection import tracking_uri
from tasks.curves import end_dead_curves
from tasks.engines import Dead, dead, end_left_by, forget, tag_of
from tasks.holds import one_at_a_time
from tasks.workspace import remove_dead_runs, turn

LIVE = ("SCHEDULED", "PENDING", "RUNNING", "CANCELLING", "PAUSED")
"""State types of a flow run that has not ended."""


class Mended(Record):
    """What was mended and what could not be, a line each."""

    done: tuple[str, ...] = ()
    left: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """All of it, for people."""
        return [*(f"Mended: {line}" for line in self.done), *(f"Not mended: {line}" for line in self.left)]


def reconcile(layout: Layout, server: str) -> Mended:
    """Bring Prefect, MLflow, DVC's worktrees and the journal to one story.

    Args:
        server: address of the Prefect server in use; empty for the one in the state folder.
    """
    gone, server = dead(layout), masked_address(server)
    done = [f"ended {one}, which a dead run had left at work" for one in end_left_by(gone)]
    with one_at_a_time(turn(layout)):
        done += [f"removed the worktree of the interrupted run {name}" for name in remove_dead_runs(layout)]
        ended, unended = end_dead_curves(layout)
    done += ended
    left: list[str] = []
    ours = [one for one in gone if one.engine is None or one.engine.server == server]
    for act in (*(partial(mend, name, layout) for name in to_mend(layout)), partial(end_flow_runs, ours)):
        try:
            for line in act():
                done.append(line)
        except UserError as error:
            left.append(f"{error} What is to be mended there waits for the next time.")
    for one in ours if not left else ():
        forget(layout, one)
    left = list(dict.fromkeys(left))  # models that wait for one server say the same of it
    left = unended + left  # a training's run has a note of its own, and so no need of its process's record
    left += [elsewhere(address) for address in sorted({one.engine.server for one in gone if one not in ours})]
    return Mended(done=tuple(done), left=tuple(left))


def elsewhere(address: str) -> str:
    """What is said of runs that another Prefect server knows."""
    own = "the Prefect server of the state folder"
    how = f"PREFECT_API_URL={address} ecom-llm reconcile" if address else "unset PREFECT_API_URL; ecom-llm reconcile"
    password = f" (with the password for {HIDDEN}: no record keeps it)" if HIDDEN in address else ""
    return f"runs at {address or own} may still pass for running. To mend them: {how}{password}"


def to_mend(layout: Layout) -> list[str]:
    """The models to settle: none where the embedded store is not there, which would be made for it."""
    if tracking_uri(layout) == embedded_uri(layout) and not (layout.mlflow / "mlflow.db").exists():
        return []
    return models(layout)


def mend(model_name: str, layout: Layout) -> Iterator[str]:
    """Settle a model, and try its champion where nobody has; what was done is told also where the rest cannot be."""
    registry = open_registry(model_name, layout)
    yield from agree(registry)
    yield from untried(registry, layout)


def untried(registry: Registry, layout: Layout) -> list[str]:
    """What came of trying a champion that nobody has tried; nothing where there is none such."""
    champion = registry.champion()
    if champion is None or not champion.untried:
        return []
    from tasks.fresh import try_untried

    return try_untried(registry, layout)


def models(layout: Layout) -> list[str]:
    """The registered models that have a journal here."""
    return sorted({path.stem.rpartition(".")[0] for path in layout.journal.glob("*.*.jsonl")})


def end_flow_runs(gone: list[Dead]) -> list[str]:
    """Mark the flow runs of dead processes as crashed; without a standing server this starts one, which takes seconds.

    Raises:
        UserError: Prefect does not answer.
    """
    if not gone:
        return []
    from httpx import HTTPError

    try:
        return [line for one in gone for line in crash(one)]
    except (HTTPError, RuntimeError) as error:  # the latter where its temporary server does not start
        raise UserError(f"Prefect does not answer ({error}).") from error


def crash(one: Dead) -> Iterator[str]:
    """Mark the flow runs of a dead process as crashed."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter
    from prefect.states import Crashed

    own = [{"tags": {"all_": [tag_of(one.name)]}}]
    if one.engine and one.engine.flow_run:
        own.append({"id": {"any_": [one.engine.flow_run]}})
    state = Crashed(message="Its process was killed.")
    with get_client(sync_client=True) as client:
        for which in own:
            asked = FlowRunFilter.model_validate({**which, "state": {"type": {"any_": list(LIVE)}}})
            for run in client.read_flow_runs(flow_run_filter=asked):
                client.set_flow_run_state(run.id, state, force=True)
                yield f"Prefect's flow run {run.name} passed for {run.state_name}: Crashed"
