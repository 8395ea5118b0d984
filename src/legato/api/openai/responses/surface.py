"""`POST /v1/responses`."""

from typing import Any

from legato.api.openai import errors
from legato.api.openai.responses import prompted, validation
from legato.api.openai.responses.encoder import ResponsesEncoder
from legato.api.openai.responses.to_chat import read_chat
from legato.api.openai.responses.turn import ResponseTurn
from legato.core.chat import ChatRequest, ChatResponse
from legato.core.clock import Clock
from legato.core.errors import LegatoError
from legato.core.ids import IdSource
from legato.core.wire import Dialect, Operation, RequestView


class Responses:
    """The surface of responses: makes each request its own turn, which answers from then on."""

    name = "responses"
    dialect = Dialect.RESPONSES
    operation = Operation.CHAT

    def __init__(self, clock: Clock, ids: IdSource, *, keeps: bool = True) -> None:
        """Take `keeps` False where no answer is kept, whatever callers ask."""
        self._clock = clock
        self._new_id = ids.new
        self._keeps = keeps

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        validation.check_fields(body)
        return self.turn(body).view(body)

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Put a rendered prompt before the body's own; raises InvalidRequest."""
        return prompted.with_prompt(body, prompt, drop_unsupported=drop_unsupported)

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        return read_chat(body, drop_unsupported=drop_unsupported)

    def render(self, response: ChatResponse) -> bytes:
        """Translate an answer to a request that asked for nothing but a model."""
        return self.turn({"model": response.model, "input": ""}).render(response)

    def encoder(self, view: RequestView) -> ResponsesEncoder:
        """Translate a stream for such a request."""
        return self.turn({"model": view.model, "input": ""}).encoder(view)

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error; the request id travels in a header."""
        del request_id
        return errors.error_body(error)

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render a failure of a stream that no request is known of."""
        return self.turn({"model": "", "input": ""}).stream_error(error, request_id)

    def turn(self, body: dict[str, Any]) -> ResponseTurn:
        """Return the surface of one request. Raises InvalidRequest."""
        return ResponseTurn(body, self._new_id(), self._clock, keeps=self._keeps)
