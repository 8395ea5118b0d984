"""Traces by OTLP over HTTP: sampled, batched, and never in anybody's way.

Runs in the ledger process. `offer` only appends to a bounded queue; a thread of its own turns
requests into spans and sends them. What the collector doesn't take is counted and dropped:
the trace store keeps every request, an exported trace is a copy.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from time import monotonic
from typing import TYPE_CHECKING

import msgspec

from legato import __version__
from legato.core.config import Otlp
from legato.core.errors import ConfigInvalid
from legato.core.records import Served
from legato.telemetry.spans import Span, SpanKind, is_sampled, spans_of

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

log = logging.getLogger(__name__)

TRACES_PATH = "/v1/traces"
_QUEUE_MAX = 4096
_BATCH_MAX = 256
_DELAY_S = 2.0
_SEND_TIMEOUT_S = 10.0
_SCOPE = "legato"
_EXPORTER_MODULE = "opentelemetry.exporter.otlp.proto.http"

Send = Callable[[Sequence[Served]], bool]
"""Sends a batch, blocking; False where the collector did not take it."""


class ExportCounts(msgspec.Struct):
    """Requests by what became of their trace, since the start."""

    exported: int = 0
    failed: int = 0
    """Sent, but not taken by the collector."""
    dropped: int = 0
    """Not sent: the queue was full."""


Report = Callable[[str, int], None]
"""Takes a result (a field of `ExportCounts`) and how many more requests had it. Called after
each batch, in the exporter's thread; must not raise."""


def _nobody(_result: str, _requests: int) -> None:
    """Report to nobody."""


class TraceExporter:
    """Exports finished requests. Use it from one thread; it has another of its own."""

    def __init__(
        self,
        send: Send,
        *,
        sample_share: float,
        report: Report = _nobody,
        queue_max: int = _QUEUE_MAX,
        batch_max: int = _BATCH_MAX,
        delay_s: float = _DELAY_S,
    ) -> None:
        self.counts = ExportCounts()
        self._told = ExportCounts()
        self._send = send
        self._share = sample_share
        self._report = report
        self._queue_max, self._batch_max, self._delay_s = queue_max, batch_max, delay_s
        self._queue: deque[Served] = deque()
        self._sending = 0
        self._closing = False
        self._hurry = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="otlp", daemon=True)
        self._thread.start()

    def offer(self, served: Served) -> None:
        """Take a request if it is sampled and there is room. Never waits for the network."""
        if not is_sampled(served, self._share):
            return
        with self._changed:
            if self._closing or len(self._queue) >= self._queue_max:
                self.counts.dropped += 1
                if self.counts.dropped == 1:
                    log.warning("traces are dropped: the collector is too slow or away")
                return
            self._queue.append(served)
            if len(self._queue) >= self._batch_max:
                self._changed.notify_all()

    def flush(self, timeout_s: float = _SEND_TIMEOUT_S) -> bool:
        """Send what is queued now; tell whether the queue was empty in time."""
        with self._changed:
            self._hurry = True
            self._changed.notify_all()
            emptied = self._changed.wait_for(
                lambda: not self._queue and not self._sending, timeout_s
            )
            self._hurry = False
            return emptied

    def close(self, timeout_s: float = _SEND_TIMEOUT_S) -> None:
        """Send what can be sent in time, drop and count the rest."""
        until_s = monotonic() + timeout_s
        self.flush(timeout_s)
        with self._changed:
            self._closing = True
            self.counts.dropped += len(self._queue)
            self._queue.clear()
            self._changed.notify_all()
        self._thread.join(max(0.0, until_s - monotonic()))

    def _run(self) -> None:
        while batch := self._next_batch():
            taken = self._deliver(batch)
            with self._changed:
                if taken:
                    self.counts.exported += len(batch)
                else:
                    self.counts.failed += len(batch)
                news = self._news()
            for result, requests in news:
                self._report(result, requests)
            with self._changed:
                self._sending = 0
                self._changed.notify_all()

    def _news(self) -> list[tuple[str, int]]:
        """Return what was counted since the last time."""
        before, self._told = self._told, msgspec.structs.replace(self.counts)
        now = msgspec.structs.asdict(self.counts)
        more = {result: now[result] - getattr(before, result) for result in now}
        return [(result, requests) for result, requests in more.items() if requests]

    def _deliver(self, batch: Sequence[Served]) -> bool:
        try:
            taken = self._send(batch)
        except Exception as error:  # noqa: BLE001 - a foreign library; the ledger must go on
            log.warning("traces not exported", extra={"reason": type(error).__name__})
            return False
        if not taken:
            log.warning("traces not exported", extra={"requests": len(batch)})
        return taken

    def _next_batch(self) -> list[Served]:
        """Wait for a full batch, the delay or a flush; an empty list means the end."""
        with self._changed:
            while not self._closing:
                self._changed.wait_for(self._is_due, self._delay_s)
                if self._queue:
                    size = min(self._batch_max, len(self._queue))
                    batch = [self._queue.popleft() for _ in range(size)]
                    self._sending = size
                    return batch
            return []

    def _is_due(self) -> bool:
        full = len(self._queue) >= self._batch_max
        return self._closing or full or (self._hurry and bool(self._queue))


