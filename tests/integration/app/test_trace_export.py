import msgspec
import pytest

from legato.app.processes.ledger_process import LedgerSink
from legato.app.processes.trace_export import TraceObserver
from legato.core.errors import StorageUnavailable
from legato.core.records import Served, Voided, encode_record
from legato.journal.sink import SinkUnavailable
from legato.telemetry.otlp import TraceExporter

SERVED = Served(
    "0" * 31 + "1", 0, "o", "t", "f", "k", "messages", "chat", "d", "p", "m", 1, 200, "", True,
    "miss", 5, 10, 5, 5, (("call", 4),), "1" * 32, "2" * 16, True,
)  # fmt: skip
PAYLOADS = [
    encode_record(Voided("r", 1, "never sent")),
    encode_record(SERVED),
    b"\xc1 not a record",
    msgspec.msgpack.encode(["unknown", 1]),
    encode_record(msgspec.structs.replace(SERVED, request_id="0" * 31 + "2")),
]


class Ledger:
    """Commits, or is away: what the sink does with either is the point here."""

    def __init__(self, *, away: bool) -> None:
        self._away = away

    def commit(self, *_: object) -> None:
        if self._away:
            raise StorageUnavailable("away")


@pytest.mark.parametrize(("away", "expected"), [(False, ["1", "2"]), (True, [])])
def test_only_committed_requests_are_offered(*, away: bool, expected: list[str]) -> None:
    sent: list[str] = []

    def send(batch: list[Served]) -> bool:
        sent.extend(served.request_id[-1] for served in batch)
        return True

    observer = TraceObserver(TraceExporter(send, sample_share=0.0))
    sink = LedgerSink(Ledger(away=away), observer)
    try:
        sink.commit("s", 1, PAYLOADS)
    except SinkUnavailable:
        assert away
    observer.close()
    assert sent == expected
