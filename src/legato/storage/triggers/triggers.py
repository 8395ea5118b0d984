"""What begins runs by itself: who listens, what was heard already, and what became of none."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Engine, and_, delete, or_, select, update

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.errors import Conflict, NotFound
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.triggers import trigger_event, trigger_letter, trigger_state

OPEN: Final = "open"
REDRIVEN: Final = "redriven"
DISMISSED: Final = "dismissed"
EVENTS_KEPT_DAYS: Final = 30
"""What comes again after that begins a second run."""
_PER_WRITE: Final = 500


class What(StrEnum):
    """What became of an event: also the counter it goes to."""

    STARTED = "started"
    DUPLICATE = "duplicates"
    PASSED_OVER = "passed_over"
    DEAD = "dead"


class TriggerName(msgspec.Struct, frozen=True, order=True):
    """A trigger of a workflow."""

    workflow: str
    name: str


class TriggerState(msgspec.Struct, frozen=True, kw_only=True):
    """How a trigger stands. Counts are since it was first heard of."""

    workflow: str
    name: str
    paused: bool = False
    holder: str = ""
    until_ns: int = 0
    fired_ns: int = 0
    received: int = 0
    started: int = 0
    duplicates: int = 0
    passed_over: int = 0
    dead: int = 0
    heard_ns: int | None = None
    lag_ns: int | None = None
    trouble: str = ""
    trouble_ns: int | None = None


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A message that never became a run."""

    id: str
    workflow: str
    name: str
    reason: str
    sealed: bytes
    state: str = OPEN
    run_id: str = ""
    attempts: int = 1
    at_ns: int = 0
    ended_at_ns: int | None = None


class Reserved(NamedTuple):
    """Which run an event begins, and whether that is done: then it is a duplicate."""

    run_id: str
    settled: bool


_STATE: Final = [trigger_state.c[name] for name in TriggerState.__struct_fields__]
_LETTER: Final = [trigger_letter.c[name] for name in Letter.__struct_fields__]


