"""Makes runs of events, once each: what was heard is told apart, kept, counted, or buried.

An event reserves its run's id, the run begins under it, then the event is settled; who sent it is
told only after that. Cut off in between it is delivered again and begins the same run, which a run
does once. An event that can't become a run is kept with the reason and not asked for again.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, Protocol

import msgspec

from legato.core.errors import CallerError, Conflict, Erased, InvalidRequest, RateLimited
from legato.flow.definition import Trigger
from legato.flow.expressions import compile_expression, compile_template
from legato.storage.triggers.triggers import (
    OPEN,
    REDRIVEN,
    Letter,
    TriggerName,
    TriggerStore,
    What,
)
from legato.workflows.triggers.cloud_events import Event

_RAW_MAX: Final = 64 * 1024
_NS: Final = 1_000_000_000


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger of a workflow's version in force."""

    org: str
    workflow: str
    trigger: Trigger
    settings: Any
    """Of its kind, see `triggers.settings`."""

    @property
    def name(self) -> TriggerName:
        """Its name."""
        return TriggerName(self.workflow, self.trigger.name)

    @property
    def origin(self) -> str:
        """How runs say what began them."""
        return f"trigger:{self.trigger.name}"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """A run to begin. The same `run_id` begins once."""

    org: str
    workflow: str
    run_id: str
    key: str
    """A key's name."""
    input: Any
    origin: str


class Taken(msgspec.Struct, frozen=True):
    """What became of an event; `run_id` "" where it began none."""

    what: What
    run_id: str = ""
    told: str = ""


