"""The data plane: every route in one table.

Each route is either a surface, which runs the whole pipeline, or one of the few open or
listing pages below it. `routes` is what tests enumerate to prove that nothing slips past.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

import msgspec

from legato.api.http1.exchange import Exchange
from legato.core.clock import Clock
from legato.core.errors import LegatoError, NotFound
from legato.core.ids import IdSource
from legato.core.wire import Surface
from legato.gateway.context import Call
from legato.gateway.pipeline import Pipeline

Page = Callable[[Exchange], Awaitable[None]]
Resource = Callable[[Exchange, str], Awaitable[None]]
"""Something with an id: called with what stands in the path's `{id}`, "" where it has none."""
Control = Callable[[Exchange, str], Awaitable[None]]
"""Serves what is below `CONTROL_PREFIX`, with a request id."""
CONTROL_PREFIX = "/api/"
_JSON = (b"content-type", b"application/json")


class DataPlane:
    """Serves exchanges."""

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        surfaces: Mapping[str, Surface],
        relay: Pipeline,
        relayed: Mapping[str, Surface],
        pages: Mapping[str, Page],
        resources: Mapping[tuple[str, str], Resource],
        ids: IdSource,
        clock: Clock,
    ) -> None:
        self._surfaces = {path: (pipeline, surface) for path, surface in surfaces.items()}
        self._surfaces |= {path: (relay, surface) for path, surface in relayed.items()}
        self._pages = dict(pages)
        self._resources = dict(resources)
        self.control: Control | None = None
        """What is below `CONTROL_PREFIX`; None where there is no control API."""
        self._new_id = ids.new
        self._now_ns = clock.now_ns
        self.open_calls = 0

    @property
    def routes(self) -> Iterable[tuple[str, str]]:
        """Every (method, path) that is served."""
        yield from (("POST", path) for path in self._surfaces)
        yield from (("GET", path) for path in self._pages)
        yield from self._resources

    async def __call__(self, exchange: Exchange) -> None:
        """Serve one request."""
        served = self._surfaces.get(exchange.path)
        if served is None or exchange.method != b"POST":
            await self._page(exchange)
            return
        pipeline, surface = served
        call = Call(self._new_id(), surface, exchange, self._now_ns())
        self.open_calls += 1
        try:
            await pipeline(call, exchange)
        finally:
            self.open_calls -= 1

    async def _page(self, exchange: Exchange) -> None:
        page = self._pages.get(exchange.path)
        if self.control is not None and exchange.path.startswith(CONTROL_PREFIX):
            await self.control(exchange, self._new_id())
            return
        try:
            if page is not None and exchange.method in {b"GET", b"HEAD"}:
                await page(exchange)
                return
            resource, named = self._resource(exchange)
            if resource is None:
                raise self._no_page(exchange.path)
            await resource(exchange, named)
        except LegatoError as error:
            await exchange.reply(error.http_status, [_JSON], plain_error(error))

    def _resource(self, exchange: Exchange) -> tuple[Resource | None, str]:
        asked = "GET" if exchange.method == b"HEAD" else exchange.method.decode("ascii", "replace")
        for (method, template), resource in self._resources.items():
            before, has_id, after = template.partition("{id}")
            path = exchange.path
            if not has_id:
                if method == asked and path == template:
                    return resource, ""
                continue
            named = path[len(before) : len(path) - len(after)]
            fits = path.startswith(before) and path.endswith(after) and named
            if method == asked and fits and "/" not in named:
                return resource, named
        return None, ""

    def _no_page(self, path: str) -> NotFound:
        if path in self._surfaces:
            return NotFound(f"{path} takes POST.")
        if path in self._pages:
            return NotFound(f"{path} takes GET.")
        return NotFound(f"There is nothing at {path[:200]}; POST to {', '.join(self._surfaces)}.")


def plain_error(error: LegatoError) -> bytes:
    """Render an error outside of any surface, in OpenAI's shape."""
    return msgspec.json.encode(
        {
            "error": {
                "message": error.message,
                "type": error.code,
                "param": error.param,
                "code": error.code,
            }
        }
    )
