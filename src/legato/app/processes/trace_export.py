"""Hands committed requests to the trace exporter: runs in the ledger process."""

import logging
from collections.abc import Sequence

import msgspec

from legato.app.context import ProcessContext
from legato.core.records import decode_served, is_served
from legato.telemetry.metrics import Meters
from legato.telemetry.otlp import TraceExporter, open_trace_exporter

log = logging.getLogger(__name__)

SNAPSHOT = "metrics-ledger.bin"


class TraceObserver:
    """Sees what the ledger has committed; a replayed journal shows a request twice at worst."""

    def __init__(self, exporter: TraceExporter) -> None:
        self._exporter = exporter

    def committed(self, payloads: Sequence[bytes]) -> None:
        """Offer the finished requests among a commit's records."""
        for payload in payloads:
            if not is_served(payload):
                continue
            try:
                self._exporter.offer(decode_served(payload))
            except msgspec.DecodeError:
                continue  # reading the trace store tells of it

    def close(self) -> None:
        """Send what is left, for a bounded time."""
        self._exporter.close()


def trace_observer(context: ProcessContext) -> TraceObserver | None:
    """Start the export that the configuration asks for, None where it asks for none.

    Raises:
        ConfigInvalid: the extra `otel` is not installed.
    """
    loaded = context.loaded
    otlp = loaded.config.telemetry.otlp
    if otlp is None:
        return None
    headers = {name: loaded.secret(reference) or "" for name, reference in otlp.headers.items()}
    meters = Meters(context.data.run / SNAPSHOT)

    def report(result: str, requests: int) -> None:
        meters.traces(result, requests)
        try:
            meters.save()
        except OSError as error:
            log.warning("no metrics snapshot", extra={"reason": error.strerror})

    return TraceObserver(open_trace_exporter(otlp, headers, report))
