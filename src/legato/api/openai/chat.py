"""`POST /v1/chat/completions`."""

from typing import Any

from legato.api.openai import errors, prompted, validation
from legato.api.openai.encoder import OpenAIEncoder
from legato.api.openai.render import render_chat
from legato.api.openai.to_chat import read_chat
from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock
from legato.core.errors import LegatoError
from legato.core.wire import Dialect, Operation, RequestView

_NS_PER_S = 1_000_000_000


class ChatCompletions:
    """The surface of chat completions."""

    name = "chat_completions"
    dialect = Dialect.OPENAI
    operation = Operation.CHAT

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        return validation.chat_view(body)

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Put a rendered prompt before the body's own messages; this dialect has all of it."""
        del drop_unsupported
        return prompted.with_prompt(body, prompt)

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        return read_chat(body, drop_unsupported=drop_unsupported)

    def render(self, response: ChatResponse) -> bytes:
        """Translate a complete answer."""
        return render_chat(response, now_s=self._now_s())

    def encoder(self, view: RequestView) -> OpenAIEncoder:
        """Translate a stream."""
        return OpenAIEncoder(wants_usage=view.wants_stream_usage, now_s=self._now_s())

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error; the request id travels in a header."""
        del request_id
        return errors.error_body(error)

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the in-band error frame after a 200 has gone out."""
        del request_id
        return errors.error_frame(error)

    def _now_s(self) -> int:
        return self._clock.now_ns() // _NS_PER_S
