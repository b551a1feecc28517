"""What Prefect's server holds beside the deployments: a work pool, the limit `gpu`, and automations that tell people."""

from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.events.actions import ActionTypes, DoNothing, SendNotification
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.workers.process import ProcessWorker

from ecom_llm.records import UserError
from tasks.events import PROMOTED, ROLLED_BACK
from tasks.gpu import make_limit

POOL = "shop"
"""The work pool of prefect.yaml."""
NOBODY = "none"
"""The notification block that is none."""
RUN = "{{ flow_run.name }} of {{ flow.name }} ended as {{ flow_run.state.name }}: {{ flow_run.state.message }}"
CHAMPION = (
    "{{ event.payload.model }} version {{ event.payload.version }} is champion, instead of "
    "{{ event.payload.instead_of or 'none' }}; by {{ event.payload.by }}"
    "{% if event.payload.approved_by %}, approved by {{ event.payload.approved_by }}{% endif %}"
)


def notification(block: UUID | None, subject: str, body: str) -> ActionTypes:
    """Tell people by a notification block; without one the automation's own event, in Prefect's feed, is all."""
    return DoNothing() if block is None else SendNotification(block_document_id=block, subject=subject, body=body)


def automations(block: UUID | None) -> list[AutomationCore]:
    """The automations, by name."""

    def when(name: str, events: set[str], resource: str, body: str) -> AutomationCore:
        return AutomationCore(
            name=f"ecom-llm: {name}",
            description="Made by `ecom-llm up` and `prefect deploy`; whom it tells: runtime.notification_block in params.yaml.",
            trigger=EventTrigger(
                expect=events,
                match={"prefect.resource.id": resource},
                for_each={"prefect.resource.id"},
                posture=Posture.Reactive,
                threshold=1,
            ),
            actions=[notification(block, f"ecom-llm: {name}", body)],
        )

    failed = {"prefect.flow-run.Failed", "prefect.flow-run.Crashed"}
    return [
        when("a run failed", failed, "prefect.flow-run.*", RUN),
        when("a champion was promoted", {PROMOTED}, "ecom-llm.model.*", CHAMPION),
        when("a champion was rolled back", {ROLLED_BACK}, "ecom-llm.model.*", CHAMPION),
    ]


def block_id(client: SyncPrefectClient, name: str) -> UUID | None:
    """The id of a notification block, `type/name`; None for `none`.

    Raises:
        UserError: the server has none of that name.
    """
    if name == NOBODY:
        return None
    kind, _, block = name.partition("/")
    try:
        return client.read_block_document_by_name(block, kind).id
    except ObjectNotFound as error:
        raise UserError(
            f"runtime.notification_block: Prefect has no block {name}. Make it in its UI under Blocks, or write {NOBODY}."
        ) from error


def settle_server(notification_block: str) -> None:
    """Make what is not there yet; automations are brought to what params.yaml says, a limit keeps its number.

    Raises:
        UserError: the notification block is not there.
    """
    make_limit()
    with get_client(sync_client=True) as client:
        for wanted in automations(block_id(client, notification_block)):
            known = client.read_automations_by_name(wanted.name)
            if known:
                client.update_automation(known[0].id, wanted.model_copy(update={"enabled": known[0].enabled}))
            else:
                client.create_automation(wanted)


def make_pool() -> None:
    """Make the work pool that prefect.yaml names, for workers that run on this machine."""
    template = ProcessWorker.get_default_base_job_template()
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        except ObjectAlreadyExists:
            return
