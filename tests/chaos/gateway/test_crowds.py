"""Many at once: five thousand slow streams, readers that don't read, bodies past the limit."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import resource
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from .audit import Audit
from .load import Ask, Load
from .requests import request_bytes, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say
    from .instance import Instance

pytestmark = [pytest.mark.chaos, pytest.mark.alone, pytest.mark.timeout(400)]

STREAMS = 5_000
FILES_NEEDED = 12_000
TOKENS = 20
STUCK = 60
KIB_PER_STREAM_MAX = 48
LIMIT_BYTES = 1 << 20


@pytest.fixture
def many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < FILES_NEEDED:
        pytest.skip(f"this machine allows {hard} open files, {FILES_NEEDED} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_five_thousand_streams_at_an_event_a_second(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say, many_files: None
) -> None:
    provider.change(itl_ms=1_000, output_tokens=TOKENS, reasoning_share=0.0)
    instance = instance_of()
    instance.open_files_soft = 1_024  # what a shell gives; the program has to ask for more
    instance.start()
    before_mib = instance.pss_mib()
    gate = asyncio.Semaphore(200)
    results = [asyncio.create_task(one_stream(instance, n, gate)) for n in range(STREAMS)]
    assert await until(lambda: instance.gauge("legato_open_requests") >= STREAMS * 0.98, 60)
    peak_mib = instance.pss_mib()
    done = await asyncio.gather(*results)
    assert done == [True] * STREAMS
    assert await until(lambda: instance.gauge("legato_open_requests") == 0)
    assert await until(lambda: instance.connections() == 0)
    instance.stop_drained()
    audit = Audit(instance, provider.book)
    audit.check_all()
    assert audit.sources() == {"provider": STREAMS}
    per_stream_kib = (peak_mib - before_mib) * 1024 / STREAMS
    say(f"{before_mib:.0f} MiB before, {peak_mib:.0f} MiB with {STREAMS} streams")
    assert per_stream_kib < KIB_PER_STREAM_MAX


async def one_stream(instance: Instance, number: int, gate: asyncio.Semaphore) -> bool:
    async with gate:
        reader, writer = await asyncio.open_connection("127.0.0.1", instance.port, limit=16_384)
        ask = Ask(f"slow {number}", stream=True)
        writer.write(request_bytes(ask, instance.secret("open")))
        head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    last = b""
    while (chunk := await reader.read(4096)) and not last.endswith(b"0\r\n\r\n"):
        last = (last + chunk)[-64:]
        if last.endswith(b"0\r\n\r\n"):
            break
    writer.close()
    return b"[DONE]" in last


@pytest.fixture
def open_ones() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


async def test_readers_that_do_not_read_cost_little_and_end(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say, open_ones: ExitStack
) -> None:
    long_one = {"itl_ms": 0, "output_tokens": 30_000, "latency_ms": 0}
    provider.change(models={"small-1": {}, "large-1": long_one})
    instance = instance_of(timeouts={"total_s": 90}, cache={"enabled": False})
    instance.start()
    before_mib = instance.pss_mib()
    for number in range(STUCK):
        open_ones.enter_context(stuck_reader(instance, number))
    assert await until(lambda: instance.gauge("legato_open_requests") == STUCK, 15)
    await asyncio.sleep(3)
    began_s = time.monotonic()
    load = Load(instance, callers=4)
    await load.run([Ask(f"beside {n}", stream=n % 2 == 0) for n in range(40)])
    assert [seen for seen in load.seen if not seen.complete] == []
    beside_s = time.monotonic() - began_s
    open_still = await until(lambda: instance.gauge("legato_open_requests") == STUCK, 5)
    assert open_still, "the calls waited for the stuck ones"
    grown_mib = instance.pss_mib() - before_mib
    assert await until(lambda: instance.gauge("legato_open_requests") == 0, 150)
    assert await until(lambda: instance.connections() == 0, 120), "a dead connection is kept"
    open_ones.close()
    assert await until(lambda: provider.counts()["in_flight"] == 0)
    instance.stop_drained()
    Audit(instance, provider.book).check_all(load.seen)
    say(f"{STUCK} stuck readers: {grown_mib:+.0f} MiB; 40 calls beside them {beside_s:.1f} s")
    assert grown_mib < 120


def stuck_reader(instance: Instance, number: int) -> socket.socket:
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", instance.port))
    ask = Ask(f"stuck {number}", stream=True, model="large", max_tokens=None)
    one.sendall(request_bytes(ask, instance.secret("open")))
    return one


@pytest.mark.parametrize("how", ["declared", "chunked", "packed", "declared_bomb"])
async def test_a_body_past_the_limit_is_told_so(
    provider: SimulatedChild, instance_of: MakeInstance, how: str
) -> None:
    instance = instance_of(server={"body_bytes_max": LIMIT_BYTES})
    instance.start()
    before_mib = instance.pss_mib()
    async with aiohttp.ClientSession() as session:
        answers = await asyncio.gather(*[too_large(session, instance, how) for _ in range(20)])
    assert answers == [(413, "request_too_large")] * 20
    assert instance.pss_mib() - before_mib < 60
    assert await until(lambda: instance.gauge("legato_open_requests") == 0)
    assert provider.counts()["arrived"] == 0
    load = Load(instance)
    await load.run([Ask("small again")])
    assert load.seen[0].complete


async def too_large(
    session: aiohttp.ClientSession, instance: Instance, how: str
) -> tuple[int, str]:
    body = json.dumps(Ask("x" * (20 * LIMIT_BYTES)).body()).encode()
    headers = {"authorization": f"Bearer {instance.secret('open')}"}
    data: io.BytesIO | AsyncIterator[bytes] = io.BytesIO(body)
    if how == "chunked":
        data = in_parts(body)
    elif how == "packed":
        headers["content-encoding"] = "gzip"
        data = io.BytesIO(gzip.compress(body, 1))
    elif how == "declared_bomb":
        headers["content-encoding"] = "gzip"
        data = io.BytesIO(gzip.compress(bytes(200 * LIMIT_BYTES), 1))
    url = f"{instance.url}/v1/chat/completions"
    async with session.post(url, data=data, headers=headers) as answer:
        return answer.status, (await answer.json())["error"]["code"]


async def in_parts(body: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(body), 65_536):
        yield body[at : at + 65_536]
