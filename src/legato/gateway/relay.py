"""The second, shorter pipeline: images and sound, which pass unread.

    authenticate → read → admit → resolve → route → call [reserve → attempt, again and again]
      → send → record

It shares its stages with `Pipeline`. Nothing is cached, and no guardrail can read what passes
here: where one is enforced, a call is refused rather than let by.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from legato.core.usage import Unit
from legato.core.wire import RequestView, Surface
from legato.gateway.pipeline import InputGuarding, Pipeline, Stage, send, sent
from legato.gateway.stages.read import read_json
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
    """What the stages work with, wired."""

    def stages(self, surface: Surface) -> Iterator[Stage]:
        """Yield the stages of a surface, in order."""
        del surface  # they are all alike here
        yield Stage("authenticate", self._authenticate)
        yield Stage("read", self._read)
        yield Stage("admit", self._admit)
        yield Stage("resolve", self._resolve)
        guard = self.guard_input
        if guard is not None:
            yield Stage("guard_input", _refusing(guard), unless=guard.passes)
        yield Stage("route", self._route)
        yield Stage("call", self._call, within=self.call_stage.within)
        yield Stage("send", send, unless=sent)

    async def _read(self, call: "Call", _sink: "Sink") -> None:
        source, surface = call.source, call.surface
        accept_traceparent(call, source.header(b"traceparent"))
        raw = await source.body()
        if isinstance(surface, FormSurface):
            call.body, call.view = surface.open(source.header(b"content-type"), raw)
        else:
            call.body = read_json(raw)
            call.view = surface.read(call.body)
        call.body_bytes = _prompt_bytes(call.view, len(raw))
        call.user = self._user(call)


def _refusing(guard: "InputGuarding") -> "Callable[[Call, Sink], None]":
    def run(call: "Call", _sink: "Sink") -> None:
        guard.refuse_unread(call)

    return run


def _prompt_bytes(view: RequestView, body_bytes: int) -> int:
    """Bound what may become tokens: text by its bytes, sound by how long it lasts."""
    files = sum(len(part.value) for part in view.form if part.filename)
    sound = view.units // _MS_PER_TOKEN_MIN if view.unit == Unit.AUDIO_MS else 0
    return body_bytes - files + sound
