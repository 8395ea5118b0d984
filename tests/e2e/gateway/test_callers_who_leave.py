"""Callers that vanish in each window, and callers that read slowly."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from running import CALLER, CHAT, RunningLegato, within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

CONFIG = """\
config_version: 1
storage: {ledger_poll_s: 0.1}
cache: {enabled: false}
retry: {attempts_max: 2, backoff_base_s: 30, backoff_max_s: 30}
breaker: {failures: 62, failure_share: 1.0, window_calls: 62}
providers:
  - {name: open, kind: openai_compatible, base_url: "UPSTREAM/v1"}
  - {name: other, kind: anthropic, base_url: "UPSTREAM", api_key: {env: CALLER_KEY}}
  - {name: narrow, kind: openai_compatible, base_url: "UPSTREAM/v1", connections_max: 1}
deployments:
  - {name: queued, provider: narrow, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: small, provider: open, model: m, price: {input_per_mtok: "1", output_per_mtok: "2"}}
  - {name: claude, provider: other, model: m, price: {input_per_mtok: "3", output_per_mtok: "15"}}
keys:
  - {name: ci, team: platform, feature: tests, secret: {env: CALLER_KEY}}
"""
AT_ONCE_S = 1.0
EACH = pytest.mark.parametrize("model", ["small", "claude"])


@contextlib.contextmanager
def asked(
    legato: RunningLegato, *, received_bytes_max: int | None = None, **fields: Any
) -> Iterator[socket.socket]:
    """Send a chat request by hand and hold the line."""
    body = json.dumps({"messages": [{"role": "user", "content": "hi"}], **fields}).encode()
    parts = urlsplit(legato.url)
    with socket.socket() as line:
        if received_bytes_max is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, received_bytes_max)
        line.settimeout(30)
        line.connect((parts.hostname, parts.port))
        head = (
            f"POST {CHAT} HTTP/1.1\r\nhost: {parts.netloc}\r\nauthorization: Bearer {CALLER}\r\n"
            f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        line.sendall(head.encode() + body)
        yield line


def in_flight(upstream: SimulatedChild) -> int:
    count: int = upstream.counts()["in_flight"]
    return count


def only_trace(legato: RunningLegato, after: int) -> dict[str, Any]:
    """The trace of the one request that came since there were so many."""
    assert within(10, lambda: traces(legato) > after)
    return legato.traces()[-1]


def traces(legato: RunningLegato) -> int:
    return len(legato.traces())


@pytest.fixture
def before(legato: RunningLegato) -> int:
    time.sleep(0.6)  # what earlier tests left in the journal
    return traces(legato)


@EACH
@pytest.mark.parametrize("stream", [False, True])
def test_gone_before_the_first_byte(
    legato: RunningLegato, upstream: SimulatedChild, before: int, model: str, *, stream: bool
) -> None:
    upstream.change(latency_ms=20_000)
    with asked(legato, model=model, stream=stream):
        assert within(5, lambda: in_flight(upstream) == 1)
    assert within(AT_ONCE_S, lambda: in_flight(upstream) == 0)
    (call,) = upstream.calls(1)
    assert call.outcome == "client_gone"
    trace = only_trace(legato, before)
    assert (trace["http_status"], trace["error_code"]) == (499, "cancelled")
    (entry,) = legato.entries(trace["request_id"])
    assert (entry["usage_source"], entry["status"]) == ("unknown", "cancelled")
    assert entry["cost"] > 0  # never less than the provider may bill


def test_gone_before_there_was_a_connection_costs_nothing(
    legato: RunningLegato, upstream: SimulatedChild, before: int
) -> None:
    upstream.change(latency_ms=20_000)
    with asked(legato, model="queued"):
        assert within(5, lambda: in_flight(upstream) == 1)
        with asked(legato, model="queued"):
            time.sleep(0.3)
        trace = only_trace(legato, before)
        assert (trace["http_status"], trace["error_code"]) == (499, "cancelled")
        voided = legato.query(
            "SELECT attempt FROM voided_attempt WHERE request_id = ?", trace["request_id"]
        )
        assert [row["attempt"] for row in voided] == [1]
        assert upstream.counts()["arrived"] == 1
    assert within(5, lambda: in_flight(upstream) == 0)


@EACH
def test_gone_between_head_and_first_content(
    legato: RunningLegato, upstream: SimulatedChild, before: int, model: str
) -> None:
    upstream.change(stall_rate=1.0, stall_where="mid_stream", stall_after_events=1)
    with asked(legato, model=model, stream=True) as line:
        assert within(5, lambda: in_flight(upstream) == 1)
        time.sleep(0.2)
        line.setblocking(False)
        with pytest.raises(BlockingIOError):  # nothing goes out before content
            line.recv(1)
    assert within(AT_ONCE_S, lambda: in_flight(upstream) == 0)
    (entry,) = legato.entries(only_trace(legato, before)["request_id"])
    assert (entry["usage_source"], entry["status"]) == ("partial", "cancelled")


@EACH
def test_gone_in_mid_stream(
    legato: RunningLegato, upstream: SimulatedChild, before: int, model: str
) -> None:
    upstream.change(itl_ms=20, output_tokens=1000)
    with asked(legato, model=model, stream=True) as line:
        received = b""
        while received.count(b"data: ") < 10:
            received += line.recv(65536)
    assert within(AT_ONCE_S, lambda: in_flight(upstream) == 0)
    (call,) = upstream.calls(1)
    assert call.outcome == "client_gone"
    assert 8 <= call.usage.completion < 120
    (entry,) = legato.entries(only_trace(legato, before)["request_id"])
    assert (entry["usage_source"], entry["status"]) == ("partial", "cancelled")
    assert 0 < entry["out_text"] <= 3 * call.usage.completion
    assert entry["in_uncached"] > 0


@EACH
def test_gone_as_soon_as_the_answer_is_read(
    legato: RunningLegato, upstream: SimulatedChild, before: int, model: str
) -> None:
    """As OpenAI's own SDK does: it hangs up at [DONE], the end of the body still to come."""
    upstream.change(output_tokens=5)
    with asked(legato, model=model, stream=True) as line:
        read_to_done(line)
    (call,) = upstream.calls(1)
    upstream.change(stall_rate=1.0, stall_where="mid_stream", stall_after_events=call.events)
    upstream.change(stall_s=0.5)
    assert within(5, lambda: traces(legato) == before + 1)
    with asked(legato, model=model, stream=True) as line:
        read_to_done(line)
    trace = only_trace(legato, before + 1)
    assert (trace["http_status"], trace["error_code"]) == (200, "")
    (entry,) = legato.entries(trace["request_id"])
    assert (entry["kind"], entry["usage_source"], entry["status"]) == ("usage", "provider", "ok")


