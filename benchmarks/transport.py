"""CPU of the upstream clients, per request and per SSE chunk: `python benchmarks/transport.py`.

Each measurement is a fresh client process on uvloop against one server process; counted is the
client's own CPU time (user and system, all its threads) after a warm-up. The order of the clients
changes from round to round; compare only figures of one run.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httptools
import trustme
import uvloop

from legato.providers.transport import Transport, open_transport

CLIENTS = ("http1", "aiohttp", "pyreqwest")
# name: (streams per second or None for plain requests, calls measured)
SHAPES: dict[str, tuple[float | None, int]] = {
    "request": (None, 4000),
    "stream at 3/s": (3, 15),
    "stream at 40/s": (40, 160),
}
CONCURRENT_REQUESTS = 8
CHUNKS_PER_STREAM = 64
CHUNK_INTERVAL_S = 0.005
REQUEST_BODY = b"x" * 2048
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"' + b"y" * 120 + b'"}}]}\n\n'
CHUNK = b"%x\r\n%b\r\n" % (len(EVENT), EVENT)
STREAM_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
)
FIELDS = b"".join(b"x-field-%d: %b\r\n" % (number, b"v" * 24) for number in range(10))
ANSWER = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%bcontent-length: 1024\r\n\r\n%b"
    % (
        FIELDS,
        b"z" * 1024,
    )
)
HEADERS = b"content-type: application/json\r\nauthorization: Bearer made-up\r\n"

# ------------------------------------------------------------------------------- server


class Upstream(asyncio.Protocol):
    """Answers /stream with a paced stream, anything else with 1 KB."""

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_message_complete(self) -> None:
        if self.url == b"/stream":
            self.transport.write(STREAM_HEAD + FIELDS + b"\r\n")
            self.left = CHUNKS_PER_STREAM
            self.due_s = asyncio.get_running_loop().time()
            self.tick()
        else:
            self.transport.write(ANSWER)

    def tick(self) -> None:
        self.transport.write(CHUNK)
        self.left -= 1
        if self.left:
            self.due_s += CHUNK_INTERVAL_S
            asyncio.get_running_loop().call_at(self.due_s, self.tick)
        else:
            self.transport.write(b"0\r\n\r\n")


async def serve(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    plain = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=512)
    secure = await loop.create_server(Upstream, "127.0.0.1", 0, backlog=512, ssl=context)
    ports = [server.sockets[0].getsockname()[1] for server in (plain, secure)]
    sys.stdout.write(json.dumps(ports) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


# ------------------------------------------------------------------------------- clients

Call = Callable[[bool], Awaitable[int]]


def legato_call(transport: Transport) -> Call:
    async def call(streaming: bool) -> int:  # noqa: FBT001 - one flag, one meaning
        response = await transport.send(b"/stream" if streaming else b"/", HEADERS, REQUEST_BODY)
        if not streaming:
            return len(await response.read(1 << 20))
        received = 0
        while (piece := await response.read_chunk()) is not None:
            received += len(piece)
        return received

    return call


def pyreqwest_call(base_url: str, ca_file: Path | None) -> tuple[Call, Any]:
    from pyreqwest.client import ClientBuilder  # noqa: PLC0415 - only its own run needs it

    builder = ClientBuilder().http1_only().no_proxy()
    if ca_file is not None:
        builder = builder.add_root_certificate_pem(ca_file.read_bytes())
    client = builder.build()
    fields = {"content-type": "application/json", "authorization": "Bearer made-up"}

    async def call(streaming: bool) -> int:  # noqa: FBT001
        request = client.post(base_url + ("/stream" if streaming else "/")).headers(fields)
        request = request.body_bytes(REQUEST_BODY)
        if not streaming:
            response = await request.build().send()
            return len(await response.bytes())
        received = 0
        async with request.streamed_read_buffer_limit(0).build_streamed() as streamed:
            while (piece := await streamed.body_reader.read_chunk()) is not None:
                received += len(piece)
        return received

    return call, client


async def load(call: Call, rate: float | None, calls: int) -> None:
    if rate is None:
        expected = 1024
        share = calls // CONCURRENT_REQUESTS

        async def worker() -> None:
            for _ in range(share):
                assert await call(False) == expected  # noqa: S101

        await asyncio.gather(*(worker() for _ in range(CONCURRENT_REQUESTS)))
        return
    expected = CHUNKS_PER_STREAM * len(EVENT)
    loop = asyncio.get_running_loop()
    start_s = loop.time()

    async def stream(number: int) -> None:
        await asyncio.sleep(start_s + number / rate - loop.time())
        assert await call(True) == expected  # noqa: S101

    await asyncio.gather(*(stream(number) for number in range(calls)))


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(kind: str, shape: str, base_url: str, ca_file: Path | None) -> float:
    """Return CPU µs per request, or per SSE chunk."""
    rate, calls = SHAPES[shape]
    closing: Any
    if kind == "pyreqwest":
        call, closing = pyreqwest_call(base_url, ca_file)
    else:
        closing = open_transport(kind, base_url, ca_file=ca_file)  # type: ignore[arg-type]
        call = legato_call(closing)
    await load(call, None, 400)
    if rate is not None:
        await asyncio.gather(*(call(True) for _ in range(8)))
    before_s = cpu_s()
    await load(call, rate, calls)
    used_s = cpu_s() - before_s
    await closing.close()
    return used_s * 1e6 / (calls * (1 if rate is None else CHUNKS_PER_STREAM))


# ------------------------------------------------------------------------------- the run


def child(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, __file__, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def run(rounds: int) -> dict[tuple[str, str, str], list[float]]:
    figures: dict[tuple[str, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        authority = trustme.CA()
        ca_file, certificate = Path(folder, "ca.pem"), Path(folder, "server.pem")
        authority.cert_pem.write_to_path(str(ca_file))
        authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
            str(certificate)
        )
        server = child("--serve", str(certificate))
        assert server.stdout is not None  # noqa: S101
        plain, secure = json.loads(server.stdout.readline())
        targets = {
            "http": [f"http://localhost:{plain}"],
            "https": [f"https://localhost:{secure}", str(ca_file)],
        }
        try:
            for number in range(rounds):
                for scheme, target in targets.items():
                    for shape in SHAPES:
                        turn = number % len(CLIENTS)
                        for kind in CLIENTS[turn:] + CLIENTS[:turn]:
                            output, _ = child("--measure", kind, shape, *target).communicate()
                            figure = float(output)
                            figures.setdefault((scheme, shape, kind), []).append(figure)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(10)
    return figures


def report(figures: dict[tuple[str, str, str], list[float]]) -> None:
    print("| | unit | " + " | ".join(CLIENTS) + " | aiohttp ÷ http1 | pyreqwest ÷ http1 |")
    print("|---" * (len(CLIENTS) + 4) + "|")
    for scheme in ("http", "https"):
        for shape in SHAPES:
            rows = [figures[scheme, shape, kind] for kind in CLIENTS]
            cells = [
                f"{statistics.median(row):.0f} ({min(row):.0f} to {max(row):.0f})" for row in rows
            ]
            for row in rows[1:]:
                ratios = [other / own for own, other in zip(rows[0], row, strict=True)]
                cells.append(
                    f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
                )
            unit = "request" if shape == "request" else "chunk"
            print(f"| {scheme} {shape} | µs/{unit} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.serve:
            runner.run(serve(Path(options.serve)))
        elif options.measure:
            kind, shape, base_url, *ca_file = options.measure
            trusted = Path(ca_file[0]) if ca_file else None
            print(runner.run(measure(kind, shape, base_url, trusted)))
        else:
            print(f"{options.rounds} rounds, {os.cpu_count()} cores; median (least to most)\n")
            report(run(options.rounds))


if __name__ == "__main__":
    main()
