"""Deciding a request again by what was recorded of it; nothing is sent and nothing is written."""

from typing import Annotated

from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, lacking, read
from legato.api.control.forms import Id, Shown, known_id
from legato.api.control.services import Services
from legato.core.errors import Forbidden, NotFound
from legato.core.permission import Permission

AccessNow = Annotated[
    bool,
    Parameter(
        description="By the rules of access in force now, which are to be read then, too.",
        required=False,
    ),
]


class DecidedAgain(Shown, frozen=True, kw_only=True):
    """`verdict` is reproduced, different or unreplayable; `causes` say what differs, or why not."""

    request_id: str
    verdict: str
    causes: list[str]


@read("/requests/{request_id:str}/replay", Permission.LEDGER_READ, tags=["requests"])
def replay_request(
    services: Given[Services],
    caller: Given[Caller],
    request_id: Id,
    *,
    access_now: AccessNow = False,
) -> DecidedAgain:
    """Decide a request again by the versions of then, and compare with what happened."""
    reader = services.entries(caller.reach)
    trace = reader.trace(known_id(request_id))
    if trace is None:
        raise NotFound("there is no such request")
    if access_now:
        _require_rules(caller)
    again = services.deciding(access_now=access_now).request(trace, reader.entries_of(request_id))
    return DecidedAgain(
        request_id=request_id, verdict=str(again.verdict), causes=list(again.causes)
    )


HANDLERS = (replay_request,)


def _require_rules(caller: Caller) -> None:
    """Refuse who may not read rules of access: causes tell of them. Raises Forbidden."""
    if not caller.has(Permission.ACCESS_READ):
        raise Forbidden(lacking(caller.principal, Permission.ACCESS_READ))
