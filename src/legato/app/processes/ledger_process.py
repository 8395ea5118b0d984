"""The ledger process: takes the journal into the database, forgets what had its time."""

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

from legato.app.context import LedgerContext, ProcessContext
from legato.app.leasing import feed_thread, ledger_feed
from legato.app.price_changes import watch_prices
from legato.app.processes.anomaly_watching import run_spend_watch
from legato.app.processes.audit_export import run_exporter
from legato.app.processes.capture_moving import CaptureMover
from legato.app.processes.forgetting import run_forgetting
from legato.app.processes.notifying import run_notifying
from legato.app.processes.objective_watching import run_objective_watch
from legato.app.processes.report_running import run_reports
from legato.app.processes.rolling_up import RollingUp
from legato.app.processes.rollout_watching import rollout_watch
from legato.app.processes.sealing import Sealer
from legato.app.processes.tombstone_writing import write_tombstones
from legato.app.processes.trace_export import TraceObserver, trace_observer
from legato.app.processes.trigger_watching import run_trigger_watch
from legato.core.clock import SystemClock
from legato.core.errors import StorageUnavailable
from legato.core.tenant import EVERY_TENANT
from legato.journal.drain import IngestLimits
from legato.journal.ingester import Ingester, IngesterOptions
from legato.journal.quarantine import JournalAlarm
from legato.journal.sink import SinkUnavailable
from legato.registry.rollout_watch import RolloutWatch
from legato.storage.audit.segments import Segments
from legato.storage.kept.captures import CaptureStore
from legato.storage.kept.response_spool import ResponseSpool
from legato.storage.kept.responses import ResponseStore
from legato.storage.ledger.ledger import Ledger
from legato.storage.limits.budget_events import BudgetEventStore
from legato.storage.rollups.guard_rolling import GuardRoller
from legato.storage.rollups.rolling import Roller
from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

_DRAIN_PASSES_MAX = 10_000
_AUDIT_SNAPSHOT = "metrics-audit.bin"
_SPOOL_EVERY_S = 0.2
_WATCH_EVERY_S = 2.0
_WATCH_SHARE = 20
"""So many times as long as it took does a look at rollouts wait for the next."""
_LIMITS = IngestLimits(batch_frames=1_500, batch_bytes=2 << 20)
"""A commit costs about as much as 100 rows, so fewer and larger ones halve the cost per row."""
Result = TypeVar("Result")


class LedgerSink:
    """The storage's ledger as the journal's sink."""

    def __init__(self, ledger: Ledger, traces: TraceObserver | None = None) -> None:
        self._ledger = ledger
        self._traces = traces

    def offsets(self) -> dict[str, int]:
        """Return the committed offset of each segment."""
        return _told(self._ledger.offsets)

    def commit(self, segment: str, offset: int, payloads: list[bytes]) -> None:
        """Store rows and offset together."""
        _told(lambda: self._ledger.commit(segment, offset, payloads))
        if self._traces is not None:
            self._traces.committed(payloads)

    def writer_finished(self, writer: str) -> None:
        """Close a dead writer's orphans and return its leases."""
        _told(lambda: self._ledger.writer_finished(writer))

    def forget_segment(self, segment: str) -> None:
        """Drop the offset of a deleted segment."""
        _told(lambda: self._ledger.forget_segment(segment))


def _told(work: Callable[[], Result]) -> Result:
    try:
        return work()
    except StorageUnavailable as error:
        raise SinkUnavailable(error.message) from error


