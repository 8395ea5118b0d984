"""A hundred thousand calls through one worker: memory stays small, and flat."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from .audit import Audit
from .load import Ask
from .requests import request_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say
    from .instance import Instance

pytestmark = [pytest.mark.soak, pytest.mark.alone, pytest.mark.timeout(1_500)]

CALLS = 100_000
CALLERS = 24
LOOKS = 10
PSS_MIB_MAX = 134.0
"""125 was measured; a library that every process loads without need is 4 to 10 more."""
GROWTH_MIB_MAX = 12.0
"""Over the second half, when caches and pools are full: what is left is noise, not a leak."""


async def test_a_hundred_thousand_calls_leave_memory_small_and_flat(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say
) -> None:
    provider.change(latency_ms=0, latency_jitter_ms=0, itl_ms=0, output_tokens=16)
    instance = instance_of(journal={})
    instance.start()
    sizes = [instance.pss_mib()]
    numbers = iter(range(CALLS))
    began_s = time.monotonic()
    for look in range(1, LOOKS + 1):
        until = CALLS * look // LOOKS
        await asyncio.gather(*[caller(instance, numbers, until) for _ in range(CALLERS)])
        sizes.append(instance.pss_mib())
    took_s = time.monotonic() - began_s
    shown = " ".join(f"{size:.0f}" for size in sizes)
    say(f"{CALLS} calls in {took_s:.0f} s, PSS of the whole tree in MiB: {shown}")
    instance.stop_drained()
    audit = Audit(instance, provider.book)
    audit.check_all()
    assert len(audit.book) == CALLS
    assert max(sizes) < PSS_MIB_MAX
    assert sizes[-1] - sizes[LOOKS // 2] < GROWTH_MIB_MAX


async def caller(instance: Instance, numbers: Iterator[int], until: int) -> None:
    """Make calls on one connection, one after the other, a third of them streams."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    for number in numbers:
        stream = number % 3 == 0
        ask = Ask(f"call {number} of many", stream=stream, key=("open", "rich")[number % 2])
        writer.write(request_bytes(ask, instance.secret(ask.key)))
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        if stream:
            body = await reader.readuntil(b"\r\n0\r\n\r\n")
            assert b"[DONE]" in body
        else:
            length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(length)
        if number >= until - CALLERS:
            break
    writer.close()