class TriggerStore:
    """One tenant's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._org = tenant.org

    def states(self) -> list[TriggerState]:
        """Return how all that were ever heard of stand."""
        table = trigger_state.c
        wanted = select(*_STATE).where(table.org == self._org).order_by(table.workflow, table.name)
        with reading(self._engine) as connection:
            return [TriggerState(**row) for row in connection.execute(wanted).mappings()]

    def state(self, of: TriggerName) -> TriggerState:
        """Return how one stands; one that was never heard of has only zeros."""
        wanted = select(*_STATE).where(self._named(of))
        with reading(self._engine) as connection:
            found = connection.execute(wanted).mappings().first()
        fresh = TriggerState(workflow=of.workflow, name=of.name)
        return fresh if found is None else TriggerState(**found)

    def claim(self, of: TriggerName, holder: str, hold_ns: int) -> bool:
        """Take or keep the right to listen, for a while; False where another has it, or it rests.

        One process at a time, so that a time of a schedule begins one run.
        """
        now_ns = self._now_ns()
        stands = self.state(of)
        mine = stands.holder == holder and not stands.paused
        if mine and stands.until_ns - now_ns > hold_ns // 2:
            return True  # asked each second: written down only now and then
        with writing(self._engine) as connection:
            self._make(connection, of)
            free = or_(
                trigger_state.c.holder == holder,
                trigger_state.c.holder == "",
                trigger_state.c.until_ns <= now_ns,
            )
            taken = update(trigger_state).where(
                self._named(of), free, trigger_state.c.paused.is_(False)
            )
            values = {"holder": holder, "until_ns": now_ns + hold_ns}
            return connection.execute(taken.values(values)).rowcount == 1

    def release(self, of: TriggerName, holder: str) -> None:
        """Give the right to listen back, where one has it."""
        mine = update(trigger_state).where(self._named(of), trigger_state.c.holder == holder)
        with writing(self._engine) as connection:
            connection.execute(mine.values(holder="", until_ns=0))

    def pause(self, of: TriggerName, *, paused: bool) -> TriggerState:
        """Have it rest, or listen again."""
        with writing(self._engine) as connection:
            self._make(connection, of)
            connection.execute(update(trigger_state).where(self._named(of)).values(paused=paused))
            self._record(connection, "trigger.pause" if paused else "trigger.resume", of, {})
        return self.state(of)

    def note_backfill(self, of: TriggerName, runs: int) -> None:
        """Record that somebody had times made up for."""
        with writing(self._engine) as connection:
            self._record(connection, "trigger.backfill", of, {"runs": runs})

    def fired(self, of: TriggerName, at_ns: int) -> None:
        """Write down that the times of a schedule have begun their runs up to one."""
        with writing(self._engine) as connection:
            self._make(connection, of)
            later = update(trigger_state).where(self._named(of), trigger_state.c.fired_ns < at_ns)
            connection.execute(later.values(fired_ns=at_ns))

    def trouble(self, of: TriggerName, told: str) -> None:
        """Write down why it doesn't listen; "" that it does."""
        values = {"trouble": told[:500], "trouble_ns": self._now_ns() if told else None}
        with writing(self._engine) as connection:
            self._make(connection, of)
            changed = trigger_state.c.trouble != values["trouble"]
            connection.execute(update(trigger_state).where(self._named(of), changed).values(values))

    def reserve(self, of: TriggerName, digest: bytes, run_id: str) -> Reserved:
        """Return which run an event begins: this one, unless an earlier delivery named another."""
        row = {
            "org": self._org, "workflow": of.workflow, "name": of.name, "digest": digest,
            "run_id": run_id, "settled": False, "at_ns": self._now_ns(),
        }  # fmt: skip
        table = trigger_event.c
        with writing(self._engine) as connection:
            new = upsert(connection, trigger_event).values(row).on_conflict_do_nothing()
            connection.execute(new)
            wanted = select(table.run_id, table.settled).where(self._event(of, digest))
            return Reserved(*connection.execute(wanted).one())

    def turn(self, of: TriggerName, digest: bytes, new: str, *, again: bool) -> str:
        """Return what tells apart messages of one id: with `again` what it was the last time."""
        row = {
            "org": self._org, "workflow": of.workflow, "name": of.name, "digest": digest,
            "run_id": new, "settled": True, "at_ns": self._now_ns(),
        }  # fmt: skip
        with writing(self._engine) as connection:
            if not again:
                connection.execute(delete(trigger_event).where(self._event(of, digest)))
            made = upsert(connection, trigger_event).values(row).on_conflict_do_nothing()
            connection.execute(made)
            wanted = select(trigger_event.c.run_id).where(self._event(of, digest))
            return str(connection.execute(wanted).scalar_one())

    def settle_event(
        self,
        of: TriggerName,
        digest: bytes | None,
        counter: What,
        *,
        run_id: str = "",
        lag_ns: int | None = None,
        letter: Letter | None = None,
    ) -> None:
        """Keep what became of an event, and count it, in one transaction.

        Without a digest nothing tells it from another.
        """
        now_ns = self._now_ns()
        with writing(self._engine) as connection:
            self._make(connection, of)
            if digest is not None:
                done = update(trigger_event).where(self._event(of, digest))
                connection.execute(done.values(run_id=run_id, settled=True))
            if letter is not None:
                row = msgspec.structs.asdict(letter) | {"org": self._org, "at_ns": now_ns}
                kept = upsert(connection, trigger_letter).values(row)
                connection.execute(kept.on_conflict_do_nothing())
            more: dict[str, Any] = {
                name: trigger_state.c[name] + 1 for name in ("received", counter.value)
            }
            values = more | {"heard_ns": now_ns, "lag_ns": lag_ns}
            connection.execute(update(trigger_state).where(self._named(of)).values(values))

    def letters(
        self, count: int, before_id: str | None, *, state: str = "", workflow: str = ""
    ) -> list[Letter]:
        """Return up to `count` messages that became no run, newest first."""
        table = trigger_letter.c
        conditions: list[ColumnElement[bool]] = [table.org == self._org]
        if state:
            conditions.append(table.state == state)
        if workflow:
            conditions.append(table.workflow == workflow)
        if before_id is not None:
            conditions.append(table.id < before_id)
        wanted = select(*_LETTER).where(*conditions).order_by(table.id.desc()).limit(count)
        with reading(self._engine) as connection:
            return [Letter(**row) for row in connection.execute(wanted).mappings()]

    def letter(self, letter_id: str) -> Letter:
        """Return one. Raises NotFound."""
        table = trigger_letter.c
        wanted = select(*_LETTER).where(table.org == self._org, table.id == letter_id)
        with reading(self._engine) as connection:
            found = connection.execute(wanted).mappings().first()
        if found is None:
            raise NotFound("there is no such message", param="id")
        return Letter(**found)

    def settle_letter(self, letter_id: str, state: str, run_id: str = "") -> Letter:
        """Write down that a message became a run after all, or never will.

        Raises:
            NotFound: there is no such message.
            Conflict: it is settled.
        """
        letter = self.letter(letter_id)
        table = trigger_letter.c
        mine = and_(table.org == self._org, table.id == letter_id, table.state == OPEN)
        values = {"state": state, "run_id": run_id, "ended_at_ns": self._now_ns()}
        with writing(self._engine) as connection:
            if connection.execute(update(trigger_letter).where(mine).values(values)).rowcount == 0:
                raise Conflict(f"the message is {letter.state} already")
            of = TriggerName(letter.workflow, letter.name)
            told: dict[str, Detail] = {"letter": letter_id, "run": run_id}
            self._record(connection, f"trigger.{state}", of, told)
        return self.letter(letter_id)

    def _make(self, connection: Any, of: TriggerName) -> None:
        fresh = msgspec.structs.asdict(TriggerState(workflow=of.workflow, name=of.name))
        made = upsert(connection, trigger_state).values(fresh | {"org": self._org})
        connection.execute(made.on_conflict_do_nothing())

    def _named(self, of: TriggerName) -> ColumnElement[bool]:
        table = trigger_state.c
        return and_(table.org == self._org, table.workflow == of.workflow, table.name == of.name)

    def _event(self, of: TriggerName, digest: bytes) -> ColumnElement[bool]:
        table = trigger_event.c
        return and_(
            table.org == self._org,
            table.workflow == of.workflow,
            table.name == of.name,
            table.digest == digest,
        )

    def _record(
        self, connection: Any, action: str, of: TriggerName, told: Mapping[str, Detail]
    ) -> None:
        subject = Subject("trigger", f"{of.workflow}/{of.name}")
        recorded(connection, Act(self._org, action, subject, details=dict(told)))


def forget_events(engine: Engine, before_ns: int) -> int:
    """Delete what was heard before a time, of all organisations; return how much.

    Raises:
        StorageUnavailable: the database is away.
    """
    table = trigger_event.c
    named = (table.org, table.workflow, table.name, table.digest)
    total = 0
    while True:
        with writing(engine) as connection:
            old = connection.execute(
                select(*named).where(table.at_ns < before_ns).limit(_PER_WRITE)
            )
            rows = [tuple(row) for row in old]
            for row in rows:
                same = and_(*(column == value for column, value in zip(named, row, strict=True)))
                connection.execute(delete(trigger_event).where(same))
        total += len(rows)
        if len(rows) < _PER_WRITE:
            return total