def open_trace_exporter(
    otlp: Otlp, headers: Mapping[str, str], report: Report = _nobody
) -> TraceExporter:
    """Start exporting to a collector; call it in the process that offers, after any fork.

    `headers` are the configured ones with their secrets resolved. An endpoint without a path
    gets OTLP's own, `/v1/traces`.

    Raises:
        ConfigInvalid: the extra `otel` is not installed.
    """
    require_extra()
    send = _sender(otlp.endpoint, headers)
    return TraceExporter(send, sample_share=otlp.sample_share, report=report)


def require_extra() -> None:
    """Check, without importing it, that what an export needs is installed.

    Raises:
        ConfigInvalid: the extra `otel` is not installed.
    """
    try:
        found = find_spec(_EXPORTER_MODULE)
    except ModuleNotFoundError:  # a package above it is missing
        found = None
    if found is None:
        msg = "telemetry.otlp needs an extra that is not installed: pip install 'legato[otel]'"
        raise ConfigInvalid(msg)


def traces_endpoint(endpoint: str) -> str:
    """Return where traces go: the endpoint as it is, or with OTLP's path where it has none."""
    bare = endpoint.rstrip("/")
    return endpoint if "/" in bare.partition("://")[2] else bare + TRACES_PATH


def _sender(endpoint: str, headers: Mapping[str, str]) -> Send:
    # The extra is optional and takes a second to import: only where it is configured.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415

    exporter = OTLPSpanExporter(
        endpoint=traces_endpoint(endpoint), headers=dict(headers), timeout=_SEND_TIMEOUT_S
    )
    convert = _converter()

    def send(batch: Sequence[Served]) -> bool:
        spans = [convert(served, span) for served in batch for span in spans_of(served)]
        return exporter.export(spans) is SpanExportResult.SUCCESS

    return send


def _converter() -> "Callable[[Served, Span], ReadableSpan]":
    """Return what turns our spans into the library's finished ones."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415
    from opentelemetry.trace import SpanKind as OtelKind  # noqa: PLC0415
    from opentelemetry.trace.status import Status, StatusCode  # noqa: PLC0415

    resource = Resource({"service.name": "legato", "service.version": __version__})
    scope = InstrumentationScope(_SCOPE, __version__)
    kinds = {
        SpanKind.SERVER: OtelKind.SERVER,
        SpanKind.CLIENT: OtelKind.CLIENT,
        SpanKind.INTERNAL: OtelKind.INTERNAL,
    }
    sampled = TraceFlags(TraceFlags.SAMPLED)

    def context(served: Served, span: str, *, remote: bool = False) -> SpanContext:
        return SpanContext(int(served.trace_id, 16), int(span, 16), remote, sampled)

    def convert(served: Served, span: Span) -> ReadableSpan:
        parent = span.parent_span_id
        from_caller = span.kind is SpanKind.SERVER
        return ReadableSpan(
            name=span.name,
            context=context(served, span.span_id),
            parent=context(served, parent, remote=from_caller) if parent else None,
            resource=resource,
            attributes=span.attributes,
            kind=kinds[span.kind],
            instrumentation_scope=scope,
            status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
            start_time=span.start_ns,
            end_time=span.end_ns,
        )

    return convert
