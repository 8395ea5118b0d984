"""A small HTTP server of a test, and functions that tests use as tools."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Literal

import msgspec
from aiohttp import web

from legato.connectors.catalogue import Toolbox, World
from legato.connectors.tool import ToolContext
from legato.core.config_tools import Tool
from legato.core.egress import PERMISSIVE, Egress

CONTEXT = ToolContext("run-1/n/call", "acme")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Order(msgspec.Struct):
    """What is sold."""

    id: int
    state: Literal["open", "sent"] = "open"


def look_up(number: int, *, idempotency_key: str = "") -> Order:
    """Find an order by its number."""
    print(f"looking for {number}")  # noqa: T201 - what a tool prints must not be its answer
    if number < 0:
        raise LookupError(f"no order {number} {idempotency_key}")
    return Order(number)


async def greet(name: str, times: int = 1) -> str:
    """Greet."""
    return " ".join([f"hello {name}"] * times)


def sleep(seconds: float) -> None:
    """Take long."""
    time.sleep(seconds)


def fill(mib: int) -> int:
    """Take memory."""
    return len(bytearray(mib * 1024 * 1024))


def reserve(connection: Any, item: str, *, idempotency_key: str) -> dict[str, Any]:
    """Write with the step."""
    connection.append((item, idempotency_key))
    return {"reserved": item}


@asynccontextmanager
async def serving(*routes: tuple[str, str, Handler]) -> AsyncIterator[str]:
    """Serve handlers by method and path; yield the base URL."""
    application = web.Application()
    for method, path, handler in routes:
        application.router.add_route(method, path, handler)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def toolbox(
    entry: dict[str, Any], *, egress: Egress = PERMISSIVE, environment: dict[str, str] | None = None
) -> AsyncIterator[Toolbox]:
    """Open a toolbox of one entry as a configuration has it."""
    made = Toolbox(
        [msgspec.convert(entry, Tool)], World(egress, lambda _ref: "s3cret", environment or {})
    )
    try:
        yield made
    finally:
        await made.close()
