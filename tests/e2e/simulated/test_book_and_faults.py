import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

import pytest

from legato.providers.simulated.book import read_book
from legato.providers.simulated.child import SimulatedChild
from legato.providers.simulated.launch import launch_command
from legato.providers.simulated.server import SimulatedServer
from legato.providers.simulated.settings import SimulatedSettings

ASK = {"model": "m", "messages": [{"role": "user", "content": "Hello there."}]}
PATH = "/v1/chat/completions"


@pytest.fixture
def connection(child: SimulatedChild) -> Iterator[HTTPConnection]:
    connection = HTTPConnection("127.0.0.1", child.port, timeout=10)
    yield connection
    connection.close()


def send(connection: HTTPConnection, steering: dict[str, str], **fields: Any) -> HTTPResponse:
    headers = {f"x-simulated-{name}": value for name, value in steering.items()}
    connection.request("POST", PATH, json.dumps(ASK | fields), headers)
    return connection.getresponse()


@pytest.mark.parametrize("style", ["reset", "close"])
def test_a_broken_stream_bills_what_was_sent(
    child: SimulatedChild, connection: HTTPConnection, style: str
) -> None:
    steering = {"cut-after": "4", "cut-style": style, "output-tokens": "50"}
    answer = send(connection, steering, stream=True)
    received = [answer.readline() for _ in range(8)]
    assert sum(line.startswith(b"data: ") for line in received) == 4
    with pytest.raises((HTTPException, ConnectionResetError)):
        answer.read()
    call = child.calls(1)[0]
    assert (call.outcome, call.status, call.events) == ("cut", 200, 4)
    assert call.usage.completion == 3  # the first event carries the role
    assert call.usage.prompt > 0


@pytest.mark.parametrize("style", ["eof", "error_event"])
def test_a_stream_that_ends_early_but_cleanly_has_no_done(
    child: SimulatedChild, connection: HTTPConnection, style: str
) -> None:
    received = send(connection, {"cut-after": "4", "cut-style": style}, stream=True).read()
    assert b"[DONE]" not in received
    assert (b'"error"' in received) == (style == "error_event")
    assert child.calls(1)[0].outcome == "cut"
    assert send(connection, {}).status == 200  # the connection lives on


def test_a_whole_answer_cut_in_its_body_is_billed_whole(
    child: SimulatedChild, connection: HTTPConnection
) -> None:
    answer = send(connection, {"cut-after": "0", "output-tokens": "20"})
    with pytest.raises((HTTPException, ConnectionResetError)):
        answer.read()
    call = child.calls(1)[0]
    assert (call.outcome, call.usage.completion) == ("cut", 20)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("shape", ["html", "invalid_json"])
def test_garbage(
    child: SimulatedChild, connection: HTTPConnection, shape: str, *, stream: bool
) -> None:
    answer = send(connection, {"garbage": shape}, stream=stream)
    body = answer.read()
    assert answer.status == 200
    with pytest.raises(ValueError, match=r"."):
        json.loads(body)
    call = child.calls(1)[0]
    assert (call.outcome, call.usage.prompt) == ("error", 0)


def test_wrong_usage_is_reported_but_not_billed(
    child: SimulatedChild, connection: HTTPConnection
) -> None:
    answer = send(connection, {"wrong-usage": "inflated", "output-tokens": "6"})
    assert json.loads(answer.read())["usage"]["completion_tokens"] == 60
    assert child.calls(1)[0].usage.completion == 6


def test_a_client_gone_before_the_first_byte_is_billed_nothing(child: SimulatedChild) -> None:
    connection = HTTPConnection("127.0.0.1", child.port)
    connection.request("POST", PATH, json.dumps(ASK), {"x-simulated-latency-ms": "60000"})
    while child.counts()["in_flight"] == 0:
        time.sleep(0.01)
    connection.close()
    call = child.calls(1)[0]
    assert (call.outcome, call.usage.prompt, call.events) == ("client_gone", 0, 0)


def test_a_client_gone_in_mid_stream_is_billed_what_it_got(
    child: SimulatedChild, connection: HTTPConnection
) -> None:
    answer = send(connection, {"itl-ms": "60000"}, stream=True)
    answer.readline()
    answer.close()
    connection.close()
    call = child.calls(1)[0]
    assert (call.outcome, call.events, call.usage.completion) == ("client_gone", 2, 1)
    assert call.usage.prompt > 0


@pytest.mark.parametrize("where", ["first_byte", "mid_stream"])
@pytest.mark.parametrize("stream", [False, True])
def test_stalls(
    child: SimulatedChild, connection: HTTPConnection, where: str, *, stream: bool
) -> None:
    began = time.monotonic()
    answer = send(connection, {"stall-s": "0.3", "stall-where": where}, stream=stream)
    to_first_byte = time.monotonic() - began
    answer.read()
    assert 0.3 <= time.monotonic() - began < 2
    assert (to_first_byte > 0.25) == (where == "first_byte")
    assert child.calls(1)[0].outcome == "ok"


