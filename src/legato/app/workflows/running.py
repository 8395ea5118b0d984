"""Wires what runs workflows in a process of its own."""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from legato.app.context import BatchContext
from legato.app.models.vaults import open_data_keys
from legato.app.workflows.definitions import StoredDefinitions
from legato.app.workflows.desk import workflows_of
from legato.app.workflows.intake import TriggerRooms, open_triggers
from legato.app.workflows.kinds import build_kinds
from legato.app.workflows.listening import listener_for
from legato.core.clock import Clock
from legato.core.durable import Engine
from legato.core.ids import IdSource
from legato.core.tenant import Tenant
from legato.storage.data_keys import DataKeyTable
from legato.storage.database.engine import open_engine
from legato.storage.ledger.entries import EntryFilter
from legato.storage.ledger.sums import SpendSums
from legato.storage.runs.executors import ExecutorBeats
from legato.storage.workflows.looking import RunLooking
from legato.storage.workflows.rows import RunRow, StepRow
from legato.storage.workflows.work import RunWork
from legato.telemetry.families import add, observe
from legato.telemetry.metrics import Meters
from legato.vault.envelope import Envelopes
from legato.vault.master import Vault
from legato.workflows.nodes.paid import Paid
from legato.workflows.runs.host import RunHost
from legato.workflows.runs.keeper import DEAD_AFTER_S, RunKeeper
from legato.workflows.runs.rehearsed import RehearsedRuns
from legato.workflows.runs.rooms import Outside
from legato.workflows.triggers.intake import Active
from legato.workflows.triggers.listener import Listener
from legato.workflows.triggers.runner import TriggerRunner

log = logging.getLogger(__name__)

_SNAPSHOT: Final = "metrics-runs.bin"
_SAVE_S: Final = 1.0
_LEDGER_S: Final = 2.0
"""After which the ledger has what other nodes paid for."""


class RunningWorkflows(NamedTuple):
    """What the process works with."""

    host: RunHost
    keeper: Callable[[Engine], list[threading.Thread]]
    """Begins to look after runs and triggers; ends with the event it was built with."""
    rehearsed: RehearsedRuns
    """What evaluations run workflows with."""
    unfinished: Callable[[], bool]
    """Whether there is something to do, now or at a known time; with `workflows.stay_awake` also
    whether a run waits to be told something, which else wakes the process."""


class LedgerSpending:
    """What runs cost: what the ledger has of them, or what this process paid, if that is more."""

    def __init__(self, database_url: str, paid: Paid) -> None:
        self._engine = open_engine(database_url)
        self._paid = paid

    def spent(self, org: str, root: str, since_ns: int) -> int:
        """Return the cost of a run's tree, nano-USD. Raises StorageUnavailable."""
        wanted = EntryFilter(since_ns=since_ns, run=root)
        kept = SpendSums(self._engine, Tenant(org)).total(wanted).cost
        return max(kept, self._paid.of(org, root))

    def cost(self, org: str, root: str, since_ns: int) -> int | None:
        """Return the same, None where a call was unpriced. Raises StorageUnavailable."""
        wanted = EntryFilter(since_ns=since_ns, run=root)
        kept = SpendSums(self._engine, Tenant(org)).total(wanted)
        if kept.unpriced or self._paid.unpriced(org, root):
            return None
        return max(kept.cost, self._paid.of(org, root))


