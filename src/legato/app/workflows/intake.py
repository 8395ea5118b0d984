"""Wires what becomes of events, the same in every process that hears some."""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from legato.app.config.loaded import LoadedConfig
from legato.app.ruling import rules_in_force
from legato.app.workflows.definitions import StoredDefinitions
from legato.app.workflows.desk import workflows_of
from legato.app.workflows.in_force import TriggersInForce
from legato.audit.acting import acting_as
from legato.audit.event import Actor
from legato.core.clock import Clock
from legato.core.errors import Conflict, Forbidden, InvalidRequest, NotFound
from legato.core.ids import IdSource
from legato.core.principal import Principal
from legato.core.tenant import EVERY_TENANT, Tenant
from legato.governance.ruled_keys import RuledKeys
from legato.storage.database.engine import open_engine
from legato.storage.tenants.keys import KeyStore
from legato.storage.triggers.triggers import TriggerStore
from legato.vault.envelope import Envelopes
from legato.workflows.runs.rooms import Resolved
from legato.workflows.runs.workflows import NewRun, Workflows
from legato.workflows.triggers.cloud_events import Event
from legato.workflows.triggers.events import Publish
from legato.workflows.triggers.intake import Active, Count, Intake, Order
from legato.workflows.triggers.runner import Deliver
from legato.workflows.triggers.schedules import Schedules

_TRIGGER = "trigger"


class TriggerRooms(NamedTuple):
    """What a process that hears events works with."""

    in_force: TriggersInForce
    intake: Intake
    schedules: Schedules
    starting: "Starting"
    publish: Publish
    deliver: Deliver


def open_triggers(
    loaded: LoadedConfig,
    database_url: str,
    clock: Clock,
    *,
    sealing: Envelopes,
    pseudonym: Callable[[str, str], str],
    wake: Callable[[], None],
    count: Count | None = None,
) -> TriggerRooms:
    """Open them; `wake` tells who runs runs that there is one."""
    engine, ids = open_engine(database_url), IdSource(clock)
    config = loaded.config
    opened = workflows_of(database_url, sealing, clock, pseudonym)

    def of(org: str) -> Workflows:
        return opened(Tenant(org), org)

    keys = KeysByName(
        RuledKeys(
            KeyStore(engine, clock, ids, EVERY_TENANT), rules_in_force(config.access, database_url)
        ),
        clock,
    )
    starting = Starting(StoredDefinitions(config, database_url, sealing), of, keys, wake)
    intake = Intake(
        lambda org: TriggerStore(engine, clock, Tenant(org)),
        starting,
        sealing,
        new_id=ids.new,
        now_ns=clock.now_ns,
        count=count,
    )

    def running(active: Active) -> list[str]:
        return of(active.org).runs.open_of(active.workflow, active.origin)

    def cancel(org: str, run_id: str) -> None:
        with suppress(Conflict, NotFound):  # it ended meanwhile
            of(org).cancel(run_id)

    def publish(org: str, event: Event, *, sender: str) -> list[str]:
        told = of(org).publish(event.type, event.seen(), event.digest.hex(), sender=sender)
        if told:
            wake()
        return told

    def deliver(org: str, event: Event) -> int:
        return len(publish(org, event, sender=""))

    in_force = TriggersInForce(database_url, config.registry.environment, sealing)
    schedules = Schedules(intake, running, cancel, clock.now_ns)
    return TriggerRooms(in_force, intake, schedules, starting, publish, deliver)


class KeysByName:
    """Keys in force by organisation and name; read again where one has changed. Blocking."""

    def __init__(self, keys: RuledKeys, clock: Clock) -> None:
        self._keys = keys
        self._now_ns = clock.now_ns
        self._version = -1
        self._found: dict[tuple[str, str], Principal] = {}

    def __call__(self, org: str, name: str) -> Principal:
        """Return a key. Raises InvalidRequest: there is none in force."""
        if self._keys.version() != self._version:
            read = self._keys.snapshot()
            self._found = {(one.org, one.name): one for one in read.by_digest.values()}
            self._version = read.version
        found = self._found.get((org, name))
        until_ns = None if found is None else found.expires_at_ns
        if found is None or (until_ns is not None and until_ns <= self._now_ns()):
            told = f"settings.key: no key in force is called {name!r}"
            raise InvalidRequest(told, param="settings.key")
        return found


class Starting:
    """Begins the runs of orders; blocking."""

    def __init__(
        self,
        definitions: StoredDefinitions,
        opened: Callable[[str], Workflows],
        keys: KeysByName,
        wake: Callable[[], None],
    ) -> None:
        self._definitions = definitions
        self._opened = opened
        self._keys = keys
        self._wake = wake

    def __call__(self, order: Order) -> None:
        """Begin one, once.

        Raises:
            InvalidRequest, NotFound: no such key or workflow, or the input doesn't fit.
            Forbidden: the key may not start it.
        """
        acting, resolved = self._resolved(order)
        new = NewRun(
            definition=resolved.definition,
            workflow=resolved.name,
            arm=resolved.arm,
            version=resolved.version,
            input=order.input,
            author=order.origin,
            origin=order.origin,
            run_id=order.run_id,
        )
        with acting_as(Actor(_TRIGGER, f"{order.workflow}/{order.origin.partition(':')[2]}")):
            self._opened(order.org).start(new, acting)
        self._wake()

    def require(self, order: Order) -> None:
        """Refuse what couldn't begin; nothing begins. Raises as beginning one does."""
        _, resolved = self._resolved(order)
        self._opened(order.org).require_input(resolved.definition, order.input)

    def _resolved(self, order: Order) -> tuple[Principal, Resolved]:
        acting = self._keys(order.org, order.key)
        resolved = self._definitions.resolve(order.org, order.workflow, order.run_id)
        if told := acting.against_starting(resolved.name):
            msg = f"settings.key: the key {acting.name} may not start {resolved.name}: {told}"
            raise Forbidden(msg, param="settings.key")
        return acting, resolved
