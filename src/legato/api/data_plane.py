"""The data plane: every endpoint in one table.

Each is either a surface, which runs the stages assembled for it, a resource, which is asked for
with a key (an admitted page within the key's limits, too), or one of the few open pages. Nothing is
served that isn't in the table, and `endpoints` lists it all: `legato endpoints` shows it, and tests
drive each of them.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from legato.api.admitted import AdmittedPage
from legato.api.endpoints import Endpoint, Page, Resource, SignedPage
from legato.api.http1.exchange import Exchange
from legato.api.openai.errors import error_body
from legato.api.places import CONSOLE_PREFIX, is_control
from legato.core.clock import Clock
from legato.core.errors import LegatoError, NotFound
from legato.core.ids import IdSource
from legato.core.principal import Principal
from legato.gateway.context import Call
from legato.gateway.pipeline import Assembly
from legato.gateway.stages.reply import retry_headers

Identify = Callable[[bytes | None, str], Awaitable[Principal]]
"""Tells whose key it is, and that it may be used from an address.

Raises Unauthenticated, Forbidden, StorageUnavailable."""
Control = Callable[[Exchange, str], Awaitable[None]]
"""Serves the control API and the console, with a request id."""
_JSON = (b"content-type", b"application/json")
_ANSWER = "answer"


class DataPlane:
    """Serves exchanges."""

    def __init__(
        self,
        *,
        surfaces: Mapping[str, Assembly],
        open_pages: Mapping[str, Page],
        resources: Mapping[tuple[str, str], Resource | AdmittedPage | SignedPage],
        identify: Identify,
        ids: IdSource,
        clock: Clock,
    ) -> None:
        self._surfaces = dict(surfaces)
        self._pages = dict(open_pages)
        self._resources = dict(resources)
        self._identify = identify
        self.control: Control | None = None
        """What `is_control` says; None where there is no control API."""
        self._new_id = ids.new
        self._now_ns = clock.now_ns
        self.open_calls = 0

    @property
    def endpoints(self) -> Iterable[Endpoint]:
        """Everything that is served, but for what the control API serves below its prefix."""
        for path, assembly in self._surfaces.items():
            yield Endpoint("POST", path, assembly.surface.name, assembly.names)
        for path in self._pages:
            yield Endpoint("GET", path, "", (_ANSWER,))
        if self.control is not None:
            yield Endpoint("GET", CONSOLE_PREFIX, "", (_ANSWER,))
        for (method, path), resource in self._resources.items():
            stages: tuple[str, ...] = ("authenticate", _ANSWER)
            if isinstance(resource, AdmittedPage):
                stages = resource.stages
            elif isinstance(resource, SignedPage):
                stages = ("verify", _ANSWER)
            yield Endpoint(method, path, "", stages)

    async def __call__(self, exchange: Exchange) -> None:
        """Serve one request."""
        assembly = self._surfaces.get(exchange.path)
        if assembly is None or exchange.method != b"POST":
            await self._page(exchange)
            return
        call = Call(self._new_id(), assembly.surface, exchange, self._now_ns())
        self.open_calls += 1
        try:
            await assembly(call, exchange)
        finally:
            self.open_calls -= 1

    async def _page(self, exchange: Exchange) -> None:
        page = self._pages.get(exchange.path)
        if self.control is not None and is_control(exchange.path):
            await self.control(exchange, self._new_id())
            return
        try:
            if page is not None and exchange.method in {b"GET", b"HEAD"}:
                await page(exchange)
                return
            resource, named = self._resource(exchange)
            if resource is None:
                raise self._no_page(exchange.path)
            if isinstance(resource, AdmittedPage):
                await resource(self._new_id(), exchange, self._now_ns(), named)
                return
            if isinstance(resource, SignedPage):
                await resource.answer(exchange, named)
                return
            principal = await self._identify(exchange.credential, exchange.address)
            await resource(exchange, principal, named)
        except LegatoError as error:
            headers = [_JSON, *retry_headers(error)]
            await exchange.reply(error.http_status, headers, error_body(error))

    def _resource(
        self, exchange: Exchange
    ) -> tuple[Resource | AdmittedPage | SignedPage | None, str]:
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
        if path in self._pages or ("GET", path) in self._resources:
            return NotFound(f"{path} takes GET.")
        return NotFound(f"There is nothing at {path[:200]}; POST to {', '.join(self._surfaces)}.")
