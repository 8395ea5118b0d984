"""The second, shorter pipeline: images and sound, which pass unread.

    authenticate → read → admit → resolve → route → call [reserve → attempt, again and again]
      → record

It shares its stages with `Pipeline`. Nothing is cached, and no guardrail can read what passes
here: where one is enforced, a call is refused rather than let by.
"""

from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from legato.core.errors import InvalidRequest
from legato.core.usage import Unit
from legato.core.wire import RequestView
from legato.gateway.pipeline import Pipeline, send_reply
from legato.gateway.stages.read import read_json
from legato.gateway.stages.route import order_candidates
from legato.gateway.stages.trace import accept_traceparent

if TYPE_CHECKING:
    from legato.gateway.context import Call, Sink

_MS_PER_TOKEN_MIN = 50
"""Models that read sound make a token of 100 ms of it; half of that is the bound."""


@runtime_checkable
class FormSurface(Protocol):
    """What a surface has beside the rest, whose bodies are forms."""

    def open(self, content_type: bytes | None, raw: bytes) -> tuple[dict[str, Any], RequestView]:
        """Read a form: its plain fields, and what the pipeline needs. Raises InvalidRequest."""
        ...


class Relay(Pipeline, frozen=True, eq=False):
    """The stages, wired."""

    async def _serve(self, call: "Call", sink: "Sink") -> None:
        source, surface = call.source, call.surface
        principal = call.principal = await self.keyring.identify(source.credential)
        call.mark("authenticate")
        accept_traceparent(call, source.header(b"traceparent"))
        raw = await source.body()
        if isinstance(surface, FormSurface):
            call.body, call.view = surface.open(source.header(b"content-type"), raw)
        else:
            call.body = read_json(raw)
            call.view = surface.read(call.body)
        call.body_bytes = _prompt_bytes(call.view, len(raw))
        call.user = self._user(call, principal)
        call.mark("read")
        call.slot_taken = await self.limits.admit(principal)
        call.mark("admit")
        route = call.route = self.directory.resolve(call.view.model, principal)
        call.mark("resolve")
        if self.guard_input is not None or self.guard_output is not None:
            msg = f"{surface.name} can't be checked, and the policy for it enforces checks"
            raise InvalidRequest(msg, param="model")
        call.candidates = order_candidates(call, route, self.random)
        call.mark("route")
        reply = await self.call_stage(call, sink)
        call.mark("call")
        call.http_status = 200
        if not reply.sent:
            await send_reply(call, sink, reply)
            call.mark("send")


def _prompt_bytes(view: RequestView, body_bytes: int) -> int:
    """Bound what may become tokens: text by its bytes, sound by how long it lasts."""
    files = sum(len(part.value) for part in view.form if part.filename)
    sound = view.units // _MS_PER_TOKEN_MIN if view.unit == Unit.AUDIO_MS else 0
    return body_bytes - files + sound
