"""Reading what was redacted in a request, where its policy keeps it: each time written down."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, Parameter
from msgspec import Meta

from legato.api.control.access import Caller, make, read
from legato.api.control.forms import Form, Id, Shown, known_id, moment
from legato.api.control.services import Services
from legato.core.permission import Permission
from legato.core.tenant import Tenant
from legato.insights.kept_maps import REASON_MAX

Org = Annotated[
    str | None,
    Parameter(max_length=128, required=False, description="The caller's own unless named."),
]


class WantedValues(Form, frozen=True, kw_only=True):
    """Why; and a text in which the values are to be put back."""

    reason: Annotated[str, Meta(max_length=REASON_MAX)]
    text: Annotated[str, Meta(max_length=1_000_000)] | None = None


class RestoredValues(Shown, frozen=True, kw_only=True):
    """The values, by what stood for them; `text` as it was given, with them."""

    request_id: str
    values: dict[str, str]
    text: str | None


class ValueReading(Shown, frozen=True, kw_only=True):
    """That somebody asked for the values: `read`, or `refused`."""

    at: str
    actor: str
    outcome: str
    reason: str


class ValueReadings(Shown, frozen=True, kw_only=True):
    """Who asked for the values of a request, the oldest first."""

    data: list[ValueReading]


@make(
    "/guardrails/requests/{request_id:str}/restore",
    Permission.REQUEST_RESTORE,
    tags=["guardrails"],
    status_code=200,
)
def restore_request(
    services: Given[Services],
    caller: Given[Caller],
    *,
    request_id: Id,
    data: JSONBody[WantedValues],
    org: Org = None,
) -> RestoredValues:
    """Return what was redacted in a request. Each reading is written down with its reason."""
    name = caller.principal.name
    # no idempotency key: what is answered must not be stored anywhere
    done = services.restoring(_tenant(caller, org)).restore(
        known_id(request_id), data.reason, caller.author, key=name, text=data.text
    )
    return RestoredValues(request_id=done.request_id, values=done.values, text=done.text)


@read(
    "/guardrails/requests/{request_id:str}/readings",
    Permission.REQUEST_RESTORE,
    tags=["guardrails"],
)
def list_readings(
    services: Given[Services], caller: Given[Caller], *, request_id: Id, org: Org = None
) -> ValueReadings:
    """Tell who asked for what was redacted in a request, and why."""
    found = services.restoring(_tenant(caller, org)).readings(known_id(request_id))
    return ValueReadings(
        data=[
            ValueReading(
                at=moment(one.at_ns), actor=one.actor, outcome=one.outcome, reason=one.reason
            )
            for one in found
        ]
    )


HANDLERS = (restore_request, list_readings)


def _tenant(caller: Caller, org: str | None) -> Tenant:
    return caller.tenant(org)
