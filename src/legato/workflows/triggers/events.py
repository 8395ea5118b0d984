"""Events that applications and people send: for runs that listen, and for triggers of events."""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.core.authority import decide
from legato.core.errors import Forbidden
from legato.core.permission import Permission
from legato.core.principal import Principal
from legato.core.tenant import Area
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.intake import Active, Intake

KIND = "event"


class Publish(Protocol):
    """Hands an event to the runs of an organisation that listen for it."""

    def __call__(self, org: str, event: Event, *, sender: str) -> list[str]:
        """Return which were told; `sender` is in the audit log."""
        ...


class EventTaken(msgspec.Struct, frozen=True):
    """What came of an event."""

    told: list[str]
    """Runs that listened for its type and hadn't heard it before."""
    begun: dict[str, str]
    """Runs by trigger (`WORKFLOW/TRIGGER`): those that an earlier delivery began, too."""


class Events:
    """Blocking. Methods may raise StorageUnavailable."""

    def __init__(
        self, in_force: Callable[[], Sequence[Active]], intake: Intake, publish: Publish
    ) -> None:
        self._in_force = in_force
        self._intake = intake
        self._publish = publish

    def require(self, caller: Principal) -> None:
        """Refuse who may send none. Raises Forbidden."""
        area = Area(caller.org)
        decision = decide(caller, Permission.WORKFLOW_RUN_SIGNAL, area)
        if not decision.allowed:
            raise Forbidden(f"The key {caller.name} may not send events: {decision.reason}.")

    def send(self, caller: Principal, event: Event) -> EventTaken:
        """Take an event from a key."""
        with acting_as(Actor("key", caller.key_id)):
            return self.take(caller.org, event, caller.name)

    def take(self, org: str, event: Event, sender: str) -> EventTaken:
        """Give an event to all that it is for. Raises RateLimited: runs wait for a place."""
        told = self._publish(org, event, sender=sender)
        begun: dict[str, str] = {}
        for active in self._in_force():
            fits = active.org == org and active.trigger.kind == KIND
            if not (fits and active.settings.fits(event.type)):
                continue
            if self._intake.store_of(org).state(active.name).paused:
                continue
            taken = self._intake.take(active, event)
            if taken.run_id:
                begun[f"{active.workflow}/{active.trigger.name}"] = taken.run_id
        return EventTaken(told, begun)
