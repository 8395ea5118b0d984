"""Pages that call no model and count against their key's limits all the same.

    authenticate → admit → answer → record

They are run as surfaces are, by an `Assembly` of stages, and leave a trace each; the metrics, which
tell of calls, don't count them.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from legato.api.openai.untranslated import Untranslated
from legato.core.errors import LegatoError
from legato.core.wire import Operation, RequestView
from legato.gateway.context import Call
from legato.gateway.pipeline import Assembly, Stage
from legato.gateway.stages.reply import identity_headers
from legato.gateway.stages.trace import accept_traceparent

if TYPE_CHECKING:
    from legato.api.endpoints import Resource
    from legato.api.http1.exchange import Exchange
    from legato.core.principal import Principal
    from legato.gateway.context import Sink
    from legato.gateway.stages.record import RecordStage
    from legato.governance.limits import Limits

Identify = Callable[[bytes | None, str], Awaitable["Principal"]]
RenderError = Callable[[LegatoError, str], bytes]


class PageSurface(Untranslated):
    """What a page is to those who look for a model's surface."""

    operation = Operation.PAGE

    def __init__(self, name: str, render_error: RenderError | None = None) -> None:
        self.name = name
        self._render_error = render_error

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error."""
        if self._render_error is None:
            return super().error(error, request_id)
        return self._render_error(error, request_id)

    def read(self, body: dict[str, Any]) -> RequestView:
        """Say nothing of a body: no model is named in it."""
        del body
        return RequestView(model="")


class Visit(PageSurface):
    """One request of a page: who answers it, and what stands in the path's `{id}`."""

    def __init__(self, page: "AdmittedPage", exchange: "Exchange", named: str) -> None:
        super().__init__(page.name, page.render_error)
        self._resource = page.resource
        self._exchange = exchange
        self._named = named

    async def answer(self, call: Call) -> None:
        """Let the page answer, under the request's id. Raises LegatoError."""
        self._exchange.identity = identity_headers(call)
        try:
            await self._resource(self._exchange, call.caller, self._named)
        except LegatoError:
            self._exchange.identity = []  # the error brings its own
            raise


class AdmittedPage:
    """A page; `name` is under which its traces are found."""

    def __init__(
        self,
        name: str,
        resource: "Resource",
        *,
        identify: Identify,
        limits: "Limits",
        record: "RecordStage",
        render_error: RenderError | None = None,
    ) -> None:
        """`render_error` writes the bodies of errors, where not in OpenAI's shape."""
        self.name = name
        self.resource = resource
        self.render_error = render_error

        async def authenticate(call: Call, _sink: "Sink") -> None:
            accept_traceparent(call, call.source.header(b"traceparent"))
            call.principal = await identify(call.source.credential, call.source.address)

        async def admit(call: Call, _sink: "Sink") -> None:
            call.slots_taken = await limits.admit(call.caller)

        stages = (
            Stage("authenticate", authenticate),
            Stage("admit", admit),
            Stage("answer", _answer),
        )
        self._assembly = Assembly(PageSurface(name, render_error), stages, limits, record.trace)

    @property
    def stages(self) -> tuple[str, ...]:
        """The stages a request runs through, by name."""
        return self._assembly.names

    async def __call__(
        self, request_id: str, exchange: "Exchange", arrived_ns: int, named: str
    ) -> None:
        """Serve one request, whatever happens to it."""
        visit = Visit(self, exchange, named)
        await self._assembly(Call(request_id, visit, exchange, arrived_ns), exchange)


async def _answer(call: Call, _sink: "Sink") -> None:
    visit = call.surface
    if not isinstance(visit, Visit):
        msg = "answer runs for pages alone"
        raise TypeError(msg)
    await visit.answer(call)
