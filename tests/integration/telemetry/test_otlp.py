"""Export to a real HTTP server that decodes OTLP's protobuf."""

import threading
import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import util

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from legato.core.config import Otlp
from legato.core.errors import ConfigInvalid
from legato.core.ids import span_id
from legato.core.records import Served
from legato.core.usage import Usage
from legato.telemetry import otlp
from legato.telemetry.otlp import TraceExporter, open_trace_exporter, traces_endpoint

REQUEST_ID = "01978f2e6b7c7d3e8a4b5c6d7e8f9a0b"
SERVED = Served(
    request_id=REQUEST_ID,
    at_ns=1_700_000_000_000_000_000,
    org="default",
    team="search",
    feature="answers",
    key_id="k1",
    surface="messages",
    model_requested="chat",
    deployment="small",
    provider="upstream",
    model_served="small-1",
    attempts=1,
    http_status=200,
    error_code="",
    stream=False,
    cache="miss",
    cost=1_000,
    total_us=1_000,
    first_byte_us=500,
    upstream_us=700,
    stages=(("route", 300), ("call", 700)),
    trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    parent_span_id="00f067aa0ba902b7",
    sampled=True,
    usage=Usage(in_uncached=10, out_text=7),
)


class Collector(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, dict[str, str], ExportTraceServiceRequest]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}"

    @property
    def spans(self) -> list[object]:
        return [
            span
            for _, _, request in self.received
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        message = ExportTraceServiceRequest.FromString(body)
        self.server.received.append((self.path, dict(self.headers.items()), message))
        self.send_response(self.server.status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_a_request_arrives_as_a_trace(collector: Collector) -> None:
    told: list[tuple[str, int]] = []
    exporter = open_trace_exporter(
        Otlp(endpoint=collector.url, sample_share=0.0),
        {"authorization": "Bearer t"},
        lambda result, requests: told.append((result, requests)),
    )
    exporter.offer(SERVED)
    assert exporter.flush(5)
    exporter.close()
    ((path, headers, message),) = collector.received
    assert path == "/v1/traces"
    assert {name.lower(): value for name, value in headers.items()}["authorization"] == "Bearer t"
    resource = {a.key: a.value.string_value for a in message.resource_spans[0].resource.attributes}
    assert resource["service.name"] == "legato"
    request, *stages, upstream = collector.spans
    assert request.trace_id.hex() == SERVED.trace_id
    assert request.parent_span_id.hex() == SERVED.parent_span_id
    assert request.span_id.hex() == span_id(REQUEST_ID, 0)
    assert request.start_time_unix_nano == SERVED.at_ns
    assert request.end_time_unix_nano == SERVED.at_ns + 1_000_000
    assert upstream.span_id.hex() == span_id(REQUEST_ID, 1)
    assert upstream.parent_span_id == stages[1].span_id
    values = {a.key: a.value for a in request.attributes}
    assert values["gen_ai.usage.output_tokens"].int_value == 7
    assert values["legato.cost_nano_usd"].int_value == 1_000
    assert values["gen_ai.operation.name"].string_value == "chat"
    assert exporter.counts == otlp.ExportCounts(exported=1)
    assert told == [("exported", 1)]


def test_only_sampled_requests_leave(collector: Collector) -> None:
    exporter = open_trace_exporter(Otlp(endpoint=collector.url, sample_share=0.25), {})
    for number in range(512):
        low = f"{number * (2**56 // 512):014x}"
        exporter.offer(msgspec.structs.replace(SERVED, sampled=False, trace_id="f" * 18 + low))
    exporter.close()
    assert exporter.counts.exported == 128


def test_a_refusing_collector_is_counted_and_costs_nothing(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = 400
    exporter = open_trace_exporter(Otlp(endpoint=collector.url), {})
    exporter.offer(SERVED)
    assert exporter.flush(5)
    exporter.close()
    assert exporter.counts == otlp.ExportCounts(failed=1)
    assert "traces not exported" in caplog.text


def test_an_absent_collector_never_blocks_and_the_queue_is_bounded() -> None:
    release = threading.Event()
    told: dict[str, int] = {}

    def send(batch: Sequence[Served]) -> bool:
        release.wait(5)
        raise ConnectionError(len(batch))

    def report(result: str, requests: int) -> None:
        told[result] = told.get(result, 0) + requests

    exporter = TraceExporter(
        send, sample_share=1.0, report=report, queue_max=10, batch_max=5, delay_s=0.01
    )
    began_s = time.perf_counter()
    for _ in range(100):
        exporter.offer(SERVED)
    assert time.perf_counter() - began_s < 4
    assert not exporter.flush(0.05)
    release.set()
    assert exporter.flush(5)
    exporter.close()
    assert exporter.counts.failed + exporter.counts.dropped == 100
    assert exporter.counts.failed in {10, 15}
    assert told == {"failed": exporter.counts.failed, "dropped": exporter.counts.dropped}


def test_what_close_cannot_send_in_time_is_counted() -> None:
    release = threading.Event()
    exporter = TraceExporter(lambda _: release.wait(5), sample_share=1.0, batch_max=1, delay_s=0.01)
    for _ in range(3):
        exporter.offer(SERVED)
    exporter.close(timeout_s=0.1)
    exporter.offer(SERVED)
    assert exporter.counts.dropped == 3
    release.set()


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(otlp, "find_spec", missing)
    with pytest.raises(ConfigInvalid, match=r"pip install 'legato\[otel\]'"):
        open_trace_exporter(Otlp(endpoint="http://127.0.0.1:4318"), {})
    assert util.find_spec("opentelemetry") is not None


@pytest.mark.parametrize(
    ("endpoint", "used"),
    [
        ("http://collector:4318", "http://collector:4318/v1/traces"),
        ("http://collector:4318/", "http://collector:4318/v1/traces"),
        ("https://vendor.example/otlp/v1/traces", "https://vendor.example/otlp/v1/traces"),
    ],
)
def test_an_endpoint_without_a_path_gets_otlps(endpoint: str, used: str) -> None:
    assert traces_endpoint(endpoint) == used
