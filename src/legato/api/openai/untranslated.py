"""What surfaces share that only providers of OpenAI's own dialect can serve."""

from typing import Any

from legato.api.openai import errors
from legato.core.chat import ChatRequest, ChatResponse
from legato.core.errors import InvalidRequest, LegatoError
from legato.core.wire import Dialect, Operation, RequestView, StreamEncoder


class Untranslated:
    """A surface without a chat form."""

    name: str
    dialect = Dialect.OPENAI
    operation: Operation

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Refuse: this is no chat."""
        del body, drop_unsupported
        raise self._refused()

    def render(self, response: ChatResponse) -> bytes:
        """Refuse, like `to_chat`."""
        del response
        raise self._refused()

    def encoder(self, view: RequestView) -> StreamEncoder:
        """Refuse, like `to_chat`."""
        del view
        raise self._refused()

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error; the request id travels in a header."""
        del request_id
        return errors.error_body(error)

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the in-band error frame after a 200 has gone out."""
        del request_id
        return errors.error_frame(error)

    def _refused(self) -> InvalidRequest:
        msg = f"the provider behind this model does not serve {self.operation.value}"
        return InvalidRequest(msg, param="model")
