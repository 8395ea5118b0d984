"""Keeps the triggers in force at work: one process for each, by a claim, a thread for each broker.

A claim is renewed while its trigger is at work; a process that dies loses it when it lapses, and
another takes over. A trigger that is paused, changed or gone is stopped within a pass or two.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final

import msgspec

from legato.core.errors import CallerError, LegatoError, RateLimited
from legato.flow.trigger_settings import BROKERS
from legato.workflows.triggers.cloud_events import Event, Fallback, read_event
from legato.workflows.triggers.intake import Active, Intake
from legato.workflows.triggers.listener import Listener, Message
from legato.workflows.triggers.schedules import Schedules

log = logging.getLogger(__name__)

PASS_S: Final = 1.0
CLAIM_NS: Final = 10_000_000_000
_BACK_OFF_S: Final = 0.5
_BACK_OFF_MAX_S: Final = 30.0
_STOP_S: Final = 5.0
Deliver = Callable[[str, Event], int]
"""Hands an event to the runs of an organisation that listen for it; returns how many."""


class _AtWork:
    """One broker trigger's thread."""

    def __init__(self, active: Active, work: Callable[[Active, threading.Event], None]) -> None:
        self.active = active
        self.stop = threading.Event()
        self.thread = threading.Thread(
            target=work,
            args=(active, self.stop),
            name=f"trigger {active.trigger.name}",
            daemon=True,
        )
        self.thread.start()


class TriggerRunner:
    """One process's. `run` it in a thread until it is told to stop."""

    def __init__(
        self,
        in_force: Callable[[], Sequence[Active]],
        intake: Intake,
        schedules: Schedules,
        listener_for: Callable[[Active], Listener],
        *,
        deliver: Deliver,
        new_id: Callable[[], str],
    ) -> None:
        """`listener_for` raises InvalidRequest for a connection there isn't."""
        self._in_force = in_force
        self._intake = intake
        self._schedules = schedules
        self._listener_for = listener_for
        self._deliver = deliver
        self._new_id = new_id
        self._holder = new_id()
        self._at_work: dict[tuple[str, str, str], _AtWork] = {}

    def run(self, stop: threading.Event) -> None:
        """Keep triggers at work until told to stop."""
        try:
            while not stop.wait(PASS_S):
                try:
                    self.pass_once()
                except LegatoError as error:
                    log.warning("triggers wait", extra={"reason": error.message})
                except Exception:  # a defect must not end it: nothing would begin from then on
                    log.exception("triggers wait")
        finally:
            self.close()

    def pass_once(self) -> None:
        """Start, stop and fire what is to be. May raise StorageUnavailable."""
        wanted = {(one.org, one.workflow, one.trigger.name): one for one in self._in_force()}
        for place, at_work in tuple(self._at_work.items()):
            if wanted.get(place) != at_work.active or not self._keeps(at_work.active):
                self._stop(place)
        for place, active in wanted.items():
            if active.trigger.kind in BROKERS:
                if place not in self._at_work and self._keeps(active):
                    self._at_work[place] = _AtWork(active, self._listen)
            elif active.trigger.kind == "schedule" and self._keeps(active):
                self._fire(active)

    def close(self) -> None:
        """Stop all, and let others have them."""
        for place in tuple(self._at_work):
            self._stop(place)

    def _keeps(self, active: Active) -> bool:
        return self._intake.store_of(active.org).claim(active.name, self._holder, CLAIM_NS)

    def _fire(self, active: Active) -> None:
        store = self._intake.store_of(active.org)
        try:
            self._schedules.fire(active)
        except RateLimited as error:  # it stays due
            store.trouble(active.name, error.message)
            return
        store.trouble(active.name, "")

    def _stop(self, place: tuple[str, str, str]) -> None:
        at_work = self._at_work.pop(place)
        at_work.stop.set()
        at_work.thread.join(_STOP_S)
        if not at_work.thread.is_alive():
            store = self._intake.store_of(at_work.active.org)
            store.release(at_work.active.name, self._holder)

    def _listen(self, active: Active, stop: threading.Event) -> None:
        """Listen until told to stop; after a failure again, later each time."""
        store, wait_s = self._intake.store_of(active.org), _BACK_OFF_S

        def ready() -> None:
            nonlocal wait_s
            wait_s = _BACK_OFF_S
            store.trouble(active.name, "")

        while not stop.is_set():
            told = ""
            try:
                listener = self._listener_for(active)
                listener.listen(lambda message: self._hear(active, message), ready, stop)
            except LegatoError as error:
                told = error.message
            except Exception as error:
                log.exception("a trigger failed", extra={"trigger": active.trigger.name})
                told = f"Legato failed ({type(error).__name__})"
            if told and not stop.is_set():
                self._tell(active, told)
                stop.wait(wait_s)
                wait_s = min(_BACK_OFF_MAX_S, wait_s * 2)

    def _tell(self, active: Active, told: str) -> None:
        log.warning(
            "a trigger doesn't listen",
            extra={"org": active.org, "trigger": active.trigger.name, "reason": told},
        )
        try:
            self._intake.store_of(active.org).trouble(active.name, told)
        except LegatoError as error:
            log.warning("triggers wait", extra={"reason": error.message})

    def _hear(self, active: Active, message: Message) -> None:
        """Take a message; returns once it may be acknowledged."""
        kind = active.trigger.kind
        named = self._named(active, message)
        fallback = Fallback(
            source=f"{kind}/{active.settings.connection}", type=f"{kind}.message", id=named
        )
        try:
            event = read_event(message.headers, message.body, fallback)
        except CallerError as error:
            self._intake.bury(active, message.body, error)
            return
        topic = message.headers.get("mqtt-topic", "")
        if topic and not event.subject:
            event = msgspec.structs.replace(event, subject=topic)
        self._deliver(active.org, event)
        self._intake.take(active, event)

    def _named(self, active: Active, message: Message) -> str:
        """Return a message's id. One without is told from no other: it is heard at least once."""
        if not message.id or message.repeated is None:
            return message.id or self._new_id()
        store, digest = (
            self._intake.store_of(active.org),
            blake2b(message.id.encode(), digest_size=20),
        )
        turn = store.turn(active.name, digest.digest(), self._new_id(), again=message.repeated)
        return f"{message.id}/{turn}"