def build_running(
    context: BatchContext, clock: Clock, executor: str, *, stop: threading.Event, alone: bool
) -> RunningWorkflows:
    """Open the database, and build what runs workflows over it."""
    # whoever is taken for dead keeps nobody from taking its runs over
    database = open_engine(context.database_url, idle_s=DEAD_AFTER_S)
    looking = RunLooking(database)
    data_keys = open_data_keys(context.loaded, context.data, DataKeyTable(database))
    envelopes, paid, hurry = Envelopes(data_keys), Paid(), threading.Event()
    counted = RunCounts(context.data.run / _SNAPSHOT)
    pseudonym = Vault(data_keys.root()).pseudonym
    triggers = open_triggers(
        context.loaded,
        context.database_url,
        clock,
        sealing=envelopes,
        pseudonym=pseudonym,
        wake=hurry.set,
        count=counted.heard,
    )
    definitions = StoredDefinitions(context.loaded.config, context.database_url, envelopes)
    spending = LedgerSpending(context.database_url, paid)
    opened = workflows_of(context.database_url, envelopes, clock, pseudonym)
    rehearsed = RehearsedRuns(
        definitions, opened, spending, clock.now_ns, settled_s=0.0 if alone else _LEDGER_S
    )
    outside = Outside(
        work=RunWork(database),
        sealing=envelopes,
        clock=clock,
        definitions=definitions,
        spending=spending,
        ended=counted.ended,
        began=counted.began,
        stepped=counted.stepped,
        queued=hurry.set,
    )
    host = RunHost(outside, build_kinds(context, clock, paid), executor)

    def keeper(engine: Engine) -> list[threading.Thread]:
        kept = RunKeeper(
            engine,
            looking,
            ExecutorBeats(database),
            executor,
            room=lambda: host.room,
            hurry=hurry,
            now_ns=clock.now_ns,
            dead_after_s=0.0 if alone else DEAD_AFTER_S,
        )
        listeners = partial(listener_for, context.loaded, pseudonym)
        listening = _runner(triggers, listeners, IdSource(clock).new)
        working = {"runs": kept.run, "triggers": listening.run, "counts": counted.run}
        return _begun(working, stop)

    busy = looking.open if context.loaded.config.workflows.stay_awake else looking.busy
    return RunningWorkflows(host, keeper, rehearsed, lambda: busy() or triggers.in_force.at_work())


def _begun(
    working: Mapping[str, Callable[[threading.Event], None]], stop: threading.Event
) -> list[threading.Thread]:
    """Begin what works until told to stop, by name, each in a thread of its own."""
    threads = [
        threading.Thread(target=one, args=(stop,), name=name, daemon=True)
        for name, one in working.items()
    ]
    for each in threads:
        each.start()
    return threads


def _runner(
    rooms: TriggerRooms, opened: Callable[[Active], Listener], new_id: Callable[[], str]
) -> TriggerRunner:
    return TriggerRunner(
        rooms.in_force,
        rooms.intake,
        rooms.schedules,
        opened,
        deliver=rooms.deliver,
        new_id=new_id,
    )


class RunCounts:
    """Counts for the metrics, safe between threads; `run` leaves them on disk each second."""

    def __init__(self, file: Path) -> None:
        self._meters = Meters(file)
        self._lock = threading.Lock()

    def run(self, stop: threading.Event) -> None:
        """Save until told to stop, then once more."""
        while not stop.wait(_SAVE_S):
            self._save()
        self._save()

    def began(self, run: RunRow) -> None:
        """Count a run that begins."""
        with self._lock:
            add(self._meters.counts.workflows.started, (run.workflow,), 1)

    def ended(self, run: RunRow, status: str) -> None:
        """Count one that ended."""
        with self._lock:
            add(self._meters.counts.workflows.ended, (run.workflow, status), 1)

    def stepped(self, steps: Sequence[StepRow]) -> None:
        """Note how long steps took that have ended."""
        with self._lock:
            for one in steps:
                if one.ended_at_ns is not None and not one.name:
                    took_us = max(0, one.ended_at_ns - one.started_at_ns) // 1_000
                    observe(self._meters.counts.workflows.steps, (one.state,), took_us)

    def heard(self, kind: str, what: str, lag_s: float | None) -> None:
        """Count an event."""
        with self._lock:
            self._meters.trigger(kind, what, lag_s)

    def _save(self) -> None:
        with self._lock:
            try:
                self._meters.save()
            except OSError as error:
                log.warning("no metrics snapshot", extra={"reason": error.strerror})