def run(context: LedgerContext) -> None:
    """Ingest until told to stop, then once more until nothing is left."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    engine = context.engine
    traces = trace_observer(context)
    gc.freeze()  # what a batch leaves behind is in no circle: don't look through all of the program
    config, feed = context.loaded.config, ledger_feed(context.loaded, engine)
    poll_s = config.storage.ledger_poll_s
    ingester = Ingester(
        context.data.journal,
        LedgerSink(Ledger(engine, SystemClock(), feed=feed), traces),
        _alarm,
        IngesterOptions(poll_s=poll_s, limits=_LIMITS),
    )
    pruner = threading.Thread(target=run_forgetting, args=(context, stop))
    pruner.start()
    store = ResponseStore(engine)
    spool = ResponseSpool(context.data.responses, durable=False)
    mover = threading.Thread(target=_keep_responses, args=(spool, store, stop))
    mover.start()
    captures = CaptureMover(context.data.captures, CaptureStore(engine))
    carrier = threading.Thread(target=captures.run, args=(stop,))
    carrier.start()
    watcher = threading.Thread(target=_watch_rollouts, args=(rollout_watch(context), stop))
    watcher.start()
    sealer, auditing = _auditing(context, stop)
    watchers = [watcher, _rolling(context, stop), *auditing]
    if feed is not None:
        watchers.append(feed_thread(feed, stop))
        watchers[-1].start()
    watchers += _looking(context, stop)
    ingester.run(stop)
    for each in watchers:
        each.join()
    pruner.join()
    mover.join()
    carrier.join()
    _drain(ingester)
    sealer.seal()
    _drain_responses(spool, store)
    ingester.close()
    if traces is not None:
        traces.close()


def _looking(context: LedgerContext, stop: threading.Event) -> list[threading.Thread]:
    """Start what looks around, where the configuration asks for it."""
    config = context.loaded.config
    wanted = (
        (config.anomalies.enabled, run_spend_watch),
        (config.objectives.enabled, run_objective_watch),
        (bool(config.notifications.channels), run_notifying),
        (bool(config.notifications.channels), run_reports),
        (config.proposals.price_changes, watch_prices),
        (context.wake_fd >= 0, run_trigger_watch),
    )
    threads = [
        threading.Thread(target=work, args=(context, stop)) for asked, work in wanted if asked
    ]
    for each in threads:
        each.start()
    return threads


def _auditing(
    context: ProcessContext, stop: threading.Event
) -> tuple[Sealer, list[threading.Thread]]:
    """Start what seals into the audit log, and what copies it."""
    meters = Meters(context.data.run / _AUDIT_SNAPSHOT)
    engine = context.engine
    segments = Segments(engine, meters.audit_append)
    budgets = BudgetEventStore(engine, EVERY_TENANT)
    sealer = Sealer(segments, context.loaded.config.audit.seal_every_s, meters, budgets)
    threads = [
        threading.Thread(target=sealer.run, args=(stop,)),
        threading.Thread(target=run_exporter, args=(context, meters, stop)),
        threading.Thread(target=write_tombstones, args=(context, stop)),
    ]
    for each in threads:
        each.start()
    return sealer, threads


def _rolling(context: ProcessContext, stop: threading.Event) -> threading.Thread:
    """Start what keeps the sums by hour and day."""
    engine = context.engine
    rolling = RollingUp(Roller(engine), GuardRoller(engine), SystemClock())
    thread = threading.Thread(target=rolling.run, args=(stop,))
    thread.start()
    return thread


def _drain(ingester: Ingester) -> None:
    """Take in what the last workers left; an absent database leaves it for the next start."""
    try:
        for _ in range(_DRAIN_PASSES_MAX):
            if not ingester.run_once().has_more:
                return
    except SinkUnavailable as error:
        log.warning("journal left for the next start", extra={"reason": str(error)})


def _keep_responses(spool: ResponseSpool, store: ResponseStore, stop: threading.Event) -> None:
    """Hand responses over to the database as they come."""
    away = False
    while not stop.wait(_SPOOL_EVERY_S):
        try:
            spool.drain(store)
            away = False
        except (StorageUnavailable, OSError) as error:
            if not away:
                log.warning("kept responses wait for the database", extra={"reason": str(error)})
            away = True


def _drain_responses(spool: ResponseSpool, store: ResponseStore) -> None:
    """Hand over what the last workers left; an absent database leaves it for the next start."""
    try:
        spool.drain(store)
    except (StorageUnavailable, OSError) as error:
        log.warning("kept responses left for the next start", extra={"reason": str(error)})


def _alarm(alarm: JournalAlarm) -> None:
    log.error("journal damaged, the bad part is kept in quarantine", extra={"alarm": str(alarm)})


def _watch_rollouts(watch: RolloutWatch, stop: threading.Event) -> None:
    """Take rollouts on; the more there is to read, the more seldom."""
    wait_s, away = _WATCH_EVERY_S, False
    while not stop.wait(wait_s):
        began = time.monotonic()
        try:
            watch.look()
            away = False
        except StorageUnavailable as error:
            if not away:
                log.warning("rollouts wait for the database", extra={"reason": error.message})
            away = True
        except Exception:  # a defect must not end the watch: nothing would be rolled back
            log.exception("rollouts can't be judged")
        wait_s = max(_WATCH_EVERY_S, _WATCH_SHARE * (time.monotonic() - began))