def read_to_done(line: socket.socket) -> None:
    received = b""
    while b"data: [DONE]" not in received:
        part = line.recv(65536)
        assert part
        received += part


def test_gone_in_the_middle_of_a_whole_answer(
    legato: RunningLegato, upstream: SimulatedChild, before: int
) -> None:
    upstream.change(stall_rate=1.0, stall_where="mid_stream")
    with asked(legato, model="small"):
        assert within(5, lambda: in_flight(upstream) == 1)
        time.sleep(0.2)
    assert within(AT_ONCE_S, lambda: in_flight(upstream) == 0)
    (entry,) = legato.entries(only_trace(legato, before)["request_id"])
    assert entry["usage_source"] == "unknown"


def test_gone_while_waiting_to_retry(
    legato: RunningLegato, upstream: SimulatedChild, before: int
) -> None:
    upstream.change(rate429=1.0, retry_after_s=20)
    with asked(legato, model="small"):
        assert within(5, lambda: upstream.counts()["by_status"].get("429"))
        time.sleep(0.1)
    trace = only_trace(legato, before)
    assert (trace["error_code"], trace["attempts"]) == ("cancelled", 1)
    (entry,) = legato.entries(trace["request_id"])
    assert entry["cost"] == 0
    assert upstream.counts()["arrived"] == 1


def test_gone_while_sending_the_body(legato: RunningLegato, upstream: SimulatedChild) -> None:
    parts = urlsplit(legato.url)
    with socket.create_connection((parts.hostname, parts.port)) as line:
        head = f"POST {CHAT} HTTP/1.1\r\nhost: h\r\ncontent-length: 99\r\n"
        head += f"authorization: Bearer {CALLER}\r\n"
        line.sendall(head.encode() + b'\r\n{"model":')
        time.sleep(0.1)
    assert legato.chat("small").status == 200
    assert upstream.counts()["arrived"] == 1


def test_a_slow_reader_holds_the_provider_back_and_gets_everything(
    legato: RunningLegato, upstream: SimulatedChild
) -> None:
    upstream.change(output_tokens=60_000)
    worker = legato.children()[1]
    with asked(legato, model="small", stream=True, received_bytes_max=4096) as line:
        time.sleep(2)
        before_kib = resident_kib(worker)
        time.sleep(1)
        assert in_flight(upstream) == 1  # it could have sent all of it long ago
        assert resident_kib(worker) - before_kib < 4096
        assert legato.chat("small", max_tokens=5).status == 200  # others are served meanwhile
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        size, tail = 0, b""
        while not tail.endswith(b"0\r\n\r\n"):
            part = line.recv(1 << 20)
            assert part
            size += len(part)
            tail = (tail + part)[-200:]
    assert b"data: [DONE]" in tail
    assert size > 8_000_000
    slow, _ = upstream.calls(2)
    assert (slow.outcome, slow.usage.completion) == ("ok", 60_000)


def resident_kib(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123 - not a file
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
