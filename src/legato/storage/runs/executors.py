"""When each executor of durable runs was last heard of, on the store's clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, delete, select

from legato.storage.database.dialect import lock, now_ns, upsert
from legato.storage.database.engine import reading, writing
from legato.storage.tables.schema import run_executor

_NS_PER_S: Final = 1_000_000_000
_FORGET_NS: Final = 86_400 * _NS_PER_S
_LOCK: Final = "run executors"


class ExecutorBeats:
    """Every method may raise StorageUnavailable."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def beat(self, executor: str) -> None:
        """Say that this executor lives; those long silent are forgotten."""
        with writing(self._engine) as connection:
            now = now_ns(connection, None)
            row = {"executor": executor, "beat_at_ns": now}
            connection.execute(
                upsert(connection, run_executor)
                .values(row)
                .on_conflict_do_update(index_elements=["executor"], set_={"beat_at_ns": now})
            )
            connection.execute(
                delete(run_executor).where(run_executor.c.beat_at_ns < now - _FORGET_NS)
            )

    def alive(self, within_s: float) -> frozenset[str]:
        """Return who has been heard of within so many seconds."""
        with reading(self._engine) as connection:
            since_ns = now_ns(connection, None) - int(within_s * _NS_PER_S)
            heard = select(run_executor.c.executor).where(run_executor.c.beat_at_ns >= since_ns)
            return frozenset(connection.execute(heard).scalars())

    def leave(self, executor: str) -> None:
        """Forget an executor that has ended: what it left may be taken over at once."""
        with writing(self._engine) as connection:
            connection.execute(delete(run_executor).where(run_executor.c.executor == executor))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep the other executors from looking at the same time."""
        with writing(self._engine) as connection:
            lock(connection, [_LOCK])
            yield
