"""The ledger process: takes the journal into the database, forgets what had its time."""

import gc
import logging
import signal
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from types import FrameType
from typing import TypeVar

from legato.app.context import ProcessContext
from legato.app.leasing import feed_thread, ledger_feed
from legato.app.price_changes import watch_prices
from legato.app.processes.audit_export import run_exporter
from legato.app.processes.capture_moving import CaptureMover
from legato.app.processes.rollout_watching import rollout_watch
from legato.app.processes.sealing import Sealer
from legato.app.processes.trace_export import TraceObserver, trace_observer
from legato.core.clock import SystemClock
from legato.core.errors import StorageUnavailable
from legato.journal.drain import IngestLimits
from legato.journal.ingester import Ingester, IngesterOptions
from legato.journal.quarantine import JournalAlarm
from legato.journal.sink import SinkUnavailable
from legato.registry.rollout_watch import RolloutWatch
from legato.storage.audit.segments import Segments
from legato.storage.database.engine import open_engine
from legato.storage.evaluation.datasets import prune_traffic_datasets
from legato.storage.evaluation.evaluations import prune_evaluations
from legato.storage.evaluation.feedback import prune_feedback
from legato.storage.evaluation.live_scores import prune_live_scores
from legato.storage.evaluation.reviews import prune_reviews
from legato.storage.kept.captures import CaptureStore, prune_captures
from legato.storage.kept.guard_samples import prune_guard_samples
from legato.storage.kept.kept_maps import prune_kept_maps
from legato.storage.kept.response_spool import ResponseSpool
from legato.storage.kept.responses import ResponseStore
from legato.storage.ledger.ledger import Ledger
from legato.storage.registry.comparisons import prune_comparisons
from legato.storage.registry.rollout_outcomes import prune_outcomes
from legato.storage.retention import prune_traces
from legato.telemetry.metrics import Meters

log = logging.getLogger(__name__)

_DRAIN_PASSES_MAX = 10_000
_AUDIT_SNAPSHOT = "metrics-audit.bin"
_NS_PER_HOUR = 3_600_000_000_000
_NS_PER_DAY = 24 * _NS_PER_HOUR
_PRUNE_EVERY_S = 60.0
_SPOOL_EVERY_S = 0.2
_WATCH_EVERY_S = 2.0
_WATCH_SHARE = 20
"""So many times as long as it took does a look at rollouts wait for the next."""
_LIMITS = IngestLimits(batch_frames=1_500, batch_bytes=2 << 20)
"""A commit costs about as much as 100 rows, so fewer and larger ones halve the cost per row."""
Result = TypeVar("Result")
Forgetting = tuple[Callable[[int], int], int]
"""Deletes what is older than a time (ns); after how many days that is."""


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


def run(context: ProcessContext) -> None:
    """Ingest until told to stop, then once more until nothing is left."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    engine = open_engine(context.database_url)
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
    pruner = threading.Thread(target=_prune, args=(_forgetting(context), stop))
    pruner.start()
    store = ResponseStore(engine)
    spool = ResponseSpool(context.data.responses, durable=False)
    mover = threading.Thread(target=_keep_responses, args=(context, spool, store, stop))
    mover.start()
    captures = CaptureMover(context.data.captures, CaptureStore(engine))
    carrier = threading.Thread(target=captures.run, args=(stop,))
    carrier.start()
    watcher = threading.Thread(target=_watch_rollouts, args=(rollout_watch(context), stop))
    watcher.start()
    sealer, auditing = _auditing(context, stop)
    watchers = [watcher, *auditing]
    if feed is not None:
        watchers.append(feed_thread(feed, stop))
        watchers[-1].start()
    if config.proposals.price_changes:
        watchers.append(threading.Thread(target=watch_prices, args=(context, stop)))
        watchers[-1].start()
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


def _forgetting(context: ProcessContext) -> dict[str, Forgetting]:
    """Return what is deleted when it had its time."""
    engine, config = open_engine(context.database_url), context.loaded.config
    traces_days = config.telemetry.trace_retention_days
    forgetting: dict[str, Forgetting] = {
        "traces": (_by_the_hour(partial(prune_traces, engine)), traces_days),
        "outcomes": (partial(prune_outcomes, engine), traces_days),
        "feedback": (partial(prune_feedback, engine), config.feedback.retention_days),
        "captures": (partial(prune_captures, engine), 0),  # each row says until when it is kept
        "guard samples": (partial(prune_guard_samples, engine), 0),
        "redaction maps": (partial(prune_kept_maps, engine), 0),
        "live scores": (partial(prune_live_scores, engine), config.feedback.retention_days),
        "comparisons": (partial(prune_comparisons, engine), config.feedback.retention_days),
        "reviews": (partial(prune_reviews, engine), config.reviews.retention_days),
        "evaluations": (partial(prune_evaluations, engine), config.evaluation.retention_days),
    }
    if (traffic_days := config.evaluation.traffic_dataset_retention_days) is not None:
        forgetting["data sets"] = (partial(prune_traffic_datasets, engine), traffic_days)
    return forgetting


def _auditing(
    context: ProcessContext, stop: threading.Event
) -> tuple[Sealer, list[threading.Thread]]:
    """Start what seals into the audit log, and what copies it."""
    meters = Meters(context.data.run / _AUDIT_SNAPSHOT)
    segments = Segments(open_engine(context.database_url), meters.audit_append)
    sealer = Sealer(segments, context.loaded.config.audit.seal_every_s, meters)
    threads = [
        threading.Thread(target=sealer.run, args=(stop,)),
        threading.Thread(target=run_exporter, args=(context, meters, stop)),
    ]
    for each in threads:
        each.start()
    return sealer, threads


def _by_the_hour(prune: Callable[[int], int]) -> Callable[[int], int]:
    """Forget up to whole hours: the audit log says each time what may be missing from then on."""
    return lambda before_ns: prune(before_ns - before_ns % _NS_PER_HOUR)


def _drain(ingester: Ingester) -> None:
    """Take in what the last workers left; an absent database leaves it for the next start."""
    try:
        for _ in range(_DRAIN_PASSES_MAX):
            if not ingester.run_once().has_more:
                return
    except SinkUnavailable as error:
        log.warning("journal left for the next start", extra={"reason": str(error)})


def _keep_responses(
    context: ProcessContext, spool: ResponseSpool, store: ResponseStore, stop: threading.Event
) -> None:
    """Hand responses over to the database as they come, and forget them when it is time."""
    keep_ns = context.loaded.config.responses.retention_days * _NS_PER_DAY
    clock = SystemClock()
    pruned_ns, away = clock.now_ns(), False
    while not stop.wait(_SPOOL_EVERY_S):
        try:
            spool.drain(store)
            if clock.now_ns() - pruned_ns > _PRUNE_EVERY_S * 1e9:
                pruned_ns = clock.now_ns()
                store.prune(pruned_ns - keep_ns)
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


def _prune(forgetting: Mapping[str, Forgetting], stop: threading.Event) -> None:
    """Keep what has a retention within it, a small transaction at a time."""
    clock = SystemClock()
    while not stop.wait(_PRUNE_EVERY_S):
        for what, (prune, keep_days) in forgetting.items():
            try:
                prune(clock.now_ns() - keep_days * _NS_PER_DAY)
            except StorageUnavailable as error:
                left = {"what": what, "reason": error.message}
                log.warning("what had its time stays for now", extra=left)
