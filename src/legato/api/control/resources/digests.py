"""Digests: a team's week, as it is sent or before it is."""

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency as Given
from litestar.params import Parameter

from legato.api.control.access import Caller, read
from legato.api.control.forms import Shown
from legato.api.control.registry_desk import Org
from legato.api.control.services import Services
from legato.core.errors import InvalidRequest, NotFound
from legato.core.permission import Permission
from legato.core.tenant import Area, reaches

TeamName = Annotated[str, Parameter(min_length=1, max_length=256, description="Whose week.")]
Day = Annotated[
    str,
    Parameter(max_length=10, description="A day of the week meant, as 2026-11-16; else the last."),
]


class ShownDigest(Shown, frozen=True, kw_only=True):
    """A team's week. Amounts are nano-USD; `channels` are those it is sent by."""

    org: str
    team: str
    title: str
    text: str
    html: str
    channels: list[str]
    report: dict[str, Any]


@read("/digests", Permission.NOTIFICATION_READ, tags=["notifications"])
def get_digest(
    services: Given[Services],
    caller: Given[Caller],
    *,
    team: TeamName,
    org: Org = None,
    day: Day = "",
) -> ShownDigest:
    """Show a team's week: its spend against the week before, what moved, budgets, savings."""
    whose = caller.principal.org if org is None else org
    if not reaches(caller.narrowed(org), Area(whose, team)):
        raise NotFound("there is no team of this name", param="team")
    try:
        within = date.fromisoformat(day) if day else None
    except ValueError:
        raise InvalidRequest("day: write a date, as 2026-11-16", param="day") from None
    report, said = services.notifications.digest(whose, team, within)
    return ShownDigest(
        org=whose,
        team=team,
        title=said.title,
        text=said.text,
        html=said.html,
        channels=list(said.channels),
        report=msgspec.to_builtins(report),
    )


HANDLERS = [get_digest]
