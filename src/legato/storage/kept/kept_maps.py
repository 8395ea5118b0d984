"""Redaction maps that policies keep, and every time that somebody asked for one."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, Engine, delete, insert, select

from legato.audit.event import Act, Subject
from legato.core.clock import Clock
from legato.core.errors import Forbidden, NotFound
from legato.core.ids import IdSource
from legato.core.kept_maps import MapHead
from legato.core.origin import Origin
from legato.core.tenant import Tenant
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import upsert
from legato.storage.database.engine import reading, writing
from legato.storage.erasure_marks import locked_and_erased
from legato.storage.tables.kept_maps import kept_map, map_reading

_ROWS_PER_WRITE: Final = 500
_TABLE: Final = kept_map.c
READ: Final = "read"
REFUSED: Final = "refused"


class SealedMap(msgspec.Struct, frozen=True):
    """A map whose values are sealed."""

    head: MapHead
    sealed: bytes


class MapReading(msgspec.Struct, frozen=True):
    """That somebody asked for one."""

    at_ns: int
    actor: str
    outcome: str
    sealed: bytes


class Asking(msgspec.Struct, frozen=True):
    """Who asks for a map. `key` is the name of a key, None for the operator at the machine."""

    actor: str
    key: str | None
    sealed_reason: bytes


class KeptMapIntake:
    """Takes maps of every tenant in. Methods may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def put(self, maps: Sequence[SealedMap]) -> None:
        """Keep them; nothing of what was erased."""
        by_org: dict[str, list[SealedMap]] = {}
        for one in maps:
            by_org.setdefault(one.head.org, []).append(one)
        for org, some in sorted(by_org.items()):
            with writing(self._engine) as connection:
                erased = locked_and_erased(connection, org, map(_origin, some))
                rows = [_row(one) for one in some if _origin(one) not in erased]
                if rows:
                    connection.execute(upsert(connection, kept_map).on_conflict_do_nothing(), rows)


class KeptMaps:
    """One organisation's. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource, tenant: Tenant) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns
        self._new_id = ids.new
        self._org = tenant.org

    def read(self, request_id: str, asking: Asking) -> SealedMap:
        """Return a map, once it is written down who read it: without that nobody reads.

        Raises:
            NotFound: none is kept, or not any more.
            Forbidden: its policy names other keys. That is written down, too.
        """
        with writing(self._engine) as connection:
            found = self._get(connection, request_id)
            who = found.head.who
            allowed = who is None or asking.key is None or asking.key in who
            self._note(connection, request_id, asking, READ if allowed else REFUSED)
        if not allowed:
            told = f"the policy that keeps the values of {request_id} names other keys"
            raise Forbidden(told)
        return found

    def readings(self, request_id: str) -> list[MapReading]:
        """Return who asked for one, the oldest first."""
        columns = map_reading.c
        wanted = (
            select(map_reading)
            .where(columns.org == self._org, columns.request_id == request_id)
            .order_by(columns.id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [MapReading(one.at_ns, one.actor, one.outcome, bytes(one.sealed)) for one in rows]

    def _get(self, connection: Connection, request_id: str) -> SealedMap:
        wanted = select(kept_map).where(
            _TABLE.org == self._org,
            _TABLE.request_id == request_id,
            _TABLE.expires_at_ns > self._now_ns(),
        )
        row = connection.execute(wanted).mappings().first()
        if row is None:
            told = f"No redacted values of the request {request_id} are kept."
            raise NotFound(told, param="request_id")
        return _kept(row)

    def _note(self, connection: Connection, request_id: str, asking: Asking, outcome: str) -> None:
        row = {
            "id": self._new_id(),
            "org": self._org,
            "request_id": request_id,
            "at_ns": self._now_ns(),
            "actor": asking.actor,
            "outcome": outcome,
            "sealed": asking.sealed_reason,
        }
        connection.execute(insert(map_reading), row)
        # the reason is sealed: it may quote what was redacted
        subject, by = Subject("request", request_id), {"by": asking.actor}
        recorded(connection, Act(self._org, "guardrail.restore", subject, outcome, details={**by}))


def prune_kept_maps(engine: Engine, now_ns: int) -> int:
    """Delete what has had its time, of all organisations; return how much.

    Raises:
        StorageUnavailable: the database does not answer.
    """
    oldest = (
        select(_TABLE.request_id)
        .where(_TABLE.expires_at_ns < now_ns)
        .order_by(_TABLE.expires_at_ns)
        .limit(_ROWS_PER_WRITE)
    )
    total = 0
    while True:
        late = (_TABLE.expires_at_ns < now_ns) & _TABLE.request_id.in_(oldest)
        with writing(engine) as connection:
            gone = connection.execute(delete(kept_map).where(late)).rowcount
        total += gone
        if not gone:
            return total


def _origin(one: SealedMap) -> Origin:
    return Origin(one.head.request_id, one.head.end_user)


def _row(one: SealedMap) -> dict[str, Any]:
    head = msgspec.structs.asdict(one.head)
    who = None if one.head.who is None else msgspec.json.encode(one.head.who).decode()
    policies = msgspec.json.encode(one.head.policies).decode()
    return {**head, "policies": policies, "who": who, "sealed": one.sealed}


def _kept(row: Any) -> SealedMap:
    head = {name: row[name] for name in MapHead.__struct_fields__}
    head["policies"] = msgspec.json.decode(row["policies"], type=tuple[str, ...])
    if row["who"] is not None:
        head["who"] = msgspec.json.decode(row["who"], type=tuple[str, ...])
    return SealedMap(MapHead(**head), bytes(row["sealed"]))
