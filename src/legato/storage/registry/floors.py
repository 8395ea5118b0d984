"""Quality floors of routes: each organisation's own, shared by all workers and nodes."""

from typing import Final

import msgspec
from sqlalchemy import Engine, insert, select

from legato.audit.event import Act, Detail, Subject
from legato.core.clock import Clock
from legato.core.ids import IdSource
from legato.routing.floor.compared import Compared
from legato.routing.floor.freedom import About, Floor, Moved, Terms, observed
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.database.versions import bump, version
from legato.storage.registry.comparisons import add_comparison
from legato.storage.tables.floors import route_floor, route_floor_move

FLOOR_VERSION: Final = "route_floors"
"""The number that workers poll: it rises when a share changes, or there is one more."""
_floor = msgspec.json.Decoder(Floor).decode
_moved = msgspec.json.Decoder(Moved).decode


class KnownFloor(msgspec.Struct, frozen=True):
    """What is kept of one policy of a route, by an organisation's requests."""

    about: About
    floor: Floor
    at_ns: int


class FloorMove(msgspec.Struct, frozen=True):
    """One change of a share, and when."""

    policy: str
    at_ns: int
    move: Moved


class FloorStore:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock, ids: IdSource) -> None:
        self._engine = engine
        self._clock = clock
        self._ids = ids

    def learn(
        self, about: About, loss: int, terms: Terms, compared: Compared | None = None
    ) -> Moved | None:
        """Take in one pair; return the change of the share if there is one.

        What was `compared` is kept as well: a router is trained from it.
        """
        c, whose = route_floor.c, about._asdict()
        wanted = select(c.floor).where(*(c[name] == value for name, value in whose.items()))
        with writing(self._engine) as connection:
            lock(connection, [f"legato:floor:{about.org}:{about.route}"])
            text = connection.execute(wanted).scalar()
            floor, moved = observed(Floor() if text is None else _floor(text), loss, terms)
            now_ns = self._clock.now_ns()
            if compared is not None:
                add_comparison(connection, about, compared, loss=loss, at_ns=now_ns)
            kept = {"floor": msgspec.json.encode(floor).decode(), "at_ns": now_ns}
            row = upsert(connection, route_floor).values(**whose, **kept)
            connection.execute(row.on_conflict_do_update(index_elements=list(whose), set_=kept))
            if moved is not None:
                move = msgspec.json.encode(moved).decode()
                named = {"id": self._ids.new(), **whose}
                connection.execute(
                    insert(route_floor_move).values(**named, at_ns=now_ns, move=move)
                )
                subject = Subject("route", about.route)
                told: dict[str, Detail] = {"policy": about.policy, "move": move}
                recorded(connection, Act(about.org, "floor.move", subject, details=told))
            if moved is not None or text is None:
                bump(connection, FLOOR_VERSION)
        return moved

    def version(self) -> int:
        """Return a number that rises with every change of a share."""
        with reading(self._engine) as connection:
            return version(connection, FLOOR_VERSION)

    def read(self) -> tuple[int, list[KnownFloor]]:
        """Return every organisation's floors, and the number they are at least as new as."""
        with reading(self._engine) as connection:
            # Read first: a change in between makes the rows newer than they claim, never older.
            number = version(connection, FLOOR_VERSION)
            rows = connection.execute(select(route_floor)).all()
        return number, [
            KnownFloor(About(r.org, r.route, r.policy), _floor(r.floor), r.at_ns) for r in rows
        ]

    def floor(self, about: About) -> Floor:
        """Return what is proven so far; nothing is where no pair was taken in."""
        c = route_floor.c
        same = (c[name] == value for name, value in about._asdict().items())
        with reading(self._engine) as connection:
            text = connection.execute(select(c.floor).where(*same)).scalar()
        return Floor() if text is None else _floor(text)

    def moves(self, org: str, route: str, limit: int) -> list[FloorMove]:
        """Return the last changes of a route's shares for an organisation, newest first."""
        c = route_floor_move.c
        same = (c.org == org, c.route == route)
        wanted = select(route_floor_move).where(*same).order_by(c.id.desc())
        with reading(self._engine) as connection:
            rows = connection.execute(wanted.limit(limit)).all()
        return [FloorMove(r.policy, r.at_ns, _moved(r.move)) for r in rows]
