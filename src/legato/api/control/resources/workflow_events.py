"""Events that runs of workflows wait for."""

from typing import Annotated, Any

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Response
from msgspec import Meta

from legato.api.control.access import Caller, make
from legato.api.control.forms import Form, Shown
from legato.api.control.once import Made, Once
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.workflows.triggers.cloud_events import Event

_Attribute = Annotated[str, Meta(min_length=1, max_length=2_000)]


class WorkflowEvent(Form, frozen=True, kw_only=True):
    """A CloudEvent 1.0, in structured mode."""

    specversion: Annotated[str, Meta(pattern=r"^1\.0$")] = "1.0"
    id: _Attribute
    """Within its source: the same event comes to a run once."""
    source: _Attribute
    type: _Attribute
    subject: Annotated[str, Meta(max_length=2_000)] = ""
    time: Annotated[str, Meta(max_length=64)] = ""
    datacontenttype: Annotated[str, Meta(max_length=256)] = ""
    data: Any = None


class WorkflowEventTaken(Shown, frozen=True, kw_only=True):
    """Which runs were told: those that listen for its type. Each looks whether it is meant."""

    runs: list[str]
    begun: dict[str, str]
    """Runs that it began, by trigger (`WORKFLOW/TRIGGER`)."""


@make("/workflow-events", Permission.WORKFLOW_RUN_SIGNAL, tags=["workflow runs"], status_code=200)
def send_workflow_event(
    services: Given[Services],
    caller: Given[Caller],
    once: Given[Once],
    data: JSONBody[WorkflowEvent],
) -> Response[WorkflowEventTaken]:
    """Give an event to the runs that listen for its type, and to triggers of events."""
    event = Event(
        id=data.id, source=data.source, type=data.type, data=data.data,
        subject=data.subject, time=data.time, datacontenttype=data.datacontenttype,
    )  # fmt: skip

    def work() -> Made:
        tenant = caller.tenant()
        taken = services.events.take(tenant.org, event, caller.author)
        return Made(WorkflowEventTaken(runs=taken.told, begun=taken.begun), status=200)

    return once(data, work)


HANDLERS = (send_workflow_event,)
