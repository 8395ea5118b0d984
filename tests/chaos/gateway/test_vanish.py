"""Callers that vanish, in every window and all at once: nothing of theirs may stay behind."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from typing import TYPE_CHECKING

import pytest

from .audit import Audit, rows_of
from .conftest import key
from .load import Ask, Load
from .requests import request_bytes, until

if TYPE_CHECKING:
    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say
    from .instance import Instance

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

WAVE = 300
LIMITED = [
    key("open"),
    key("narrow", concurrency_max=1_000),
    key("rich", budget={"usd": "100", "window": "total"}),
    key("slow", requests_per_minute=1_000_000),
]
LEASED = """
SELECT coalesce(sum(amount), 0) AS leased FROM limit_lease
JOIN limit_window ON limit_window.id = window_id WHERE kind IN ('budget', 'slots')
"""


def leased(instance: Instance) -> int:
    return int(rows_of(instance.database, LEASED)[0]["leased"])


async def vanish(instance: Instance, ask: Ask, *, sent_share: float, after_s: float) -> None:
    """Send part of a request, wait, and be gone, by a reset as often as by a close."""
    reader, writer = await asyncio.open_connection("127.0.0.1", instance.port)
    whole = request_bytes(ask, instance.secret(ask.key))
    writer.write(whole[: max(1, int(len(whole) * sent_share))])
    await asyncio.sleep(after_s)
    if int(after_s * 1e6) % 2:
        writer.transport.abort()
    else:
        writer.close()
    del reader


@pytest.mark.parametrize("window", ["request", "admission", "first_byte", "stream", "answer"])
async def test_a_wave_of_vanished_callers_leaves_nothing_behind(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say, window: str
) -> None:
    dice = random.Random(window)
    slow = {"latency_ms": 2_000} if window == "first_byte" else {"itl_ms": 100}
    provider.change(output_tokens=40, **(slow if window in {"first_byte", "stream"} else {}))
    instance = instance_of(keys=LIMITED)
    instance.start()
    waits = {"request": 0.05, "admission": 0.02, "first_byte": 1.0, "stream": 2.0, "answer": 0.2}
    for wave in range(3):
        await asyncio.gather(
            *[
                vanish(
                    instance,
                    Ask(
                        f"{window} {wave} {number}",
                        stream=window != "answer" and number % 3 > 0,
                        key=("open", "narrow", "rich", "slow")[number % 4],
                    ),
                    sent_share=dice.random() if window == "request" else 1.0,
                    after_s=dice.uniform(0.0, waits[window]),
                )
                for number in range(WAVE)
            ]
        )
    assert await until(lambda: instance.gauge("legato_open_requests") == 0)
    assert await until(lambda: provider.counts()["in_flight"] == 0), "upstream calls are left open"
    load = Load(instance)
    await load.run([Ask(f"after {n}", key=k["name"]) for n in range(5) for k in LIMITED])
    assert [seen.status for seen in load.seen] == [200] * 20
    assert await until(lambda: leased(instance) == 0), f"{leased(instance)} still leased"
    assert await until(lambda: instance.connections() == 0)
    instance.stop_drained()
    audit = Audit(instance, provider.book)
    audit.check_all(load.seen)
    say(f"{window}: {len(audit.book)} of {3 * WAVE} reached the provider, {audit.sources()}")


async def test_callers_who_leave_while_the_database_is_asked_leak_no_lease(
    provider: SimulatedChild, instance_of: MakeInstance
) -> None:
    instance = instance_of(keys=LIMITED)
    instance.start()
    with sqlite3.connect(instance.database, isolation_level=None) as database:
        database.execute("BEGIN IMMEDIATE")  # so that leases take a while
        asks = [Ask(f"leaves {n}", key=LIMITED[1 + n % 3]["name"]) for n in range(60)]
        await asyncio.gather(*[vanish(instance, a, sent_share=1, after_s=0.5) for a in asks])
        database.execute("ROLLBACK")
    database.close()
    assert await until(lambda: leased(instance) > 0), "no lease was under way"
    assert await until(lambda: instance.gauge("legato_open_requests") == 0)
    assert await until(lambda: leased(instance) == 0), f"{leased(instance)} still leased"
    instance.stop_drained()
    Audit(instance, provider.book).check_budgets()
