"""Runs of workflows in this process, on a database of their own."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from legato.core.clock import SystemClock
from legato.core.errors import NotFound
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.flow.definition import Definition
from legato.storage.database.engine import open_engine
from legato.storage.runs.executors import ExecutorBeats
from legato.storage.workflows.inbox import WorkflowInbox
from legato.storage.workflows.looking import RunLooking
from legato.storage.workflows.rows import ENDED
from legato.storage.workflows.runs import WorkflowRuns
from legato.storage.workflows.work import RunWork
from legato.workflows.engine import DurableEngine, EngineOptions
from legato.workflows.nodes.plain import plain_kinds
from legato.workflows.runs.host import AT_ONCE, QUEUE, WORKFLOW, RunHost
from legato.workflows.runs.keeper import DEAD_AFTER_S, RunKeeper
from legato.workflows.runs.rooms import Outside, Resolved
from legato.workflows.runs.workflows import NewRun, RunView, Workflows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sqlalchemy import Engine

    from legato.storage.workflows.rows import RunRow

ORG = "acme"


class Plainly:
    """Seals by naming what it is bound to: what is moved elsewhere can't be opened."""

    def seal(self, org: str, data: bytes, context: bytes) -> bytes:
        return msgspec.json.encode([org, context.hex(), data.decode()])

    def open(self, org: str, sealed: bytes, context: bytes) -> bytes:
        whose, where, data = msgspec.json.decode(sealed)
        if (whose, where) != (org, context.hex()):
            raise ValueError
        return str(data).encode()


class Key(msgspec.Struct):
    key_id: str = "key"
    team: str = "team"
    feature: str = "feature"


class Known:
    """Workflows by name."""

    def __init__(self) -> None:
        self.named: dict[str, Definition] = {}

    def resolve(self, org: str, ref: str, unit: str) -> Resolved:
        name = ref.partition("@")[0]
        if name not in self.named:
            raise NotFound(f"There is no workflow {ref!r}.")
        return Resolved(name, self.named[name])


class NothingSpent:
    def spent(self, org: str, root: str, since_ns: int) -> int:
        return 0


def defined(**content: Any) -> Definition:
    return msgspec.convert(content, Definition)


class Running:
    """What a test asks."""

    def __init__(self, database: Engine, host: RunHost, known: Known, executor: str = "") -> None:
        clock = SystemClock()
        tenant = Tenant(ORG)
        self.database = database
        self.host = host
        self.known = known
        self.executor = executor
        self.ended: list[tuple[str, str]] = []
        self.workflows = Workflows(
            ORG,
            (WorkflowRuns(database, tenant), WorkflowInbox(database, tenant)),
            Plainly(),
            clock,
            new_id=IdSource(clock).new,
            pseudonym=lambda org, user: f"{org}:{user}",
        )

    def start(self, definition: Definition, given: Any = None, **more: Any) -> str:
        new = NewRun(definition=definition, input=given, workflow="tested", **more)
        return self.workflows.start(new, Key())[0].id

    def run(self, definition: Definition, given: Any = None, **more: Any) -> RunView:
        return self.until_over(self.start(definition, given, **more))

    def until_over(self, run_id: str, within_s: float = 30.0) -> RunView:
        return self.until(run_id, set(ENDED), within_s)

    def until(self, run_id: str, statuses: set[str], within_s: float = 30.0) -> RunView:
        until_s = time.monotonic() + within_s
        while time.monotonic() < until_s:
            row: RunRow = self.workflows.runs.get(run_id)
            if row.status in statuses:
                return self.workflows.opened(row)
            time.sleep(0.02)
        raise AssertionError(self.workflows.runs.get(run_id))


@contextmanager
def running(
    urls: tuple[str, str], schema: str, kinds: Mapping[Any, Any] | None = None
) -> Iterator[Running]:
    """Run workflows; `urls` are those of runs and of the engine."""
    on_postgres = urls[0].startswith("postgres")
    database = open_engine(urls[0], schema=schema if on_postgres else None, idle_s=DEAD_AFTER_S)
    clock, known = SystemClock(), Known()
    hurry = threading.Event()
    executor, roster = IdSource(clock).new(), ExecutorBeats(database)
    outside = Outside(
        work=RunWork(database),
        sealing=Plainly(),
        clock=clock,
        definitions=known,
        spending=NothingSpent(),
        ended=lambda _run, _status: None,
        queued=hurry.set,
    )
    host = RunHost(outside, {**plain_kinds(), **(kinds or {})}, executor)
    engine = DurableEngine(
        EngineOptions(
            urls[1],
            executor,
            {QUEUE: AT_ONCE},
            postgres_schema=f"{schema}_runs",
        ),
        {WORKFLOW: host},
    )
    keeper = RunKeeper(
        engine,
        RunLooking(database),
        roster,
        executor,
        room=lambda: host.room,
        hurry=hurry,
        now_ns=clock.now_ns,
    )
    stop = threading.Event()
    thread = threading.Thread(target=keeper.run, args=(stop,), daemon=True)
    thread.start()
    try:
        yield Running(database, host, known, executor)
    finally:
        stop.set()
        thread.join()
        host.stop()
        engine.close()
        database.dispose()
