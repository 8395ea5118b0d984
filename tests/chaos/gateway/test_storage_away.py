"""The database locked, or gone, for half a minute: the gateway serves on and catches up."""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from .audit import Audit
from .conftest import key
from .load import Ask, Load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from legato.providers.simulated.child import SimulatedChild

    from .conftest import MakeInstance, Say
    from .instance import Instance

pytestmark = [pytest.mark.chaos, pytest.mark.alone, pytest.mark.timeout(400)]

AWAY_S = 30.0
CALLERS = 8
GROWTH_MIB_MAX = 40.0
SLOW_S = 2.0
"""Nobody may wait longer for an answer because the database is away."""
POSTGRES = os.environ.get("LEGATO_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")


def endless() -> Iterator[Ask]:
    number = 0
    while True:
        number += 1
        yield Ask(f"away {number}", stream=number % 2 == 0, key=("open", "rich")[number % 5 == 0])


async def serve_through(instance: Instance, load: Load, seconds: float) -> float:
    """Call all the time; return the slowest answer in seconds."""
    slowest_s = 0.0

    async def probe() -> None:
        nonlocal slowest_s
        while not over.is_set():
            one = Load(instance, callers=1)
            began_s = time.monotonic()
            await one.run([Ask(f"probe {began_s}")])
            slowest_s = max(slowest_s, time.monotonic() - began_s)
            assert one.seen[0].complete, one.seen
            load.seen += one.seen
            await asyncio.sleep(0.05)

    over = asyncio.Event()
    ends_s = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        group.create_task(probe())
        await load.run(endless(), until=lambda: time.monotonic() > ends_s)
        over.set()
    return slowest_s


async def test_sqlite_locked_for_half_a_minute(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say
) -> None:
    instance = instance_of()
    instance.start()
    load = Load(instance, callers=CALLERS)
    await serve_through(instance, load, 3.0)
    before_mib, before = instance.pss_mib(), len(load.seen)
    with sqlite3.connect(instance.database, isolation_level=None, timeout=30) as database:
        database.execute("BEGIN EXCLUSIVE")
        slowest_s = await serve_through(instance, load, AWAY_S)
        assert instance.is_ready()
        grown_mib = instance.pss_mib() - before_mib
        database.execute("ROLLBACK")
    database.close()
    locked = len(load.seen) - before
    await serve_through(instance, load, 3.0)
    instance.stop_drained()
    audit = Audit(instance, provider.book)
    audit.check_all(load.seen)
    say(f"locked: {locked} calls, slowest {slowest_s:.2f} s, {grown_mib:+.1f} MiB")
    check_served_on(load, locked, slowest_s, grown_mib)


def check_served_on(load: Load, calls: int, slowest_s: float, grown_mib: float) -> None:
    assert calls > AWAY_S * 10
    assert slowest_s < SLOW_S
    assert grown_mib < GROWTH_MIB_MAX
    # a budget's lease may run out while the store is away: told as that, never as anything else
    assert {s.error_code for s in load.seen if not s.complete} <= {"storage_unavailable"}
    assert all(s.complete for s in load.seen if s.key == "open")


class Proxy:
    """A TCP proxy in front of Postgres that can be gone."""

    def __init__(self) -> None:
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """Stop listening and break what is open."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", 5432)
        pair = {writer, there}
        self._writers |= pair
        try:
            await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))
        finally:
            self._writers -= pair
            for one in pair:
                one.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


@asynccontextmanager
async def own_database() -> AsyncIterator[str]:
    """A fresh database of this Postgres, dropped in the end."""
    name = f"legato_chaos_{secrets.token_hex(4)}"
    try:
        admin = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=2)
    except psycopg.OperationalError:
        pytest.skip("no Postgres answers (LEGATO_TEST_POSTGRES)")
    with admin:
        admin.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]
        try:
            yield name
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


async def test_postgres_gone_for_half_a_minute(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say
) -> None:
    async with own_database() as name:
        proxy = Proxy()
        await proxy.open()
        url = f"postgresql://postgres@127.0.0.1:{proxy.port}/{name}"
        instance = instance_of(
            storage={"url": {"env": "CHAOS_DATABASE"}},
            keys=[key("open"), key("rich", budget={"usd": "100", "window": "total"})],
        )
        instance.environment["CHAOS_DATABASE"] = url
        await asyncio.to_thread(instance.start)
        load = Load(instance, callers=CALLERS)
        await serve_through(instance, load, 3.0)
        before_mib, before = instance.pss_mib(), len(load.seen)
        await proxy.cut()
        slowest_s = await serve_through(instance, load, AWAY_S)
        assert await asyncio.to_thread(instance.is_ready)
        grown_mib = instance.pss_mib() - before_mib
        gone = len(load.seen) - before
        await proxy.open()
        await serve_through(instance, load, 6.0)
        await asyncio.to_thread(instance.stop_drained)
        direct = f"postgresql://postgres@127.0.0.1:5432/{name}"
        audit = Audit(instance, provider.book, url=direct)
        audit.check_all(load.seen)
        await proxy.cut()
        say(f"gone: {gone} calls, slowest {slowest_s:.2f} s, {grown_mib:+.1f} MiB")
        check_served_on(load, gone, slowest_s, grown_mib)


async def test_who_needs_a_new_lease_is_told_soon_and_holds_nobody_up(
    provider: SimulatedChild, instance_of: MakeInstance, say: Say
) -> None:
    names = [f"limited{n}" for n in range(10)]
    keys = [key(name, budget={"usd": "100", "window": "total"}) for name in names]
    instance = instance_of(keys=[key("open"), *keys])
    instance.start()
    first = Load(instance)
    stored = [Ask(f"stored {n}") for n in range(40)]
    await first.run(stored)
    instance.stop_drained()
    instance.start()  # the answers are on disk only now, and no lease is held
    refused, served = Load(instance, callers=40), Load(instance, callers=1)
    slowest: dict[str, float] = {}
    with sqlite3.connect(instance.database, isolation_level=None, timeout=30) as database:
        database.execute("BEGIN EXCLUSIVE")

        async def timed(load: Load, asks: list[Ask], name: str) -> None:
            for ask in asks:
                began_s = time.monotonic()
                await load.run([ask])
                took_s = time.monotonic() - began_s
                slowest[name] = max(slowest.get(name, 0.0), took_s)

        async with asyncio.TaskGroup() as group:
            for number in range(40):
                asks = [Ask(f"limited {number} {n}", key=names[number % 10]) for n in range(5)]
                group.create_task(timed(refused, asks, "refused"))
            await asyncio.sleep(1.0)
            group.create_task(timed(served, stored, "stored"))
        database.execute("ROLLBACK")
    database.close()
    say(f"while locked, the slowest: {slowest}")
    assert {(s.status, s.error_code) for s in refused.seen} == {(503, "storage_unavailable")}
    assert [s.cache for s in served.seen] == ["hit"] * len(stored)
    assert slowest["refused"] < 12
    assert slowest["stored"] < SLOW_S
    await asyncio.sleep(2.0)
    again = Load(instance)
    await again.run([Ask(f"back {n}", key=names[n % 10]) for n in range(40)])
    assert all(seen.complete for seen in again.seen)
    instance.stop_drained()
    Audit(instance, provider.book).check_all([*first.seen, *again.seen, *served.seen])