class Buried(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept, sealed, of a message that became no run."""

    told: str
    event: dict[str, Any] | None = None
    raw: str = ""
    """The beginning of a message that is no event."""


class Sealing(Protocol):
    """Seals and opens what belongs to an organisation; blocking."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        """Encrypt."""
        ...

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        """Decrypt. Raises ValueError."""
        ...


class Count(Protocol):
    """Counts events for the metrics."""

    def __call__(self, kind: str, what: str, lag_s: float | None) -> None:
        """Count one by the trigger's kind and what became of it."""
        ...


Start = Callable[[Order], None]
"""Begins a run. Raises CallerError where it never can, StorageUnavailable where it may later."""


class Intake:
    """One process's. Blocking: call it in a thread. Methods may raise StorageUnavailable."""

    def __init__(
        self,
        store_of: Callable[[str], TriggerStore],
        start: Start,
        sealing: Sealing,
        *,
        new_id: Callable[[], str],
        now_ns: Callable[[], int],
        count: Count | None = None,
    ) -> None:
        self.store_of = store_of
        self._start = start
        self._sealing = sealing
        self._new_id = new_id
        self._now_ns = now_ns
        self._count = count

    def take(self, active: Active, event: Event) -> Taken:
        """Begin the run of an event, or say why it has none.

        Raises:
            RateLimited: runs wait for a place; the sender may try again.
        """
        store, of = self.store_of(active.org), active.name
        reserved = store.reserve(of, event.digest, self._new_id())
        lag_ns = self._lag_ns(event)
        if reserved.settled:
            return self._settled(active, None, Taken(What.DUPLICATE, reserved.run_id))
        try:
            given = input_of(active.trigger, event)
            if given is _PASSED_OVER:
                return self._settled(active, event, Taken(What.PASSED_OVER), lag_ns=lag_ns)
            self._start(self._order(active, reserved.run_id, given))
        except RateLimited:
            raise
        except CallerError as error:
            taken = Taken(What.DEAD, told=error.message)
            letter = self._letter(
                active, error.code, Buried(told=error.message, event=event.seen())
            )
            return self._settled(active, event, taken, lag_ns=lag_ns, letter=letter)
        started = Taken(What.STARTED, reserved.run_id)
        return self._settled(active, event, started, lag_ns=lag_ns)

    def trial(self, active: Active, event: Event) -> Order | None:
        """Return what an event would begin, None for nothing. Raises InvalidRequest."""
        given = input_of(active.trigger, event)
        return None if given is _PASSED_OVER else self._order(active, "", given)

    def bury(self, active: Active, raw: bytes, error: CallerError) -> Taken:
        """Keep a message that is no event."""
        text = raw[:_RAW_MAX].decode("utf-8", "replace")
        letter = self._letter(active, error.code, Buried(told=error.message, raw=text))
        return self._settled(active, None, Taken(What.DEAD, told=error.message), letter=letter)

    def pass_over(self, active: Active, event: Event) -> Taken:
        """Leave an event out, for good."""
        store = self.store_of(active.org)
        if store.reserve(active.name, event.digest, "").settled:
            return Taken(What.DUPLICATE)
        return self._settled(active, event, Taken(What.PASSED_OVER))

    def opened(self, org: str, letter: Letter) -> Buried:
        """Return what is kept of a message. Raises Erased."""
        try:
            plain = self._sealing.open(org, letter.sealed, letter_context(letter.id))
        except ValueError:
            raise Erased("the message can't be read any more", param="id") from None
        return msgspec.json.decode(plain, type=Buried)

    def redrive(self, active: Active, letter_id: str, event: dict[str, Any] | None) -> str:
        """Begin a run of a buried message, or of what it should have been; return its id.

        Raises:
            NotFound: there is no such message.
            Conflict: it is settled.
            InvalidRequest: it still can't become a run.
        """
        store = self.store_of(active.org)
        letter = store.letter(letter_id)
        if letter.state != OPEN:
            raise Conflict(f"the message is {letter.state} already")
        found = event or self.opened(active.org, letter).event
        if found is None:
            raise InvalidRequest("event: it was none; give what it should have been", param="event")
        named = {"id": letter.id, "source": "redrive", "type": "redrive"}
        try:
            seen = msgspec.convert(named | found, Event, strict=False)
        except msgspec.ValidationError as problem:
            raise InvalidRequest(f"event: {problem}", param="event") from None
        given = input_of(active.trigger, seen)
        # its own id names the run: killed in between, the same one begins when it is asked again
        self._start(self._order(active, letter.id, None if given is _PASSED_OVER else given))
        store.settle_letter(letter.id, REDRIVEN, letter.id)
        return letter.id

    def _order(self, active: Active, run_id: str, given: Any) -> Order:
        return Order(
            org=active.org,
            workflow=active.workflow,
            run_id=run_id,
            key=active.settings.key,
            input=given,
            origin=active.origin,
        )

    def _settled(
        self,
        active: Active,
        event: Event | None,
        taken: Taken,
        *,
        lag_ns: int | None = None,
        letter: Letter | None = None,
    ) -> Taken:
        digest = None if event is None else event.digest
        store = self.store_of(active.org)
        counter, run_id = taken.what, taken.run_id
        store.settle_event(
            active.name, digest, counter, run_id=run_id, lag_ns=lag_ns, letter=letter
        )
        if self._count is not None:
            lag_s = None if lag_ns is None else lag_ns / _NS
            self._count(active.trigger.kind, counter.value, lag_s)
        return taken

    def _letter(self, active: Active, reason: str, buried: Buried) -> Letter:
        new_id = self._new_id()
        plain = msgspec.json.encode(buried)
        return Letter(
            id=new_id,
            workflow=active.workflow,
            name=active.trigger.name,
            reason=reason,
            sealed=self._sealing.seal(active.org, plain, letter_context(new_id)),
        )

    def _lag_ns(self, event: Event) -> int | None:
        try:
            sent = datetime.fromisoformat(event.time)
        except ValueError:
            return None
        if sent.tzinfo is None:
            return None
        return max(0, self._now_ns() - int(sent.timestamp() * _NS))


_PASSED_OVER: Final = object()


def input_of(trigger: Trigger, event: Event) -> Any:
    """Return what a run begins with; a mark of ours where the condition doesn't hold.

    Raises:
        InvalidRequest: an expression fails.
    """
    seen = {"event": event.seen()}
    if trigger.when is not None and not compile_expression(trigger.when).holds(seen):
        return _PASSED_OVER
    if trigger.input is msgspec.UNSET:
        return event.data
    return compile_template(trigger.input).value(seen)


def letter_context(letter_id: str) -> bytes:
    """Return what a buried message is bound to."""
    return f"trigger letter\x00{letter_id}".encode()
