"""`POST /v1/messages`."""

from typing import Any

from legato.api.anthropic import errors, prompted
from legato.api.anthropic.encoder import AnthropicEncoder
from legato.api.anthropic.render import render_message
from legato.api.anthropic.to_chat import read_chat
from legato.api.anthropic.validation import messages_view
from legato.core.chat import ChatRequest, ChatResponse
from legato.core.errors import LegatoError
from legato.core.wire import Dialect, Operation, RequestView


class Messages:
    """The surface of Anthropic's messages."""

    name = "messages"
    dialect = Dialect.ANTHROPIC
    operation = Operation.CHAT

    def read(self, body: dict[str, Any]) -> RequestView:
        """Validate what we rely on. Raises InvalidRequest naming the field."""
        return messages_view(body)

    def with_prompt(
        self, body: dict[str, Any], prompt: ChatRequest, *, drop_unsupported: bool
    ) -> dict[str, Any]:
        """Put a rendered prompt before the body's own; raises InvalidRequest."""
        return prompted.with_prompt(body, prompt, drop_unsupported=drop_unsupported)

    def to_chat(self, body: dict[str, Any], *, drop_unsupported: bool) -> ChatRequest:
        """Translate the body; raises InvalidRequest for what can't be carried."""
        return read_chat(body, drop_unsupported=drop_unsupported)

    def render(self, response: ChatResponse) -> bytes:
        """Translate a complete answer."""
        return render_message(response)

    def encoder(self, view: RequestView) -> AnthropicEncoder:
        """Translate a stream."""
        del view
        return AnthropicEncoder()

    def error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the body of an HTTP error."""
        return errors.error_body(error, request_id)

    def stream_error(self, error: LegatoError, request_id: str) -> bytes:
        """Render the in-band error frame after a 200 has gone out."""
        return errors.error_frame(error, request_id)
