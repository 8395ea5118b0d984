"""Wires the capture of requests in a worker: a queue, a thread that seals, a spool on disk."""

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec

from legato.app.context import WorkerContext
from legato.app.models.vaults import open_data_keys
from legato.core.captured import CapturedContent, encode_content, sealing_context
from legato.core.clock import Clock, SystemClock
from legato.core.errors import LegatoError
from legato.gateway.capture import CaptureStage, Offer
from legato.storage.data_keys import DataKeyTable
from legato.storage.kept.capture_spool import CaptureSpool
from legato.storage.kept.captures import SealedCapture
from legato.telemetry.metrics import Meters
from legato.vault.envelope import Envelopes

log = logging.getLogger(__name__)

_MIB: Final = 1024 * 1024
_WRITE_EVERY_S: Final = 0.2
_BATCH_BYTES: Final = 4 * _MIB
_encode = msgspec.json.Encoder().encode
Seal = Callable[[str, bytes, bytes], bytes]


class CaptureQueue:
    """What waits to be sealed and written, in bounds; a thread of its own takes it away."""

    def __init__(
        self, seal: Seal, spool: CaptureSpool, meters: Meters, clock: Clock, *, bytes_max: int
    ) -> None:
        self._seal = seal
        self._spool = spool
        self._meters = meters
        self._now_ns = clock.now_ns
        self._bytes_max = bytes_max
        self._waiting: deque[Offer] = deque()
        # each is written by one thread alone: what waits is their difference
        self._offered_bytes = 0
        self._taken_bytes = 0
        self._stop = threading.Event()
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="captures", daemon=True)
        self._thread.start()

    def offer(self, offer: Offer) -> None:
        """Take it, or drop and count it; never waits."""
        size = offer.size
        if self._offered_bytes - self._taken_bytes + size > self._bytes_max:
            self._meters.captures("dropped_behind", 1)
            return
        self._offered_bytes += size
        self._waiting.append(offer)

    def close(self) -> None:
        """Write what waits, then end. Blocking."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_WRITE_EVERY_S):
            self._write_all()
        self._write_all()

    def _write_all(self) -> None:
        while self._waiting:
            batch: list[Offer] = []
            size = 0
            while self._waiting and size < _BATCH_BYTES:
                batch.append(self._waiting.popleft())
                size += batch[-1].size
            try:
                self._spool.write([self._sealed(one) for one in batch], self._now_ns())
                self._meters.captures("kept", len(batch))
                self._failing = False
            except (LegatoError, OSError) as error:
                self._meters.captures("dropped_unwritten", len(batch))
                self._tell(error)
            except Exception:  # a defect must not end the thread: nothing would be kept any more
                self._meters.captures("dropped_unwritten", len(batch))
                log.exception("captures are lost")
            self._taken_bytes += size

    def _sealed(self, offer: Offer) -> SealedCapture:
        if offer.labelling is not None:
            from legato.guardrails.scanning import (  # noqa: PLC0415 - where labels are kept only
                structured,
            )

            offer = offer.labelled(structured().find)
        rendered = b"" if offer.rendered is None else _encode(offer.rendered)
        content = encode_content(
            CapturedContent(
                offer.request, rendered, offer.answer, offer.frames, complete=offer.complete
            )
        )
        head = offer.head
        sealed = self._seal(head.org, content, sealing_context(head.request_id))
        return SealedCapture(head, len(content), sealed)

    def _tell(self, error: LegatoError | OSError) -> None:
        if not self._failing:
            reason = error.code if isinstance(error, LegatoError) else error.strerror or str(error)
            log.warning("captures are dropped", extra={"reason": reason})
        self._failing = True


def capture_queue(context: WorkerContext, meters: Meters) -> CaptureQueue | None:
    """Return what captures go to; None where no rule keeps any."""
    config = context.loaded.config.capture
    if not any(rule.payloads == "full" and rule.share for rule in config.rules):
        return None
    engine = context.engine
    envelopes = Envelopes(open_data_keys(context.loaded, context.data, DataKeyTable(engine)))
    spool = CaptureSpool(
        context.data.captures, context.writer_id, bytes_max=config.spool_mib * _MIB
    )
    return CaptureQueue(
        envelopes.seal, spool, meters, SystemClock(), bytes_max=config.waiting_mib * _MIB
    )


def capture_stage(context: WorkerContext, queue: CaptureQueue | None) -> CaptureStage | None:
    """Return the pipeline's part; None where nothing is captured."""
    if queue is None:
        return None
    config = context.loaded.config.capture
    return CaptureStage(config.rules, config.bytes_max, queue)