def test_latency_and_token_rate(connection: HTTPConnection) -> None:
    steering = {"latency-ms": "100", "tokens-per-s": "50", "output-tokens": "10"}
    for stream in (False, True):
        began = time.monotonic()
        send(connection, steering, stream=stream).read()
        assert 0.29 <= time.monotonic() - began < 1.5


def test_a_slow_reader_holds_the_stream_back(
    child: SimulatedChild, connection: HTTPConnection
) -> None:
    steering = {"output-tokens": "200000"}
    answer = send(connection, steering, stream=True)
    time.sleep(0.3)
    running = json.loads(child.get("/_simulated/book").splitlines()[0])
    assert running["outcome"] is None
    assert running["events"] < 100_000
    assert answer.read().count(b"data: ") == 200_003
    assert child.calls(1)[0].usage.completion == 200_000


def test_pages_counts_and_reset(child: SimulatedChild, connection: HTTPConnection) -> None:
    for _ in range(3):
        send(connection, {}).read()
    send(connection, {"status": "503"}).read()
    calls = child.calls(4)
    after = [
        json.loads(line) for line in child.get(f"/_simulated/book?after={calls[1].n}").splitlines()
    ]
    assert [call["n"] for call in after] == [calls[2].n, calls[3].n]
    assert len(child.get("/_simulated/book?limit=1").splitlines()) == 1
    counts = child.counts()
    assert counts["by_status"] == {"200": 3, "503": 1}
    assert counts["usage"]["prompt"] == sum(call.usage.prompt for call in calls)
    child.reset()
    assert child.get("/_simulated/book") == b""
    assert list(read_book(child.book)) == []


def test_other_doors(child: SimulatedChild, connection: HTTPConnection) -> None:
    for method, path, status in (
        ("GET", PATH, 405),
        ("POST", "/v1/nothing", 404),
        ("POST", "/_simulated/settings", 400),
    ):
        connection.request(method, path, '{"latency_ms": -1}')
        answer = connection.getresponse()
        assert answer.status == status
        assert answer.headers["x-legato-simulated"] == "true"
        assert set(json.loads(answer.read())["error"]) == {"message", "type", "param", "code"}
    assert list(read_book(child.book)) == []


def test_a_body_over_the_limit(child: SimulatedChild, connection: HTTPConnection) -> None:
    connection.request("POST", PATH, b" " * (33 * 1024 * 1024))
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 413
    assert child.calls(1)[0].status == 413


def test_the_book_goes_on_after_kill_minus_nine(tmp_path: Path) -> None:
    one = SimulatedChild(tmp_path)
    connection = HTTPConnection("127.0.0.1", one.port)
    send(connection, {}).read()
    connection.request("POST", PATH, json.dumps(ASK), {"x-simulated-latency-ms": "60000"})
    while len(list(read_book(one.book))) < 2:
        time.sleep(0.01)
    one.kill()
    connection.close()
    two = SimulatedChild(tmp_path)
    connection = HTTPConnection("127.0.0.1", two.port)
    send(connection, {}).read()
    connection.close()
    outcomes = [(call.n, call.outcome) for call in two.calls(2)]
    assert outcomes == [(1, "ok"), (2, None), (3, "ok")]
    assert two.stop() == 0


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    command = launch_command(SimulatedSettings(), port_file, None)
    script = (
        "import os, subprocess, sys, time\n"
        f"command = {command[:-1]!r} + [str(os.getpid())]\n"
        "print(subprocess.Popen(command, stdout=subprocess.PIPE).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        deadline = time.monotonic() + 10
        while not port_file.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        parent.kill()
    while Path(f"/proc/{orphan}").exists() and "Z" not in _state(orphan):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _state(process: int) -> str:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


async def test_in_this_process(tmp_path: Path) -> None:
    book = tmp_path / "book.jsonl"
    async with SimulatedServer(SimulatedSettings(latency_ms=60_000), book=book) as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        body = json.dumps(ASK).encode()
        writer.write(b"POST %b HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % (PATH.encode(), len(body)))
        writer.write(body)
        while server.book.counts().in_flight == 0:
            await asyncio.sleep(0.01)
    writer.close()
    assert [call.outcome for call in read_book(book)] == ["cut"]


def test_bad_settings_end_the_program_with_a_word(tmp_path: Path) -> None:
    command = launch_command(SimulatedSettings(), tmp_path / "port", None)
    command[command.index("--settings-json") + 1] = '{"error_rate": 2}'
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=20)
    assert ended.returncode == 2
    assert "error_rate" in ended.stderr


def test_settings_from_a_file(tmp_path: Path) -> None:
    settings = tmp_path / "settings.yaml"
    settings.write_text("models:\n  slow-1: {latency_ms: 5}\n")
    port_file = tmp_path / "port"
    command = launch_command(settings, port_file, None)
    with subprocess.Popen([*command, "--seed", "7"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        assert json.loads(port_file.read_text()) == {"port": port}
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("GET", "/_simulated/settings")
        shown = json.loads(connection.getresponse().read())
        connection.close()
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert (shown["seed"], shown["models"]) == (7, {"slow-1": {"latency_ms": 5}})
