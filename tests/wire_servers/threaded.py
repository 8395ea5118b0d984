"""A real HTTP server in a thread of its own, so that blocking clients can be its judges."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

START_S = 10.0


class ThreadedServer:
    """Serves handlers by path, or `METHOD path`, on a free port of 127.0.0.1.

    Without a method it is `POST`. A context manager.
    """

    def __init__(
        self, handlers: Mapping[str, Callable[[web.Request], Awaitable[web.StreamResponse]]]
    ) -> None:
        self._handlers = handlers
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self.url = ""

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(START_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(START_S)
        assert not self._thread.is_alive()

    async def _serve(self) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        app = web.Application(client_max_size=32 * 1024 * 1024)
        for path, handler in self._handlers.items():
            method, _, place = path.rpartition(" ")
            app.router.add_route(method or "POST", place, handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        self._ready.set()
        await self._stopped.wait()
        await runner.cleanup()
