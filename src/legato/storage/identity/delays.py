"""How often sign-ins failed lately, shared by all processes: rows by a keyed digest of whom."""

from collections.abc import Callable, Iterable
from typing import Final

from sqlalchemy import Connection, Engine, delete, select

from legato.audit.event import Act
from legato.core.clock import Clock
from legato.storage.audit.writing import recorded
from legato.storage.database.dialect import lock, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.accounts import sign_in_delay

_NS_PER_S: Final = 1_000_000_000
FORGET_S: Final = 24 * 3600
"""After so long without a failure the count begins again."""
KNOWN_S: Final = 30 * 24 * 3600
"""For so long an address from which a sign-in succeeded stays known."""
_KNOWN: Final = "known:"
Delay = Callable[[int], float]
"""How many seconds the next attempt has to wait after so many failures."""


class SignInDelays:
    """Counts, by names that are digests. Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._now_ns = clock.now_ns

    def wait_s(self, names: Iterable[str]) -> float:
        """Return for how long none of these may try; 0.0 where each may."""
        now_ns, table = self._now_ns(), sign_in_delay
        wanted = select(table.c.until_ns).where(table.c.name.in_(list(names)))
        with reading(self._engine) as connection:
            ends = connection.execute(wanted).scalars().all()
        return max(0.0, (max(ends, default=0) - now_ns) / _NS_PER_S)

    def knows(self, pair: str) -> bool:
        """Whether a login came from an address before, and was let in."""
        table = sign_in_delay.c
        wanted = select(table.name).where(
            table.name == _KNOWN + pair, table.until_ns > self._now_ns()
        )
        with reading(self._engine) as connection:
            return connection.execute(wanted).first() is not None

    def failed(self, names: dict[str, Delay], acts: Callable[[float], list[Act]]) -> float:
        """Count a failure of each and return for how long the next attempt has to wait.

        `acts` says what the audit log is told, by that time in seconds.
        """
        now_ns, table, wait_s = self._now_ns(), sign_in_delay, 0.0
        with writing(self._engine) as connection:
            # all attempts at once would read the same count
            lock(connection, [f"sign-in {name}" for name in names])
            _forget(connection, now_ns)
            for name, delay in names.items():
                row = connection.execute(select(table).where(table.c.name == name)).first()
                failures = 1 if row is None else int(row.failures) + 1
                own_s = delay(failures)
                wait_s = max(wait_s, own_s)
                values = {
                    "failures": failures,
                    "failed_at_ns": now_ns,
                    "until_ns": now_ns + int(own_s * _NS_PER_S),
                }
                _put(connection, name, values)
            for act in acts(wait_s):
                recorded(connection, act)
        return wait_s

    def succeeded(self, names: Iterable[str], pair: str) -> None:
        """Forget the failures of each, and know the login's address from now on."""
        now_ns, table = self._now_ns(), sign_in_delay
        values = {
            "failures": 0,
            "failed_at_ns": now_ns,
            "until_ns": now_ns + KNOWN_S * _NS_PER_S,
        }
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.name.in_(list(names))))
            _put(connection, _KNOWN + pair, values)

    def unlock(self, name: str, act: Act) -> None:
        """Forget the failures of a name, and of those that begin with it and a colon."""
        table = sign_in_delay
        named = (table.c.name == name) | table.c.name.startswith(f"{name}:", autoescape=True)
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(named))
            recorded(connection, act)


def _put(connection: Connection, name: str, values: dict[str, int]) -> None:
    row = upsert(connection, sign_in_delay).values(name=name, **values)
    connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=values))


def _forget(connection: Connection, now_ns: int) -> None:
    table = sign_in_delay.c
    old = (table.until_ns < now_ns) & (table.failed_at_ns < now_ns - FORGET_S * _NS_PER_S)
    connection.execute(delete(sign_in_delay).where(old))
